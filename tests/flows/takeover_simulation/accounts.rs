//! What happens to the accounts of the operator meanwhile: all systems follow, onbill as soon as it knows the
//! customer.

use super::run::{Phase, TakeoverRun};
use crate::account_events::{event_body, number_changed, report_applied_event, report_event};
use http::StatusCode;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::PaiState;
use onbill_origin::correlation::Class;
use onbill_origin::cut_over::{AccountComparison, AccountDifference, AccountSummary};
use std::time::Duration;

/// Postpaid accounts of Acme's that are active.
pub(super) const NUMBERS: [(&str, &str); 4] = [
    ("+12025550101", "2021-03-14"),
    ("+12025550107", "2023-02-27"),
    ("+12025550110", "2020-07-08"),
    ("+12025550112", "2024-03-05"),
];

/// Numbers that customers get instead of theirs.
pub(super) const SPARE_NUMBERS: [&str; 4] = ["+12025550109", "+12025550113", "+12025550114", "+12025550115"];

impl TakeoverRun {
    /// The accounts of the operator's table, as they are now. Who has left has none; who has their number by then
    /// has one.
    pub(super) async fn import_accounts(&self) {
        let lines = self.account_lines();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        self.other.import_accounts(&self.system.acme.app().store, &lines).await;
    }

    pub(super) fn account_lines(&self) -> Vec<String> {
        let own = self.customers.iter().filter_map(|customer| {
            let status = match customer.state {
                PaiState::Active => "active",
                PaiState::Suspended => "suspended",
                PaiState::Closed => return None,
            };
            Some(format!("{},{status},postpaid,,USD,{}", customer.number, customer.subscriber_ref))
        });
        own.chain(self.later.iter().cloned()).collect()
    }

    /// Something happens to an account.
    pub(super) async fn change_account(&mut self, n: usize) {
        let state = self.customers[n].state;
        match self.dice.draw_below(8) {
            _ if state == PaiState::Closed => {}
            0 => self.change_state(n, "ceased", PaiState::Closed).await,
            1 => self.change_number(n).await,
            2 => self.give_number_to_another(n).await,
            _ if state == PaiState::Active => self.change_state(n, "suspended", PaiState::Suspended).await,
            _ => self.change_state(n, "resumed", PaiState::Active).await,
        }
    }

    async fn change_state(&mut self, n: usize, event: &str, state: PaiState) {
        self.customers[n].state = state;
        if self.phase >= Phase::Loaded {
            let id = self.next_event_id();
            report_applied_event(&self.system, &id, event, self.customers[n].number).await;
            self.changed.push(self.customers[n].pai.clone());
            if event == "suspended" && !self.customers[n].is_cut_over {
                self.tally.count("suspended while dark");
            }
        }
        if state == PaiState::Closed {
            self.tally.count("left");
        }
    }

    /// The customer keeps everything else.
    async fn change_number(&mut self, n: usize) {
        let Some(new) = self.spare.pop() else { return };
        let old = std::mem::replace(&mut self.customers[n].number, new);
        if self.phase >= Phase::Loaded {
            let id = self.next_event_id();
            let event = number_changed(&self.system, &id, old, new);
            let (status, answer) = report_event(&self.system, &event).await;
            assert_eq!((status, answer["outcome"].as_str()), (StatusCode::OK, Some("APPLIED")), "{answer}");
        }
        self.tally.count(match (self.phase, self.customers[n].is_cut_over) {
            (Phase::Before, _) => "got another number before",
            (_, false) => "got another number while dark",
            (_, true) => "got another number when cut over",
        });
    }

    /// The customer has left, and their number has another subscriber: the operator reports that as an event or
    /// only in its file of accounts.
    async fn give_number_to_another(&mut self, n: usize) {
        let number = self.customers[n].number;
        let day = self.other.config.time_zone.day_of(self.system.now());
        self.later.push(format!("{number},active,postpaid,,USD,{day}"));
        self.customers[n].state = PaiState::Closed;
        if self.phase >= Phase::Loaded {
            self.changed.push(self.customers[n].pai.clone());
            if self.dice.once_in(2) {
                let id = self.next_event_id();
                let event = event_body(&self.system, &id, "ownership-changed", number);
                let (status, answer) = report_event(&self.system, &event).await;
                assert_eq!(
                    (status, answer["outcome"].as_str()),
                    (StatusCode::OK, Some("APPLIED")),
                    "{answer}"
                );
            }
            self.import_accounts().await;
        }
        self.tally.count(match (self.phase, self.customers[n].is_cut_over) {
            (Phase::Before, _) => "number got a later subscriber before",
            (_, false) => "number got a later subscriber while dark",
            (_, true) => "number got a later subscriber when cut over",
        });
    }

    /// Before all goes back, the operator compares with its accounts, and reports whose number has got a later
    /// subscriber without an event: no charge may have come since, by which onbill would know.
    pub(super) async fn report_later_subscribers(&mut self) {
        let app = self.system.acme.app();
        let comparison = AccountComparison {
            store: &app.store,
            vault: &app.vault,
            accounts: &app.accounts,
            partner: PartnerId::parse("netflix").expect("is a slug"),
            today: self.other.config.time_zone.day_of(self.system.now()),
            at_once: 2,
            pauses: [Duration::from_millis(1); 2],
        };
        let (mut summary, mut found) = (AccountSummary::default(), Vec::new());
        comparison.run(&mut summary, |difference| found.push(difference), |_| {}).await.expect("works");
        for AccountDifference { pai, class, .. } in found {
            let customer = self.customers.iter().find(|customer| customer.pai == pai.as_str());
            let customer = customer.expect("is a customer's");
            assert_eq!((class, customer.state), (Class::Subscriber, PaiState::Closed), "{pai}");
            let number = customer.number;
            let id = self.next_event_id();
            report_applied_event(&self.system, &id, "ownership-changed", number).await;
            self.tally.count("got a later subscriber unnoticed");
        }
    }

    fn next_event_id(&mut self) -> String {
        self.ids += 1;
        format!("e-{}-{}", self.seed, self.ids)
    }
}
