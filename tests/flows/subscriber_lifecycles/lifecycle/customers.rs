//! The customers: they start a sign-up, finish it, and subscribe at the partner.

use super::payments::usd;
use super::{LifecycleRun, SIGN_UP_SECONDS, StartedSignup, ext_id, parse_msisdn, partner_id};
use crate::subscriber_lifecycles::audit::PaiWatch;
use crate::subscriber_lifecycles::ground_truth::{NUMBERS, pick_index};
use crate::subscriber_lifecycles::plan::AccountLookup;
use onbill_domain::account::{AccountStatus, AccountType};
use onbill_domain::digest::sha256;
use onbill_domain::ids::OfferId;
use onbill_domain::limits::FLOW_TTL_SECONDS;
use onbill_domain::locale::Locale;
use onbill_domain::mandate::MandateProof;
use onbill_domain::pai::PaiState;
use onbill_domain::wire::ott::{PartnerSubscriptionRequest, SubscriptionSource};
use onbill_origin::config::OperatorTimeZone;
use onbill_origin::store::{
    IssueSignupResult, Journey, NewFlow, NewPai, NewPaiIds, NewSignup, PaiRow, RecordSubscriptionResult,
    SpendTokenResult, StartFlowResult, SubscriptionTerms, WidgetAgreement,
};
use onbill_test_harness::Dice;

impl LifecycleRun<'_> {
    pub(super) async fn visit(&mut self, dice: &mut Dice) {
        let number = pick_index(dice, NUMBERS.len());
        let (accounts, asked) = {
            let parties = self.network.lock_parties();
            let Some(who) = parties.truth.holders[number] else { return };
            (
                parties.truth.accounts,
                (who, parties.truth.people[who].suspended, parties.truth.people[who].subscriber_ref.clone()),
            )
        };
        let (who, suspended, subscriber_ref) = asked;
        let subscriber_ref = match accounts {
            AccountLookup::Asked => (!suspended).then_some(subscriber_ref),
            AccountLookup::Table => {
                let known = self
                    .store()
                    .find_account(self.app.vault.index_number(&parse_msisdn(NUMBERS[number])))
                    .await;
                let known =
                    known.expect("works").filter(|known| known.account.status == AccountStatus::Active);
                known.map(|known| known.subscriber_ref)
            }
        };
        let Some(subscriber_ref) = subscriber_ref else { return };
        let flow = sha256(self.fresh().as_bytes());
        let visit =
            StartedSignup { who, number, subscriber_ref, asked_at: self.now(), flow, is_overtaken: false };
        let begun = NewFlow {
            flow,
            number: self.seal_number(NUMBERS[number]),
            journey: Journey::Widget { offer: None, return_url: String::new() },
            locale: Locale::En,
            expires_at: visit.asked_at.plus_seconds(FLOW_TTL_SECONDS),
            pin: None,
            assertion: None,
        };
        let nonce = self.next_nonce();
        let started = self.store().start_flow(nonce, visit.asked_at, begun).await;
        assert_eq!(started.expect("works"), StartFlowResult::Started);
        self.tell(|| format!("{who} visits with {}: {}", NUMBERS[number], visit.subscriber_ref));
        self.visits.push(visit);
    }

    pub(super) async fn sign_up(&mut self, dice: &mut Dice) {
        let now = self.now();
        self.visits.retain(|visit| now.seconds_since(visit.asked_at) <= SIGN_UP_SECONDS);
        if self.visits.is_empty() {
            self.visit(dice).await;
        }
        if self.visits.is_empty() {
            return;
        }
        let visit = self.visits.remove(pick_index(dice, self.visits.len()));
        let fresh = NewPaiIds::draw(&*self.random);
        let fresh_pai = fresh.pai;
        let new = NewPai {
            partner: partner_id(),
            number: self.seal_number(NUMBERS[visit.number]),
            subscriber_ref: visit.subscriber_ref.clone(),
            proved_in: None,
            fresh,
        };
        let Some((row, jti)) = self.issue(dice, &visit, new).await else { return };
        self.tell(|| format!("{} signs up: {}", visit.who, row.pai));
        self.meet(if row.pai == fresh_pai { "sign-ups" } else { "known subscribers signing up" });
        if row.state == PaiState::Closed {
            self.add_violation(format!("a closed PAI is given out: {}", row.pai));
        }
        let (wrong, is_reported) = {
            let truth = &mut self.network.lock_parties().truth;
            (truth.sign_up(visit.who, visit.number, row.pai), truth.is_all_told())
        };
        self.network.lock_parties().found.extend(wrong);
        if visit.is_overtaken || !is_reported && self.is_by_table() {
            self.excused.insert(row.pai);
        }
        self.excuse_closed();
        if jti.is_none() && row.pai == fresh_pai {
            self.on_devices.insert(row.pai);
        }
        if jti.is_some() {
            // The edge reads it in the response.
            let (nonce, word) = (self.fresh(), (row.pai, row.handle, row.state, row.version));
            self.network.post(self.db.deployment.word("acme", word, self.now(), &nonce[..22]));
        }
        self.issued.push((jti, row.pai));
    }

    /// In the widget, which gets a token for the partner, or on a device, where the partner itself
    /// calls.
    async fn issue(
        &mut self,
        dice: &mut Dice,
        visit: &StartedSignup,
        mut pai: NewPai,
    ) -> Option<(PaiRow, Option<String>)> {
        let nonce = self.next_nonce();
        if dice.draw_below(3) == 0 {
            self.meet("devices");
            let row = self.store().issue_pai(Some(nonce), visit.asked_at, pai).await.expect("works");
            return row.map(|row| (row, None));
        }
        pai.proved_in = Some(visit.flow);
        let jti = self.fresh();
        let new = NewSignup {
            jti: jti.clone(),
            ticket: sha256(jti.as_bytes()),
            pai,
            account_type: AccountType::Postpaid,
            offer: OfferId::parse("netflix-standard").expect("is a slug"),
            locale: Locale::En,
            partner_return_url: String::new(),
            return_url: String::new(),
            agreed: WidgetAgreement {
                plan: ext_id("standard"),
                price: usd(1599),
                terms: None,
                words: None,
                proof: MandateProof::Pin,
                proof_reference: String::new(),
            },
        };
        match self.store().issue_signup(nonce, visit.asked_at, new).await.expect("works") {
            IssueSignupResult::Issued(row) => Some((row, Some(jti))),
            IssueSignupResult::AlreadyOnBill => {
                self.meet("on the bill already");
                None
            }
            IssueSignupResult::FlowOver => {
                self.meet("visits that an event has ended");
                None
            }
        }
    }

    /// Excuses the PAIs that a step has closed without an account event: a sign-up shows that a
    /// number has another subscriber before any event says what has become of the last one, and an
    /// erased subscriber's PAI is closed whatever becomes of their account.
    pub(super) fn excuse_closed(&mut self) {
        let before = std::mem::take(&mut self.watch.0);
        self.watch.0 = before.clone();
        self.network.lock_parties().found.extend(self.watch.look(&self.db.db_reader));
        let is_closed =
            |watch: &PaiWatch, pai| watch.0.get(pai).is_some_and(|now| now.state == PaiState::Closed);
        let closed =
            before.iter().filter(|(pai, then)| then.state != PaiState::Closed && is_closed(&self.watch, pai));
        self.excused.extend(closed.map(|(pai, _)| *pai));
    }

    fn is_by_table(&self) -> bool {
        self.network.lock_parties().truth.accounts == AccountLookup::Table
    }

    pub(super) async fn subscribe(&mut self, dice: &mut Dice) {
        if self.issued.is_empty() {
            return;
        }
        let (jti, pai) = dice.pick_one(&self.issued).clone();
        let is_closed = self.stands(pai) == PaiState::Closed;
        if let Some(jti) = jti {
            let (nonce, reference) = (self.next_nonce(), ext_id(&format!("visit-{jti}")));
            let spent = self.store().spend_token(nonce, self.now(), partner_id(), jti, reference).await;
            match spent.expect("works") {
                SpendTokenResult::Spent(signup) if signup.pai == pai && !is_closed => {}
                SpendTokenResult::Unknown if is_closed => return,
                other => return self.add_violation(format!("a token of {pai} is {other:?}")),
            }
        }
        self.network.lock_parties().partner.met.insert(pai);
        let request = PartnerSubscriptionRequest {
            pai,
            ext_subscription_id: ext_id(&self.fresh()),
            source: SubscriptionSource::NewAccount,
            plan: ext_id("standard"),
            price: Some(usd(1599)),
            consent_at: None,
        };
        let terms = SubscriptionTerms {
            offer: None,
            terms: None,
            proof: MandateProof::DeviceRead,
            time_zone: OperatorTimeZone::default(),
            needs_price: true,
            has_ceiling: false,
            listed_price: Some(usd(1599)),
        };
        let (nonce, id) = (self.next_nonce(), self.fresh());
        let record =
            self.store().record_subscription(nonce, self.now(), partner_id(), id, request, terms).await;
        match record.expect("works") {
            RecordSubscriptionResult::Created(_) => {
                self.tell(|| format!("{pai} subscribes"));
                self.meet("subscriptions");
            }
            RecordSubscriptionResult::AlreadyOnBill => {}
            RecordSubscriptionResult::PaiNotFound if is_closed => {}
            other => self.add_violation(format!("a subscription of {pai} is {other:?}")),
        }
    }
}
