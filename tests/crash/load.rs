//! The load: the partner charges from many connections at once, new ids and old ones, and remembers every answer.

use crate::dice::Dice;
use crate::origin::Origin;
use crate::scene::Scene;
use bytes::Bytes;
use http::StatusCode;
use onbill_origin::peer::Unreachable;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::JoinSet;

/// Callers at once, each on a connection of its own: what a partner's billing run has.
pub(crate) const CONNECTIONS: u64 = 64;

/// What was asked for under an id, and what was said about it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) person: usize,
    pub(crate) value: i64,
    /// 200 and 201: they must all be one.
    pub(crate) answers: Vec<Bytes>,
    pub(crate) created: u32,
}

/// How often which answer came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) created: u64,
    pub(crate) replayed: u64,
    pub(crate) refused: u64,
    pub(crate) in_progress: u64,
    pub(crate) failed: u64,
    pub(crate) cut_off: u64,
}

/// Everything that was asked and answered so far. The id of a charge is its place here.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) asked: Vec<Asked>,
    pub(crate) tally: Tally,
    /// Answers that nobody may give.
    pub(crate) strange: Vec<String>,
}

/// One post.
#[derive(Clone, Copy)]
struct Post {
    id: usize,
    person: usize,
    value: i64,
    /// The id was answered for another amount.
    conflicts: bool,
}

/// The partner.
#[derive(Clone, Default)]
pub(crate) struct Partner(Arc<Mutex<Memory>>);

impl Partner {
    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Charges while `meanwhile` lasts. A caller whose connection breaks stops: its origin is dead.
    pub(crate) async fn charge_while(
        &self,
        scene: &Arc<Scene>,
        origin: &Origin,
        seed: u64,
        meanwhile: impl Future<Output = ()>,
    ) {
        let mut callers = self.begin(scene, origin, seed);
        meanwhile.await;
        callers.end().await;
    }

    /// Begins to charge.
    pub(crate) fn begin(&self, scene: &Arc<Scene>, origin: &Origin, seed: u64) -> Callers {
        let over = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for n in 0..CONNECTIONS {
            let (partner, scene, over) = (self.clone(), Arc::clone(scene), Arc::clone(&over));
            let (at, mut dice) = (origin.address.clone(), Dice::new(seed * CONNECTIONS + n));
            tasks.spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let post = partner.next(&scene, &mut dice);
                    if partner.post(&scene, &at, post).await.is_err() {
                        return;
                    }
                }
            });
        }
        Callers { tasks, over }
    }

    /// Three of four posts are new charges, the others old ones again, whatever became of them.
    fn next(&self, scene: &Scene, dice: &mut Dice) -> Post {
        let mut memory = self.memory();
        let before = memory.asked.len() as u64;
        if before > 0 && dice.below(4) == 0 {
            // Half of them so young that they may still be under way.
            let back =
                if dice.below(2) == 0 { dice.below(before.min(CONNECTIONS)) } else { dice.below(before) };
            let id = index(before - 1 - back);
            let Asked { person, value, ref answers, .. } = memory.asked[id];
            let conflicts = !answers.is_empty() && dice.below(8) == 0;
            return Post { id, person, value: value + i64::from(conflicts), conflicts };
        }
        let person = index(dice.below(scene.people.len() as u64));
        let value = i64::try_from(dice.below(2_000)).expect("is small") + 1;
        memory.asked.push(Asked { person, value, answers: Vec::new(), created: 0 });
        Post { id: memory.asked.len() - 1, person, value, conflicts: false }
    }

    /// Posts one charge and takes down what was said.
    async fn post(&self, scene: &Scene, origin: &str, post: Post) -> Result<StatusCode, Unreachable> {
        let person = &scene.people[post.person];
        let body = charge(post.id, &person.pai, post.value);
        let answer = scene.doors.forward(origin, "/ott/v1/transaction", &person.handle, &body).await;
        let mut memory = self.memory();
        let Ok((status, text)) = answer else {
            memory.tally.cut_off += 1;
            return Err(Unreachable);
        };
        match status {
            StatusCode::CREATED | StatusCode::OK if !post.conflicts => {
                let asked = &mut memory.asked[post.id];
                asked.created += u32::from(status == StatusCode::CREATED);
                asked.answers.push(text);
                let tally = &mut memory.tally;
                *(if status == StatusCode::CREATED { &mut tally.created } else { &mut tally.replayed }) += 1;
            }
            StatusCode::UNPROCESSABLE_ENTITY if post.conflicts => memory.tally.refused += 1,
            StatusCode::CONFLICT if !post.conflicts => memory.tally.in_progress += 1,
            status if status.is_server_error() => memory.tally.failed += 1,
            status => memory.strange.push(format!("{} was answered {status} {text:?}", id(post.id))),
        }
        Ok(status)
    }

    /// Posts an old charge once more, as it was.
    pub(crate) async fn again(
        &self,
        scene: &Scene,
        origin: &Origin,
        n: usize,
    ) -> Result<StatusCode, Unreachable> {
        let Asked { person, value, .. } = self.memory().asked[n];
        self.post(scene, &origin.address, Post { id: n, person, value, conflicts: false }).await
    }
}

/// Those who charge.
pub(crate) struct Callers {
    tasks: JoinSet<()>,
    over: Arc<AtomicBool>,
}

impl Callers {
    /// Lets each of them finish its call.
    pub(crate) async fn end(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("a caller does not panic");
        }
    }
}

/// The partner's id of the charge at this place.
pub(crate) fn id(n: usize) -> String {
    format!("c-{n}")
}

fn charge(n: usize, pai: &str, value: i64) -> Value {
    json!({"extTransactionID": id(n), "pai": pai, "amount": {"value": value, "currency": "USD"},
           "description": "Netflix Standard", "servicePeriod": {"from": "2026-12-01", "to": "2026-12-31"}})
}

fn index(n: u64) -> usize {
    usize::try_from(n).expect("is an index")
}
