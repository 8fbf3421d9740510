//! Making a file of what waits.

use super::exchange::FileExchange;
use crate::delivery::alarms::raise_alarm;
use crate::fault::{Failure, Fault};
use crate::store::{HandOff, Job, LEASE_SECONDS_MAX, LeasedJob, Queue};
use futures_util::StreamExt as _;
use futures_util::stream;
use onbill_domain::ids::OperatorId;
use onbill_domain::timestamp::Timestamp;

/// Seconds after which nobody is asked about any more: half of the lease is left for the database. What has not had its
/// turn is leased anew, for another file.
const ASKING_SECONDS: i64 = LEASE_SECONDS_MAX / 2;
/// Accounts asked about at once: enough to keep the operator's systems busy, few enough not to flood them.
const ASKED_AT_ONCE: usize = 16;

/// What is to become of an entry.
enum Fate {
    /// It goes into a file.
    Line(LeasedJob),
    /// It does not, and this comes of it.
    Not(LeasedJob, HandOff),
    /// There was no time to ask about it.
    Unasked(LeasedJob),
}

/// Entries that were asked about.
#[derive(Default)]
struct Sifted {
    /// Those that are for a file, in the order of the outbox.
    lines: Vec<LeasedJob>,
    /// How many have not had their turn.
    unasked: usize,
}

impl FileExchange {
    /// Makes files of all that waits, once in each interval. Another origin may have done so already.
    pub(super) async fn close_if_due(&self) -> Result<(), Fault> {
        let Some(settings) = &self.settings else { return Ok(()) };
        let seconds = 60 * i64::from(settings.every_minutes);
        let interval = |at: Timestamp| at.unix_seconds().div_euclid(seconds);
        let now = self.clock.now();
        if self.store.find_newest_file_time().await?.is_some_and(|last| interval(last) >= interval(now)) {
            return Ok(());
        }
        let next = Timestamp::from_unix_seconds((interval(now) + 1) * seconds);
        let lines_max = settings.lines as usize;
        // When there is more than this interval can do, the next one goes on.
        while self.clock.now() < next {
            let now = self.clock.now();
            let until = now.plus_seconds(LEASE_SECONDS_MAX);
            let leased = self.store.lease_due(Queue::Billing, now, until, settings.lines).await?;
            // A kind of which all were leased that may be may have more.
            let is_all = leased.len() < lines_max;
            let sifted = self.sift(leased, next).await?;
            for lines in sifted.lines.chunks(lines_max) {
                self.make_file(lines).await?;
            }
            if is_all && sifted.unasked == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Asks about every entry again, and settles what is not for a file.
    async fn sift(&self, entries: Vec<LeasedJob>, next: Timestamp) -> Result<Sifted, Fault> {
        let until = self.clock.now().plus_seconds(ASKING_SECONDS);
        let fates = entries.into_iter().map(|entry| self.decide_fate(entry, until, next));
        // All of them before anything is settled: whoever is left in the middle of asking may hold what settling waits for.
        let fates: Vec<Fate> = stream::iter(fates).buffered(ASKED_AT_ONCE).collect().await;
        let (mut sifted, mut unclear) = (Sifted::default(), 0_u32);
        for fate in fates {
            match fate {
                Fate::Line(entry) => sifted.lines.push(entry),
                Fate::Unasked(entry) => {
                    sifted.unasked += 1;
                    self.settle_entry(entry, HandOff::Later { due_at: self.clock.now() }).await?;
                }
                Fate::Not(entry, outcome) => {
                    unclear += u32::from(matches!(outcome, HandOff::Later { .. }));
                    self.settle_entry(entry, outcome).await?;
                }
            }
        }
        if unclear > 0 {
            tracing::error!(unclear, alarm = "standing-unknown", "charges wait for the next file");
        }
        Ok(sifted)
    }

    /// A refund needs no account. A charge needs the one that it was accepted for, as it stands now: it was posted an interval
    /// ago, or more.
    async fn decide_fate(&self, entry: LeasedJob, until: Timestamp, next: Timestamp) -> Fate {
        let Job::Charge { transaction_id } = &entry.job else { return Fate::Line(entry) };
        if self.clock.now() >= until {
            return Fate::Unasked(entry);
        }
        let standing = match self.store.find_pending_charge(transaction_id.clone()).await {
            Ok(Some(charge)) => self.billing.check_subscriber(&charge).await,
            // Settled meanwhile: its entry went with it, and no file will take it.
            Ok(None) => Ok(None),
            Err(error) => Err(error.into()),
        };
        match standing {
            Ok(None) => Fate::Line(entry),
            Ok(Some(reason)) => Fate::Not(entry, HandOff::Declined { reason, raw_code: None }),
            Err(Failure::Fault(Fault::Broken(what))) => {
                tracing::error!(what, transaction_id, alarm = "outbox-parked", "an entry needs a person");
                Fate::Not(entry, HandOff::Parked)
            }
            Err(failure) => {
                tracing::warn!(?failure, transaction_id, "an account could not be asked about");
                Fate::Not(entry, HandOff::Later { due_at: next })
            }
        }
    }

    async fn settle_entry(&self, entry: LeasedJob, outcome: HandOff) -> Result<(), Fault> {
        let id = match &entry.job {
            Job::Charge { transaction_id } => transaction_id.clone(),
            _ => String::new(),
        };
        let settling = self.store.settle(self.clock.now(), entry, outcome).await?;
        raise_alarm(settling, "charge", &id);
        self.wake_up.wake_queue();
        Ok(())
    }

    async fn make_file(&self, entries: &[LeasedJob]) -> Result<(), Fault> {
        let (now, file_id) =
            (self.clock.now(), file_name(&self.operator, self.clock.now(), self.random.bytes()));
        let lines = self.store.create_billing_file(now, file_id.clone(), entries.to_vec()).await?;
        if lines > 0 {
            tracing::info!(file = file_id, lines, "a file was made");
        }
        Ok(())
    }
}

/// Names sort by time; those of one second are told apart by chance. Nothing in a name comes from what is in the file.
fn file_name(operator: &OperatorId, now: Timestamp, random: [u8; 4]) -> String {
    let at: String = now.to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect();
    format!("{operator}-{at}-{}", super::render::hex(&random))
}
