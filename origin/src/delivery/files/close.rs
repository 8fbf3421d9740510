//! Makes a file of the pending charges and refunds.

use super::exchange::FileExchange;
use crate::call_trace::CallTrace;
use crate::config::FileColumns;
use crate::delivery::alarms::raise_for_result;
use crate::delivery::later_decision::LaterDecision;
use crate::fault::{Failure, Fault};
use crate::instruments::{Alarm, raise_alarm};
use crate::store::{
    BillingOutcome, ChargeOutcome, DeliveryOutcome, Job, JobKind, LEASE_SECONDS_MAX, Lease, LeasedJob,
    NextStep, Queue, StoreError,
};
use futures_util::stream;
use futures_util::{FutureExt as _, StreamExt as _};
use onbill_domain::ids::OperatorId;
use onbill_domain::timestamp::Timestamp;
use std::panic::AssertUnwindSafe;

/// Seconds after which no more accounts are looked up: half of the lease is left for the database.
/// Jobs that were not reached are leased again, for another file.
const ASKING_SECONDS: i64 = LEASE_SECONDS_MAX / 2;
/// Accounts looked up at once: enough to keep the operator's systems busy, few enough not to flood
/// them.
const ASKED_AT_ONCE: usize = 16;

/// The decision about a job.
enum FilingDecision {
    /// It goes into a file.
    Line(LeasedJob),
    /// A charge whose account does not allow it now, or could not be looked up.
    Settled { trace: Option<CallTrace>, lease: Lease, transaction_id: String, outcome: ChargeOutcome },
    /// A charge whose account was not looked up, for lack of time.
    NotLookedUp { lease: Lease, transaction_id: String },
}

/// Jobs, sorted by whether they go into a file.
#[derive(Default)]
struct CheckedJobs {
    /// Those for a file, in the order of the queue.
    lines: Vec<LeasedJob>,
    not_looked_up: usize,
    /// Charges whose account could not be looked up: they wait for the next file.
    unclear: u32,
}

impl FileExchange {
    /// Makes files of all pending jobs, once in each interval, unless another origin has done so.
    pub(super) async fn close_if_due(&self) -> Result<(), Fault> {
        let Some(settings) = &self.settings else { return Ok(()) };
        let seconds = 60 * i64::from(settings.every_minutes);
        let interval = |at: Timestamp| at.unix_seconds().div_euclid(seconds);
        let now = self.clock.now();
        if self.store.find_newest_file_time(now).await?.is_some_and(|last| interval(last) >= interval(now)) {
            return Ok(());
        }
        let next = Timestamp::from_unix_seconds((interval(now) + 1) * seconds);
        let lines_max = settings.lines as usize;
        let (mut leased_any, mut unclear) = (false, 0_u32);
        // Jobs that are left when this interval ends wait for the next one.
        while self.clock.now() < next {
            let now = self.clock.now();
            let until = now.plus_seconds(LEASE_SECONDS_MAX);
            let leased = self.store.lease_due(Queue::Billing, now, until, settings.lines).await?;
            // A kind of which the maximum number of jobs was leased may have more.
            let is_all = leased.len() < lines_max;
            leased_any |= !leased.is_empty();
            let checked = self.check_accounts(leased, next).await?;
            unclear = unclear.saturating_add(checked.unclear);
            for lines in checked.lines.chunks(lines_max) {
                self.make_file(lines, settings.columns.clone()).await?;
            }
            if is_all && checked.not_looked_up == 0 {
                break;
            }
        }
        // What waits for the next file is not leased before.
        if leased_any {
            self.judge_accounts(unclear, next);
        }
        Ok(())
    }

    /// Looks up every account again, and settles the charges that do not go into a file. What is done
    /// about a charge belongs to the charge's own trace, and not to that of the round.
    async fn check_accounts(&self, jobs: Vec<LeasedJob>, next: Timestamp) -> Result<CheckedJobs, Fault> {
        let until = self.clock.now().plus_seconds(ASKING_SECONDS);
        let decisions = jobs.into_iter().map(|leased| {
            let trace = leased.trace.clone();
            CallTrace::scope_of(trace, self.decide_or_put_off(leased, until, next))
        });
        // All look-ups finish before anything is settled: one that is not polled may hold a
        // resource that another one needs to be settled.
        let decisions: Vec<FilingDecision> = stream::iter(decisions).buffered(ASKED_AT_ONCE).collect().await;
        let mut checked = CheckedJobs::default();
        for decision in decisions {
            match decision {
                FilingDecision::Line(leased) => checked.lines.push(leased),
                FilingDecision::NotLookedUp { lease, transaction_id } => {
                    checked.not_looked_up += 1;
                    let outcome = BillingOutcome::Undecided(NextStep::RetryAt(self.clock.now()));
                    self.settle_charge(lease, transaction_id, outcome).await?;
                }
                FilingDecision::Settled { trace, lease, transaction_id, outcome } => {
                    let is_unclear = matches!(outcome, BillingOutcome::Undecided(NextStep::RetryAt(_)));
                    checked.unclear += u32::from(is_unclear);
                    CallTrace::scope_of(trace, self.settle_charge(lease, transaction_id, outcome)).await?;
                }
            }
        }
        Ok(checked)
    }

    /// The alarm is confirmed or over when the next file is made, which may be a day from now.
    fn judge_accounts(&self, unclear: u32, next: Timestamp) {
        let (alarms, alarm) = (&self.instruments.alarms, Alarm::AccountsUnknown);
        if unclear == 0 {
            alarms.clear(alarm, "");
        } else if alarms.raise_until(alarm, "", Some(next.plus_seconds(3_600))) {
            tracing::error!(
                unclear,
                alarm = alarm.as_str(),
                "charges wait for the next billing file: their accounts could not be looked up"
            );
        }
    }

    /// A panic about one charge costs it an attempt, and holds up no other.
    async fn decide_or_put_off(
        &self,
        leased: LeasedJob,
        until: Timestamp,
        next: Timestamp,
    ) -> FilingDecision {
        let (lease, job, trace) = (leased.lease(), leased.job.clone(), leased.trace.clone());
        let decided = AssertUnwindSafe(self.decide_filing(leased.clone(), until, next)).catch_unwind().await;
        match (decided, job) {
            (Ok(decision), _) => decision,
            (Err(_), Job::Charge { transaction_id }) => {
                let (alarms, kind) = (&self.instruments.alarms, JobKind::Charge.as_str());
                raise_alarm!(alarms, Alarm::Panicked, kind, transaction_id, "an attempt has panicked");
                let outcome = BillingOutcome::Undecided(self.plan_unclear(lease));
                FilingDecision::Settled { trace, lease, transaction_id, outcome }
            }
            (Err(_), _) => FilingDecision::Line(leased),
        }
    }

    /// What follows an attempt at a charge that panicked.
    fn plan_unclear(&self, lease: Lease) -> NextStep {
        self.billing.retry.plan(JobKind::Charge.spec().retry_if_unclear, lease.attempt)
    }

    /// A refund needs no account. A charge needs the account that it was accepted for, with its
    /// present status, because it was posted an interval ago or more.
    async fn decide_filing(&self, leased: LeasedJob, until: Timestamp, next: Timestamp) -> FilingDecision {
        let Job::Charge { transaction_id } = &leased.job else { return FilingDecision::Line(leased) };
        let (lease, transaction_id) = (leased.lease(), transaction_id.clone());
        if self.clock.now() >= until {
            return FilingDecision::NotLookedUp { lease, transaction_id };
        }
        let declined = match self.store.find_pending_charge(transaction_id.clone()).await {
            Ok(Some(charge)) => self.billing.check_subscriber(&charge).await,
            // It was settled in the meantime: its job went with it, and no file will take it.
            Ok(None) => Ok(None),
            Err(error) => Err(error.into()),
        };
        let outcome = match declined {
            Ok(None) => return FilingDecision::Line(leased),
            Ok(Some(declined)) => BillingOutcome::Decided(declined),
            Err(Failure::Fault(Fault::Broken(what))) => {
                let (alarms, kind) = (&self.instruments.alarms, JobKind::Charge.as_str());
                let alarm = Alarm::OutboxParked;
                raise_alarm!(
                    alarms,
                    alarm,
                    kind,
                    what,
                    transaction_id,
                    "a job has become a dead letter: it waits until a person redrives it"
                );
                BillingOutcome::Undecided(NextStep::DeadLetter)
            }
            Err(failure) => {
                tracing::warn!(fault = ?failure, transaction_id, "an account could not be looked up");
                BillingOutcome::Undecided(NextStep::RetryAt(next))
            }
        };
        FilingDecision::Settled { trace: leased.trace, lease, transaction_id, outcome }
    }

    async fn settle_charge(
        &self,
        lease: Lease,
        transaction_id: String,
        outcome: ChargeOutcome,
    ) -> Result<(), Fault> {
        let id = transaction_id.clone();
        let outcome = DeliveryOutcome::Charge { transaction_id, outcome };
        let (filled, decision) = (outcome.filled_queues(), LaterDecision::of(&outcome));
        let result = match self.store.settle(self.clock.now(), lease, outcome).await {
            // It is an alarm already. The other charges go into their file.
            Err(StoreError::Panicked) => return self.end_attempt(lease, &id).await,
            result => result?,
        };
        raise_for_result(&self.instruments, result, JobKind::Charge.as_str(), &id);
        self.wake_up.wake_each(filled);
        if let Some(decision) = decision {
            decision.note(result, &self.store, &self.instruments, self.clock.now()).await;
        }
        Ok(())
    }

    /// Ends an attempt whose outcome cannot be written.
    async fn end_attempt(&self, lease: Lease, id: &str) -> Result<(), Fault> {
        let step = self.plan_unclear(lease);
        if self.store.end_attempt(self.clock.now(), lease, step).await? && step == NextStep::DeadLetter {
            let (alarms, kind) = (&self.instruments.alarms, JobKind::Charge.as_str());
            raise_alarm!(
                alarms,
                Alarm::OutboxParked,
                kind,
                id,
                "a job has become a dead letter: it waits until a person redrives it"
            );
        }
        Ok(())
    }

    async fn make_file(&self, jobs: &[LeasedJob], columns: FileColumns) -> Result<(), Fault> {
        let (now, file_id) =
            (self.clock.now(), file_name(&self.operator, self.clock.now(), self.random.bytes()));
        let lines = self.store.create_billing_file(now, file_id.clone(), jobs.to_vec(), columns).await?;
        if lines > 0 {
            tracing::info!(file = file_id, lines, "a billing file was made");
        }
        Ok(())
    }
}

/// Names sort by time; those of the same second differ by random bytes. Nothing in a name comes
/// from the contents of the file.
fn file_name(operator: &OperatorId, now: Timestamp, random: [u8; 4]) -> String {
    let at: String = now.to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect();
    format!("{operator}-{at}-{}", super::render::to_hex(&random))
}
