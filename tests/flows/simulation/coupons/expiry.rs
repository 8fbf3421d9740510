//! The end of a coupon's months: the customer is reminded how to continue, once and only if they
//! have not; and for a customer who continues, the partner learns until when they are paid for.

use super::REMIND_DAYS;
use crate::simulation::charges::no_answer;
use crate::simulation::outcomes::RunOutcome;
use crate::simulation::run::SimulationRun;
use http::{Method, StatusCode};
use onbill_domain::day::Day;
use onbill_test_harness::EDGE;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const DAY: i64 = 86_400;

impl SimulationRun {
    /// Time passes until some coupon's last days.
    pub(in crate::simulation) fn near_an_end(&mut self) {
        let now = self.system.now();
        let days = i64::try_from(self.dice.draw_below(16)).expect("is small");
        let ends: Vec<i64> = self
            .months
            .ends()
            .into_iter()
            .map(|last| last.starts_at().plus_seconds(-days * DAY).seconds_since(now))
            .filter(|seconds| *seconds > 0)
            .collect();
        if !ends.is_empty() {
            let seconds = *self.dice.pick_one(&ends);
            self.system.advance_seconds(seconds);
        }
    }

    /// Sends the reminders that are due, as the program does periodically: those and no others,
    /// unless it crashes.
    pub(in crate::simulation) async fn send_reminders(&mut self) {
        let today = Day::of_timestamp(self.system.now());
        let ending = self.months.find_ending(today, REMIND_DAYS);
        let due: BTreeSet<String> = ending
            .into_iter()
            .filter(|(_, pai)| self.standings.is_active(pai) && !self.months.pays_on_bill(pai))
            .map(|(charge, _)| charge)
            .collect();
        let before = self.reminded_pais().await;
        let reminded = self.system.acme.app().coupons.remind_all().await;
        let Some(reminded) = reminded.ok().filter(|_| !self.has_died()) else { return };
        let now = self.reminded_pais().await;
        let recorded: BTreeSet<String> = now.difference(&before).cloned().collect();
        assert_eq!((recorded, reminded), (due.clone(), due.len()), "on {today}");
    }

    /// The charges of coupons for which a reminder was sent.
    async fn reminded_pais(&self) -> BTreeSet<String> {
        let sql = "SELECT transaction_id FROM coupon_redemptions WHERE reminded_at IS NOT NULL";
        self.rows(sql).await.into_iter().filter_map(|row| row[0].clone()).collect()
    }

    /// The partner ends a subscription.
    pub(in crate::simulation) async fn cancel_subscription(&mut self) {
        let live = "SELECT partner_subscription_id FROM partner_subscriptions WHERE status = 'ACTIVE'";
        let names: Vec<String> = self.rows(live).await.into_iter().filter_map(|row| row[0].clone()).collect();
        if names.is_empty() {
            return;
        }
        let path = format!("/ott/v1/partnerSubscription/{}", self.dice.pick_one(&names));
        match self.system.try_call_ott(Method::PUT, &path, json!({"status": "CANCELLED"})).await {
            Some((StatusCode::OK, _)) => self.tally.count(RunOutcome::Cancelled),
            Some((other, answer)) => no_answer(other, &answer),
            None => {}
        }
    }

    /// The partner knows until when coupons have paid for the customer who has just signed up.
    pub(in crate::simulation) fn check_paid_until(&mut self, pai: &str) {
        let Some(answer) = self.system.network.last_response(EDGE, "/ott/v1/token/validate") else { return };
        let answer: Value = serde_json::from_slice(&answer).expect("is JSON");
        if answer["pai"] != pai {
            return;
        }
        let until = self.months.paid_until(pai, Day::of_timestamp(self.system.now()));
        assert_eq!(answer["paidUntil"], until.map_or(Value::Null, |day| json!(day)), "{answer}");
        if until.is_some() {
            self.tally.count(RunOutcome::WentOn);
        }
    }
}
