//! One run: what happens, step by step.

use super::audit;
use super::dice::Dice;
use super::weather::{Met, Weather};
use crate::world::customer::{Choice, charge};
use crate::world::fragile::Moment;
use crate::world::{ACCOUNTS, Mishap, NETFLIX, World};
use futures_util::future::join_all;
use http::{Method, StatusCode};
use onbill_edge::fake::StoreFault;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Numbers of Acme's, all in good standing at first, with the day their accounts were activated.
const NUMBERS: [(&str, &str); 4] = [
    ("+12025550101", "2021-03-14"),
    ("+12025550102", "2019-11-02"),
    ("+12025550107", "2023-02-27"),
    ("+12025550103", "2024-06-30"),
];
const STEPS: u32 = 40;

/// A person who holds a number.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    /// The day of their account's activation: tells one holder from the next.
    pub(super) activated_on: String,
    pub(super) status: &'static str,
}

/// A line on a bill.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) transaction_id: String,
    pub(super) number: &'static str,
    pub(super) value: i64,
    /// Who held the number when it came.
    pub(super) holding: Holding,
}

/// What was asked for under an id, and what was said about it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) pai: String,
    /// The first amount asked for.
    pub(super) value: i64,
    /// The amount that an answer has shown to be taken: a post that was lost may not have been the first to arrive.
    pub(super) taken: Option<i64>,
    /// The answers to the post: they must all be one.
    pub(super) answers: Vec<Value>,
    pub(super) created: u32,
}

pub(crate) struct Run {
    seed: u64,
    dice: Dice,
    pub(super) world: World,
    pub(super) weather: Weather,
    /// For each number, who holds it, after who held it before.
    pub(super) holdings: BTreeMap<&'static str, Vec<Holding>>,
    /// The lines of all bills, with who held the number when they were put there.
    pub(super) lines: Vec<Line>,
    /// For each PAI, its number and the day of its holder's account.
    pub(super) pais: BTreeMap<String, (&'static str, String)>,
    pub(super) asked: BTreeMap<String, Asked>,
    visits: u32,
}

impl Run {
    pub(crate) fn new(seed: u64) -> Self {
        let world = World::new();
        let holdings = NUMBERS
            .map(|(number, day)| (number, vec![Holding { activated_on: day.to_owned(), status: "active" }]));
        Self {
            seed,
            dice: Dice::new(seed),
            world,
            weather: Weather::default(),
            holdings: holdings.into(),
            lines: Vec::new(),
            pais: BTreeMap::new(),
            asked: BTreeMap::new(),
            visits: 0,
        }
    }

    /// Runs, clears the weather, and audits.
    pub(crate) async fn play(&mut self) {
        self.world.acme.import(ACCOUNTS.0).await;
        self.sign_up().await;
        for _ in 0..STEPS {
            self.step().await;
        }
        self.clear_up().await;
        let findings = audit::findings(self).await;
        assert!(findings.is_empty(), "seed {}: {findings:#?}", self.seed);
    }

    /// Everything that was answered and billed, and the weather in which it was.
    pub(crate) fn told(&self) -> String {
        format!("{:?} {:?} {:?}", self.weather, self.asked, self.lines)
    }

    async fn step(&mut self) {
        match self.dice.below(24) {
            0..=8 => self.charge().await,
            9 => self.ask().await,
            10..=12 => self.disturb(),
            13 | 14 => self.world.network.mend(),
            15..=17 => self.pass_time(),
            18 => self.sign_up().await,
            19 => self.change_account().await,
            20 => self.forget(),
            21 => {
                let calls = u32::try_from(self.dice.below(6)).expect("is small") + 1;
                let moment = *self.dice.pick(&[Moment::Before, Moment::After]);
                self.world.acme.life.ends_at(calls, moment);
            }
            _ => self.deliver().await,
        }
        if self.world.acme.life.is_over() {
            self.weather.meet(Met::Death);
            self.world.revive_acme();
        }
    }

    /// One charge, or several posts of it at once; sometimes an id of old, sometimes with other contents.
    async fn charge(&mut self) {
        let pais: Vec<String> = self.pais.keys().cloned().collect();
        if pais.is_empty() {
            return;
        }
        let old: Vec<String> = self.asked.keys().cloned().collect();
        let again = !old.is_empty() && self.dice.below(3) == 0;
        let (id, pai, value) = if again {
            let id = self.dice.pick(&old).clone();
            let Asked { pai, value, taken, .. } = self.asked[&id].clone();
            let value = taken.unwrap_or(value);
            // Other contents under a known id, now and then.
            if self.dice.below(4) == 0 { (id, pai, value + 1) } else { (id, pai, value) }
        } else {
            let value = 100 + i64::try_from(self.dice.below(2000)).expect("is small");
            (format!("sim-{}", self.asked.len()), self.dice.pick(&pais).clone(), value)
        };
        let at_once = if self.dice.below(4) == 0 { 3 } else { 1 };
        let body = charge(&pai, &id, value);
        let posts = (0..at_once).map(|_| self.world.ott(Method::POST, "/ott/v1/transaction", body.clone()));
        let answers = join_all(posts).await;
        let first = Asked { pai: pai.clone(), value, taken: None, answers: Vec::new(), created: 0 };
        let asked = self.asked.entry(id).or_insert(first);
        for (status, answer) in answers {
            match status {
                StatusCode::CREATED | StatusCode::OK => {
                    let taken = *asked.taken.get_or_insert(value);
                    assert_eq!(taken, value, "seed {}: other contents were taken: {answer}", self.seed);
                    let created = status == StatusCode::CREATED;
                    asked.created += u32::from(created);
                    self.weather.meet(if created { Met::Charge } else { Met::Replay });
                    match answer["status"].as_str() {
                        Some("PENDING") => self.weather.meet(Met::Pending),
                        Some("DECLINED") => self.weather.meet(Met::Decline),
                        _ => {}
                    }
                    asked.answers.push(answer);
                }
                StatusCode::UNPROCESSABLE_ENTITY => {
                    assert_ne!(
                        asked.taken,
                        Some(value),
                        "seed {}: a replay was called a violation",
                        self.seed
                    );
                    self.weather.meet(Met::Conflict);
                }
                // Still being answered, or nobody to ask: no answer about the charge.
                StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE => {}
                other => panic!("seed {}: a charge was answered {other} {answer}", self.seed),
            }
        }
    }

    async fn ask(&mut self) {
        let old: Vec<String> = self.asked.keys().cloned().collect();
        if !old.is_empty() {
            let path = format!("/ott/v1/transaction/{}", self.dice.pick(&old));
            let (status, answer) = self.world.ott(Method::GET, &path, Value::Null).await;
            let fine =
                [StatusCode::OK, StatusCode::NOT_FOUND, StatusCode::SERVICE_UNAVAILABLE].contains(&status);
            assert!(fine, "seed {}: {status} {answer}", self.seed);
        }
    }

    fn disturb(&mut self) {
        let acme = self.world.acme.dashboard;
        let places = [
            format!("{acme}/csp/transaction"),
            format!("{acme}/csp/transaction"),
            format!("{acme}/csp/notification"),
            self.world.acme.origin.to_owned(),
            format!("{}/ott/v1/transaction", self.world.acme.origin),
            format!("{}/edge/v1/pai", self.world.acme.origin),
            NETFLIX.to_owned(),
        ];
        let place = self.dice.pick(&places).clone();
        let mishap = *self.dice.pick(&[Mishap::Lost, Mishap::AnswerLost, Mishap::Garbled]);
        self.world.network.disturb(&place, mishap);
        self.weather.meet(Met::Mishap);
    }

    /// Seconds, minutes, hours, days; now and then a clock that was set back.
    fn pass_time(&mut self) {
        let seconds = [1, 20, 61, 301, 3_700, 40_000, 90_000, -100];
        let seconds = *self.dice.pick(&seconds);
        self.world.pass_seconds(seconds);
    }

    fn forget(&mut self) {
        let faults = [
            Some(StoreFault::StaleReads),
            Some(StoreFault::ReadsFail),
            Some(StoreFault::WritesFail),
            Some(StoreFault::WritesFailAndLand),
            Some(StoreFault::Down),
            None,
            None,
        ];
        self.world.edge.kv_fail(*self.dice.pick(&faults));
        if self.dice.below(2) == 0 {
            for (key, _) in self.world.edge.kv_entries() {
                self.world.edge.kv_set(&key, None);
            }
        }
    }

    async fn deliver(&mut self) {
        // A program that dies while it delivers is revived by the step.
        let _ = self.world.acme.try_deliver().await;
    }

    /// A number changes hands, or its account is suspended, ceased, or active again.
    async fn change_account(&mut self) {
        self.look_at_bills().await;
        let (number, _) = *self.dice.pick(&NUMBERS);
        let held = self.holdings.get_mut(number).expect("is one of ours");
        let mut next = held.last().expect("somebody holds it").clone();
        if self.dice.below(2) == 0 {
            next.activated_on = format!("2026-{:02}-{:02}", 1 + held.len() / 28 % 12, 1 + held.len() % 28);
            next.status = "active";
            self.weather.meet(Met::HandOver);
        } else {
            next.status = *self.dice.pick(&["active", "active", "suspended", "ceased"]);
        }
        held.push(next);
        let mut csv = "msisdn,status,type,balance,currency,activated_on\n".to_owned();
        for (number, held) in &self.holdings {
            let Holding { activated_on, status, .. } = held.last().expect("somebody holds it");
            writeln!(csv, "{number},{status},postpaid,,USD,{activated_on}").expect("text takes text");
        }
        self.world.acme.restore(&csv).await;
    }

    /// Somebody signs up, if all goes well; otherwise it was a bad day for it.
    async fn sign_up(&mut self) {
        let (number, _) = *self.dice.pick(&NUMBERS);
        self.visits += 1;
        let email = format!("visit-{}@example.com", self.visits);
        let holder = self.holdings[number].last().expect("somebody holds it").activated_on.clone();
        if let Some(pai) = self.try_sign_up(number, &email).await {
            let known = self.pais.insert(pai.clone(), (number, holder.clone()));
            let same = known.is_none_or(|known| known == (number, holder));
            assert!(same, "seed {}: {pai} stands for two people", self.seed);
        }
    }

    async fn try_sign_up(&self, number: &str, email: &str) -> Option<String> {
        let (status, step) = self.world.enter_listed(&self.world.acme, number).await;
        let flow = (status == StatusCode::OK).then(|| step["flow"].as_str().map(str::to_owned))??;
        let (status, opened) = self.world.widget("/signup", json!({"operator": "acme", "flow": flow})).await;
        let page = (status == StatusCode::CREATED).then(|| opened["url"].as_str().map(str::to_owned))??;
        self.world.try_choose(&page, Choice::New(email)).await?;
        self.world.pai_if_any(email).await
    }

    /// Notes what is new on the bills: before each change of an account, so that whoever holds a number now held it when
    /// the line came.
    async fn look_at_bills(&mut self) {
        let mut lines = Vec::new();
        for (number, held) in &self.holdings {
            for line in self.world.bill(&self.world.acme, number).await {
                let transaction_id = line["transactionID"].as_str().expect("has an id").to_owned();
                let value = line["amount"]["value"].as_i64().expect("has an amount");
                let holding = held.last().expect("somebody holds it").clone();
                lines.push(Line { transaction_id, number, value, holding });
            }
        }
        for line in &self.lines {
            let at = lines.iter().position(|now| now.transaction_id == line.transaction_id);
            lines.remove(at.unwrap_or_else(|| panic!("seed {}: a line has left the bill", self.seed)));
        }
        self.lines.extend(lines);
    }

    /// Everything works again, and everybody gets time to finish.
    async fn clear_up(&mut self) {
        self.world.network.mend();
        self.world.edge.kv_fail(None);
        self.world.revive_acme();
        for _ in 0..10 {
            self.world.pass_seconds(2 * 86_400);
            self.world.acme.try_deliver().await.expect("nothing is in the way");
        }
        self.look_at_bills().await;
    }
}
