//! The load: the partner charges and refunds over many connections concurrently, under new and used
//! ids, and remembers every response.

use crate::crash_system::CrashSystem;
use bytes::Bytes;
use http::StatusCode;
use onbill_origin::http::Unreachable;
use onbill_test_harness::Dice;
use onbill_test_harness::origin_process::OriginProcess;
use onbill_test_harness::wait::wait_until_none;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

/// Concurrent callers, each on a connection of its own: as in a partner's billing run.
pub(crate) const CONNECTIONS: u64 = 64;
/// Callers of a light load, and their rest between two calls.
pub(crate) const LIGHT_CALLERS: u64 = 8;
const LIGHT_REST: Duration = Duration::from_millis(20);

/// A charge that was requested, and perhaps a refund of it.
#[derive(Clone, Debug)]
pub(crate) struct RequestedCharge {
    pub(crate) person: usize,
    pub(crate) value: i64,
    /// For which month, counted for each person: each is charged once.
    pub(crate) month: usize,
    pub(crate) charge: StoredResponses,
    /// The responses to the refund of half of it; none yet for most.
    pub(crate) refund: Option<StoredResponses>,
}

impl RequestedCharge {
    /// The amount of the refund, if there is one.
    pub(crate) fn half_value(&self) -> i64 {
        self.value / 2 + 1
    }
}

/// The responses under one id.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoredResponses {
    /// Bodies of 200 and 201: they must all be equal.
    pub(crate) answers: Vec<Bytes>,
    pub(crate) created: u32,
}

/// How often each response came.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResponseTally {
    pub(crate) created: u64,
    pub(crate) replayed: u64,
    pub(crate) refunded: u64,
    pub(crate) refused: u64,
    pub(crate) in_progress: u64,
    pub(crate) failed: u64,
    pub(crate) cut_off: u64,
}

impl ResponseTally {
    /// Responses of any kind.
    fn count_answers(&self) -> u64 {
        let Self { created, replayed, refunded, refused, in_progress, failed, cut_off: _ } = self;
        created + replayed + refunded + refused + in_progress + failed
    }

    /// Fails when a connection broke or a call was answered 5xx.
    pub(crate) fn assert_served(&self) {
        assert!(self.created > 0 && self.failed + self.cut_off == 0, "{self:?}");
    }
}

/// All requests and responses so far. A charge and its refund are named by their index here.
#[derive(Default)]
pub(crate) struct LoadRecord {
    pub(crate) asked: Vec<RequestedCharge>,
    /// How many months of each person were charged.
    months: BTreeMap<usize, usize>,
    pub(crate) tally: ResponseTally,
    /// Responses that must not occur.
    pub(crate) strange: Vec<String>,
}

/// What a post requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PostKind {
    /// A charge, first or repeated.
    Charge,
    /// A charge of one cent more under an id that was answered.
    AnotherCharge,
    /// A refund of half of a charge.
    Refund,
}

#[derive(Clone, Default)]
pub(crate) struct LoadingPartner(Arc<Mutex<LoadRecord>>);

impl LoadingPartner {
    pub(crate) fn lock_record(&self) -> MutexGuard<'_, LoadRecord> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Charges while `meanwhile` lasts. A caller whose connection breaks stops: its origin is down.
    pub(crate) async fn charge_while(
        &self,
        system: &Arc<CrashSystem>,
        origin: &OriginProcess,
        seed: u64,
        meanwhile: impl Future<Output = ()>,
    ) {
        let mut callers = self.begin_load(system, origin, seed);
        meanwhile.await;
        callers.end_load().await;
    }

    /// Waits until the responses so far are enough.
    pub(crate) async fn until_tally(&self, what: &str, is_enough: impl Fn(&ResponseTally) -> bool) {
        wait_until_none(async || {
            let tally = self.lock_record().tally.clone();
            (!is_enough(&tally)).then(|| format!("not yet: {what}; {tally:?}"))
        })
        .await;
    }

    /// Waits for `more` further responses of any kind.
    pub(crate) async fn until_answers(&self, more: u64) {
        let enough = self.lock_record().tally.count_answers() + more;
        self.until_tally("calls are answered", |tally| tally.count_answers() >= enough).await;
    }

    /// Waits until `more` further charges are created.
    pub(crate) async fn until_created(&self, more: u64) {
        let enough = self.lock_record().tally.created + more;
        self.until_tally("charges are created", |tally| tally.created >= enough).await;
    }

    pub(crate) fn begin_load(
        &self,
        system: &Arc<CrashSystem>,
        origin: &OriginProcess,
        seed: u64,
    ) -> LoadTasks {
        self.begin_load_of(system, origin, seed, CONNECTIONS, Duration::ZERO)
    }

    /// For a test of other work on the same database: the charges leave it time, and those that the
    /// audit posts again are few.
    pub(crate) fn begin_light_load(
        &self,
        system: &Arc<CrashSystem>,
        origin: &OriginProcess,
        seed: u64,
    ) -> LoadTasks {
        self.begin_load_of(system, origin, seed, LIGHT_CALLERS, LIGHT_REST)
    }

    /// With so many callers, each of which rests after a call.
    pub(crate) fn begin_load_of(
        &self,
        system: &Arc<CrashSystem>,
        origin: &OriginProcess,
        seed: u64,
        callers: u64,
        rest: Duration,
    ) -> LoadTasks {
        let over = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for n in 0..callers {
            let (partner, system, over) = (self.clone(), Arc::clone(system), Arc::clone(&over));
            let (at, mut dice) = (origin.address.clone(), Dice::new(seed * CONNECTIONS + n));
            tasks.spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let (n, wish) = partner.choose_post(&system, &mut dice);
                    if partner.post_once(&system, &at, n, wish).await.is_err() {
                        return;
                    }
                    if rest > Duration::ZERO {
                        tokio::time::sleep(rest).await;
                    }
                }
            });
        }
        LoadTasks { tasks, over }
    }

    /// Two of three posts are new charges; the others concern old ones, whatever became of them.
    fn choose_post(&self, system: &CrashSystem, dice: &mut Dice) -> (usize, PostKind) {
        let mut memory = self.lock_record();
        let before = memory.asked.len() as u64;
        if before > 0 && dice.draw_below(3) == 0 {
            // Half of them so recent that they may still be in progress.
            let back = if dice.draw_below(2) == 0 {
                dice.draw_below(before.min(CONNECTIONS))
            } else {
                dice.draw_below(before)
            };
            let n = to_index(before - 1 - back);
            let asked = &mut memory.asked[n];
            let wish = match dice.draw_below(8) {
                0 if !asked.charge.answers.is_empty() => PostKind::AnotherCharge,
                1..=4 if asked.refund.is_some() || is_approved(&asked.charge) => {
                    asked.refund.get_or_insert_default();
                    PostKind::Refund
                }
                _ => PostKind::Charge,
            };
            return (n, wish);
        }
        let person = to_index(dice.draw_below(system.people.len() as u64));
        // Never more than a month costs.
        let value = i64::try_from(dice.draw_below(1_597)).expect("is small") + 2;
        let next = memory.months.entry(person).or_default();
        let month = *next;
        *next += 1;
        memory.asked.push(RequestedCharge {
            person,
            value,
            month,
            charge: StoredResponses::default(),
            refund: None,
        });
        (memory.asked.len() - 1, PostKind::Charge)
    }

    /// Posts a request about the charge at this index, and records the response.
    pub(crate) async fn post_once(
        &self,
        system: &CrashSystem,
        origin: &str,
        n: usize,
        wish: PostKind,
    ) -> Result<StatusCode, Unreachable> {
        let asked = self.lock_record().asked[n].clone();
        let person = &system.people[asked.person];
        let (path, body) = match wish {
            PostKind::Charge => {
                ("/ott/v1/transaction".to_owned(), charge_body(n, &person.pai, asked.value, asked.month))
            }
            PostKind::AnotherCharge => {
                ("/ott/v1/transaction".to_owned(), charge_body(n, &person.pai, asked.value + 1, asked.month))
            }
            PostKind::Refund => (
                format!("/ott/v1/transaction/{}/refund", ext_charge_id(n)),
                refund_body(n, asked.half_value()),
            ),
        };
        let answer = system.caller.forward_partner_call(origin, &path, &person.handle, &body).await;
        let mut memory = self.lock_record();
        let LoadRecord { asked, tally, strange, months: _ } = &mut *memory;
        let Ok((status, text)) = answer else {
            tally.cut_off += 1;
            return Err(Unreachable);
        };
        let said = match wish {
            PostKind::Charge => Some(&mut asked[n].charge),
            PostKind::Refund => asked[n].refund.as_mut(),
            PostKind::AnotherCharge => None,
        };
        match (status, said) {
            (StatusCode::CREATED | StatusCode::OK, Some(said)) => {
                said.answers.push(text);
                *(match (status, wish) {
                    (StatusCode::OK, _) => &mut tally.replayed,
                    (_, PostKind::Refund) => &mut tally.refunded,
                    _ => &mut tally.created,
                }) += 1;
                said.created += u32::from(status == StatusCode::CREATED);
            }
            (StatusCode::UNPROCESSABLE_ENTITY, None) => tally.refused += 1,
            (StatusCode::CONFLICT, Some(_)) => tally.in_progress += 1,
            (status, _) if status.is_server_error() => tally.failed += 1,
            (status, _) => {
                strange.push(format!("{wish:?} of {} was answered {status} {text:?}", ext_charge_id(n)));
            }
        }
        Ok(status)
    }
}

fn is_approved(said: &StoredResponses) -> bool {
    let first = said.answers.first().and_then(|answer| serde_json::from_slice::<Value>(answer).ok());
    first.is_some_and(|answer| answer["status"] == "APPROVED")
}

/// The tasks that charge.
pub(crate) struct LoadTasks {
    tasks: JoinSet<()>,
    over: Arc<AtomicBool>,
}

impl LoadTasks {
    /// Lets each of them finish its call.
    pub(crate) async fn end_load(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("a caller does not panic");
        }
    }
}

/// The partner's id of the charge at this index.
pub(crate) fn ext_charge_id(n: usize) -> String {
    format!("c-{n}")
}

fn charge_body(n: usize, pai: &str, value: i64, month: usize) -> Value {
    let (year, month) = (2026 + month.div_ceil(12), (11 + month) % 12 + 1);
    json!({"extTransactionID": ext_charge_id(n), "pai": pai, "amount": {"value": value, "currency": "USD"},
           "description": "Netflix Standard",
           "servicePeriod": {"from": format!("{year}-{month:02}-01"), "to": format!("{year}-{month:02}-28")}})
}

/// The partner's id of its refund.
pub(crate) fn refund_id(n: usize) -> String {
    format!("r-{n}")
}

fn refund_body(n: usize, value: i64) -> Value {
    json!({"extRefundID": refund_id(n), "amount": {"value": value, "currency": "USD"}, "reason": "Left early"})
}

fn to_index(n: u64) -> usize {
    usize::try_from(n).expect("is an index")
}
