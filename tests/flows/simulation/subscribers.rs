//! The subscribers: they sign up, numbers change hands, accounts are suspended and end; and the
//! bills that they get.

use super::gateway::GATEWAY;
use super::outcomes::RunOutcome;
use super::run::SimulationRun;
use http::StatusCode;
use onbill_test_harness::customer::AccountChoice;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Numbers of Acme's, all with active accounts at first, with their activation dates.
pub(super) const NUMBERS: [(&str, &str); 4] = [
    ("+12025550101", "2021-03-14"),
    ("+12025550102", "2019-11-02"),
    ("+12025550107", "2023-02-27"),
    ("+12025550103", "2024-06-30"),
];
/// No signature stays valid for longer than this, however far clocks differ.
const SIGNATURE_SECONDS: i64 = 601;

/// A subscriber who has a number.
#[derive(Clone, Debug)]
pub(super) struct NumberHolder {
    /// The activation date of the account: tells one subscriber of a number from the next.
    pub(super) activated_on: String,
    pub(super) status: &'static str,
}

/// A line on a bill.
#[derive(Clone, Debug)]
pub(super) struct BilledLine {
    pub(super) transaction_id: String,
    /// Set when the line refunds some of the charge.
    pub(super) refund_id: Option<String>,
    pub(super) number: &'static str,
    /// Negative for a refund.
    pub(super) value: i64,
    pub(super) currency: String,
    /// The first and the last day paid for.
    pub(super) days: (String, String),
    /// The partner and the charge code.
    pub(super) booked: [Value; 2],
    /// The subscriber of the number when the line came.
    pub(super) holding: NumberHolder,
}

impl BilledLine {
    fn name(&self) -> (&str, Option<&str>) {
        (&self.transaction_id, self.refund_id.as_deref())
    }
}

/// The subscribers of each number, the present one last.
pub(super) type NumberHolders = BTreeMap<&'static str, Vec<NumberHolder>>;

pub(super) fn at_first() -> NumberHolders {
    let holding = |day: &str| NumberHolder { activated_on: day.to_owned(), status: "active" };
    NUMBERS.iter().map(|(number, day)| (*number, vec![holding(day)])).collect()
}

impl SimulationRun {
    /// A number changes hands, or its account is suspended, ceased, or active again.
    pub(super) async fn change_account(&mut self) {
        self.settle_bills().await;
        let (number, _) = *self.dice.pick_one(&NUMBERS);
        let last = self.holdings[number].last().expect("somebody holds it").clone();
        let (next, what) = if self.dice.draw_below(2) == 0 {
            self.tally.count(RunOutcome::HandOver);
            let what = if last.status == "ceased" { "activated" } else { "ownership-changed" };
            (NumberHolder { activated_on: self.newcomer(), status: "active" }, what)
        } else {
            let (status, what) = *self.dice.pick_one(&[
                ("active", if last.status == "ceased" { "activated" } else { "resumed" }),
                ("suspended", "suspended"),
                ("ceased", "ceased"),
                ("ceased", "ported-out"),
            ]);
            (NumberHolder { status, ..last }, what)
        };
        self.hold(number, next);
        self.note(what, number, None);
        self.import_true_accounts().await;
    }

    /// Waits until calls that were sent before have arrived, or are too old to be accepted. A call
    /// that a change overtakes is beyond onbill's reach: no protocol keeps it from a bill. The same
    /// is true of an SMS that the network has kept from the gateway until now.
    pub(super) async fn settle_bills(&mut self) {
        self.look_at_bills().await;
        self.system.advance_seconds(SIGNATURE_SECONDS);
        self.system.network.drop_late_to(GATEWAY);
    }

    pub(super) fn hold(&mut self, number: &'static str, holding: NumberHolder) {
        self.holdings.get_mut(number).expect("is one of ours").push(holding);
    }

    /// An activation date that no account had before, and on which nothing happens in the
    /// simulation.
    fn newcomer(&mut self) -> String {
        self.newcomers += 1;
        format!(
            "20{:02}-{:02}-{:02}",
            self.newcomers / 336,
            1 + self.newcomers / 28 % 12,
            1 + self.newcomers % 28
        )
    }

    /// A customer signs up, if all goes well; otherwise the attempt is abandoned.
    pub(super) async fn sign_up(&mut self) {
        let (number, _) = *self.dice.pick_one(&NUMBERS);
        self.visits += 1;
        let email = format!("visit-{}@example.com", self.visits);
        let holder = self.holdings[number].last().expect("somebody holds it").activated_on.clone();
        let befallen = self.system.network.faults_met().len();
        if let Some(pai) = self.try_sign_up(number, &email).await {
            if self.system.network.faults_met().len() == befallen {
                self.check_paid_until(&pai);
            }
            let known = self.pais.insert(pai.clone(), holder.clone());
            let same = known.is_none_or(|known| known == holder);
            assert!(same, "{pai} stands for two people");
        }
    }

    async fn try_sign_up(&self, number: &str, email: &str) -> Option<String> {
        let (status, step) = self.system.enter_session_number(&self.system.acme, number).await;
        let flow = (status == StatusCode::OK).then(|| step["flow"].as_str().map(str::to_owned))??;
        let (status, opened) =
            self.system.call_widget("/signup", json!({"operator": "acme", "flow": flow})).await;
        let page = (status == StatusCode::CREATED).then(|| opened["url"].as_str().map(str::to_owned))??;
        self.system.try_choose_account(&page, AccountChoice::New(email)).await?;
        self.system.find_pai_of(email).await
    }

    /// Records the new lines on the bills: before each change of an account, so that the present
    /// subscriber of a number was its subscriber when the line came.
    pub(super) async fn look_at_bills(&mut self) {
        let mut lines = Vec::new();
        for (number, held) in &self.holdings {
            for line in self.system.bill_lines(&self.system.acme, number).await {
                let transaction_id = line["transactionID"].as_str().expect("has an id").to_owned();
                let refund_id = line["refundID"].as_str().map(str::to_owned);
                let value = line["amount"]["value"].as_i64().expect("has an amount");
                let currency = line["amount"]["currency"].as_str().expect("has a currency").to_owned();
                let day = |end: &str| line["servicePeriod"][end].as_str().expect("has days").to_owned();
                let days = (day("from"), day("to"));
                let booked = [line["partner"].clone(), line["chargeCode"].clone()];
                let holding = held.last().expect("somebody holds it").clone();
                lines.push(BilledLine {
                    transaction_id,
                    refund_id,
                    number,
                    value,
                    currency,
                    days,
                    booked,
                    holding,
                });
            }
        }
        for line in &self.lines {
            let at = lines.iter().position(|now| now.name() == line.name());
            lines.remove(at.unwrap_or_else(|| panic!("a line has left the bill")));
        }
        self.lines.extend(lines);
    }
}
