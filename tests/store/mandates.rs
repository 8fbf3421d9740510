//! What customers have agreed to is recorded for ever, and a charge needs it.

use crate::adoption::adopted;
use crate::outcome::{done, refused};
use crate::races::at_once;
use crate::test_store::{
    NOW, TestStore, declined_by, euro, fresh_nonce, new_charge, new_pai, new_refund, new_signup,
    new_subscription, parse_day, parse_ext_id, partner_id, service_period, subscription_terms, usd,
};
use futures_util::future::join_all;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::OfferId;
use onbill_domain::mandate::{MandateGap, MandateProof};
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::PartnerSubscriptionRequest;
use onbill_domain::wire::subscription::SubscriptionStatus;
use onbill_origin::config::{ChargeNeeds, RepeatedPeriod};
use onbill_origin::store::{
    ChargeRules, IssueSignupResult, NewCharge, PostChargeResult, RecordSubscriptionResult, SubscriptionTerms,
};

on_each_database!(
    a_visits_agreement_is_completed_by_its_subscription,
    a_visit_that_was_not_finished_covers_nothing,
    a_subscription_without_a_visit_has_the_partners_price,
    a_price_above_the_agreed_one_needs_consent,
    a_consent_without_a_ceiling_has_a_limit,
    a_dearer_plan_needs_consent,
    a_charge_needs_a_mandate,
    a_charge_is_covered_by_price_and_currency,
    a_subscription_is_enough_where_the_partner_needs_no_price,
    a_period_that_had_begun_is_charged_after_a_cancellation,
    days_before_anybody_agreed_are_not_charged,
    a_period_is_charged_once,
    a_refunded_period_is_charged_again,
    the_next_subscription_charges_its_own_periods,
    months_before_anybody_agreed_are_not_charged,
    an_adopted_month_is_not_charged_again,
    two_charges_at_once_for_one_period_are_one,
    two_currencies_at_once_for_one_period_are_one_charge,
    a_group_charges_a_period_once,
    what_was_agreed_never_changes,
);

/// What the default needs, for a charge of December.
fn december_rules() -> ChargeRules {
    ChargeRules {
        needs: ChargeNeeds::Mandate,
        repeated_period: RepeatedPeriod::Decline,
        begins_at: parse_day("2026-12-01").starts_at(),
    }
}

/// A charge under the default rules, for these days.
fn charge_for(pai: Pai, ext_id: &str, amount_minor: i64, from: &str, to: &str) -> NewCharge {
    let mut new = new_charge(pai, ext_id, amount_minor);
    new.request.service_period = service_period(from, to);
    new.rules = ChargeRules { begins_at: parse_day(from).starts_at(), ..december_rules() };
    new
}

fn december(pai: Pai, ext_id: &str, amount_minor: i64) -> NewCharge {
    charge_for(pai, ext_id, amount_minor, "2026-12-01", "2026-12-31")
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what may be none")]
fn gap(gap: MandateGap) -> Option<(String, String)> {
    Some(("mandate".to_owned(), gap.as_str().to_owned()))
}

impl TestStore {
    async fn post(&self, new: NewCharge) -> PostChargeResult {
        self.store.post_charge(fresh_nonce(), NOW, new).await.expect("works")
    }

    /// The gap that a charge is declined for; `None` if it is created.
    async fn post_gap(&self, new: NewCharge) -> Option<(String, String)> {
        match self.post(new).await {
            PostChargeResult::Created(_) => None,
            other => Some(declined_by(&other).expect("is declined for a gap")),
        }
    }

    async fn issue(&self, n: u8) -> Pai {
        let row = self.store.issue_pai(Some(fresh_nonce()), NOW, new_pai("netflix", n, "2024-01-01")).await;
        row.expect("works").expect("is issued").pai
    }

    async fn subscribe(
        &self,
        id: &str,
        request: PartnerSubscriptionRequest,
        terms: SubscriptionTerms,
    ) -> RecordSubscriptionResult {
        let recorded = self.store.record_subscription(
            fresh_nonce(),
            NOW,
            partner_id("netflix"),
            id.to_owned(),
            request,
            terms,
        );
        recorded.await.expect("works")
    }

    /// A visit of the widget, up to the token; the partner spends it if `is_spent`.
    async fn visit(&self, n: u8, is_spent: bool) -> (Pai, String) {
        let signup = new_signup("netflix", n, "2024-01-01");
        let jti = signup.jti.clone();
        let Ok(IssueSignupResult::Issued(row)) = self.store.issue_signup(fresh_nonce(), NOW, signup).await
        else {
            panic!("not issued")
        };
        if is_spent {
            let spent = self.store.spend_token(
                fresh_nonce(),
                NOW,
                partner_id("netflix"),
                jti.clone(),
                parse_ext_id("visit"),
            );
            spent.await.expect("works");
        }
        (row.pai, jti)
    }

    async fn count_mandates(&self, condition: &str) -> i64 {
        self.place.count_rows(&format!("mandates WHERE {condition}")).await
    }
}

async fn a_visits_agreement_is_completed_by_its_subscription(db: TestStore) {
    let (pai, jti) = db.visit(1, true).await;
    assert!(matches!(
        db.subscribe("ps-1", new_subscription(pai, "s-1"), subscription_terms()).await,
        RecordSubscriptionResult::Created(_)
    ));
    let evidence = "proof = 'pin' AND proof_reference = 'flow' AND terms_id = '2026-11' AND locale = 'en'
        AND price_minor = 1599 AND currency = 'USD' AND offer = 'netflix-standard' AND plan = 'standard'";
    let of_visit = format!("mandate_id = '{jti}' AND partner_subscription_id IS NULL AND {evidence}");
    assert_eq!(db.count_mandates(&of_visit).await, 1);
    let completed = format!(
        "mandate_id = 'ps-1' AND partner_subscription_id = 'ps-1' AND supersedes = '{jti}'
             AND in_force_from = '2026-11-18' AND {evidence}"
    );
    assert_eq!(db.count_mandates(&completed).await, 1);
    // A replay records nothing, and other contents are refused.
    let replayed = db.subscribe("ps-1", new_subscription(pai, "s-1"), subscription_terms()).await;
    assert!(matches!(replayed, RecordSubscriptionResult::Replayed(_)), "{replayed:?}");
    let dearer = PartnerSubscriptionRequest { price: Some(usd(1600)), ..new_subscription(pai, "s-1") };
    assert_eq!(db.subscribe("ps-1", dearer, subscription_terms()).await, RecordSubscriptionResult::Conflict);
    assert_eq!(db.count_mandates("TRUE").await, 2);
    assert_eq!(db.post_gap(december(pai, "n-1", 1599)).await, None);
    assert_eq!(db.place.count_rows("transactions WHERE mandate_id = 'ps-1'").await, 1);
}

async fn a_visit_that_was_not_finished_covers_nothing(db: TestStore) {
    for (n, is_spent) in [(1, false), (2, true)] {
        let (pai, _) = db.visit(n, is_spent).await;
        assert_eq!(db.post_gap(december(pai, &format!("n-{n}"), 1)).await, gap(MandateGap::None), "{n}");
    }
}

async fn a_subscription_without_a_visit_has_the_partners_price(db: TestStore) {
    let consent_at = Some(Timestamp::from_unix_seconds(NOW.unix_seconds() - 60));
    let pai = db.issue(1).await;
    let request =
        PartnerSubscriptionRequest { price: Some(usd(1899)), consent_at, ..new_subscription(pai, "s-1") };
    assert!(matches!(
        db.subscribe("ps-1", request, subscription_terms()).await,
        RecordSubscriptionResult::Created(_)
    ));
    let accepted = NOW.unix_seconds() - 60;
    let recorded = format!(
        "mandate_id = 'ps-1' AND supersedes IS NULL AND price_minor = 1899 AND accepted_at = {accepted}
             AND proof = 'device-read' AND proof_reference = 'partner:netflix' AND words_sha256 IS NULL"
    );
    assert_eq!(db.count_mandates(&recorded).await, 1);
    // Without the members, it is the price of the offer. Without an offer, nobody knows it.
    let pai = db.issue(2).await;
    let unsold = SubscriptionTerms { offer: None, ..subscription_terms() };
    let without = db.subscribe("ps-2", new_subscription(pai, "s-2"), unsold.clone()).await;
    assert_eq!(without, RecordSubscriptionResult::PriceUnknown);
    assert_eq!(db.place.count_rows(&format!("partner_subscriptions WHERE pai = '{pai}'")).await, 0);
    db.subscribe("ps-2", new_subscription(pai, "s-2"), subscription_terms()).await;
    assert_eq!(db.count_mandates("mandate_id = 'ps-2' AND price_minor = 1599").await, 1);
    // A partner whose charges need no price may leave it out.
    let pai = db.issue(3).await;
    let terms = SubscriptionTerms { needs_price: false, ..unsold };
    db.subscribe("ps-3", new_subscription(pai, "s-3"), terms).await;
    assert_eq!(db.count_mandates("mandate_id = 'ps-3' AND price_minor IS NULL").await, 1);
    assert_eq!(db.post_gap(december(pai, "n-3", 1)).await, gap(MandateGap::None));
}

async fn a_price_above_the_agreed_one_needs_consent(db: TestStore) {
    let (pai, _) = db.visit(1, true).await;
    let priced = |price| PartnerSubscriptionRequest { price: Some(price), ..new_subscription(pai, "s-1") };
    for above in [usd(1600), euro(1599)] {
        let refused = db.subscribe("ps-1", priced(above), subscription_terms()).await;
        assert_eq!(refused, RecordSubscriptionResult::AbovePrice, "{above}");
    }
    let agreed = PartnerSubscriptionRequest { consent_at: Some(NOW), ..priced(usd(1600)) };
    assert!(matches!(
        db.subscribe("ps-1", agreed, subscription_terms()).await,
        RecordSubscriptionResult::Created(_)
    ));
    assert_eq!(db.post_gap(december(pai, "n-1", 1600)).await, None);
}

/// The widget has shown 15.99, and only the partner says that the customer has agreed to more.
async fn a_consent_without_a_ceiling_has_a_limit(db: TestStore) {
    let (pai, _) = db.visit(1, true).await;
    let agreed = |price| PartnerSubscriptionRequest {
        price: Some(price),
        consent_at: Some(NOW),
        ..new_subscription(pai, "s-1")
    };
    for above in [usd(2 * 1599 + 1), usd(159_900), euro(1599)] {
        let refused = db.subscribe("ps-1", agreed(above), subscription_terms()).await;
        assert_eq!(refused, RecordSubscriptionResult::AboveConsent, "{above}");
    }
    // With a ceiling of the operator, the ceiling is the limit.
    let terms = SubscriptionTerms { has_ceiling: true, ..subscription_terms() };
    let recorded = db.subscribe("ps-1", agreed(usd(2 * 1599 + 1)), terms).await;
    assert!(matches!(recorded, RecordSubscriptionResult::Created(_)), "{recorded:?}");
    let (pai, _) = db.visit(2, true).await;
    let request = PartnerSubscriptionRequest {
        price: Some(usd(2 * 1599)),
        consent_at: Some(NOW),
        ..new_subscription(pai, "s-2")
    };
    let recorded = db.subscribe("ps-2", request, subscription_terms()).await;
    assert!(matches!(recorded, RecordSubscriptionResult::Created(_)), "{recorded:?}");
}

/// The widget has shown the plan `standard` for 15.99, and the partner reports another one.
async fn a_dearer_plan_needs_consent(db: TestStore) {
    let offered = |price| SubscriptionTerms {
        offer: OfferId::parse("netflix-premium").map(|offer| (offer, price)),
        ..subscription_terms()
    };
    for (n, offer_price, price, consent_at, covered) in [
        (1, usd(2299), None, None, usd(1599)),
        (2, usd(2299), None, Some(NOW), usd(2299)),
        (3, usd(2299), Some(usd(1899)), Some(NOW), usd(1899)),
        (4, usd(2299), Some(usd(999)), None, usd(999)),
        (5, usd(799), None, None, usd(799)),
        (6, euro(1399), None, None, usd(1599)),
    ] {
        let (pai, _) = db.visit(n, true).await;
        let id = format!("ps-{n}");
        let mut request = new_subscription(pai, &format!("s-{n}"));
        (request.plan, request.price, request.consent_at) = (parse_ext_id("premium"), price, consent_at);
        let recorded = db.subscribe(&id, request, offered(offer_price)).await;
        assert!(matches!(recorded, RecordSubscriptionResult::Created(_)), "{n}: {recorded:?}");
        let agreed = format!(
            "mandate_id = '{id}' AND plan = 'premium' AND offer = 'netflix-premium'
                 AND price_minor = {} AND currency = '{}'",
            covered.amount_minor, covered.currency
        );
        assert_eq!(db.count_mandates(&agreed).await, 1, "{n}");
        let over = december(pai, &format!("over-{n}"), covered.amount_minor + 1);
        assert_eq!(db.post_gap(over).await, gap(MandateGap::OverPrice), "{n}");
        assert_eq!(db.post_gap(december(pai, &format!("at-{n}"), covered.amount_minor)).await, None, "{n}");
    }
    // A price above what was shown is none without consent, though the offer has it.
    let (pai, _) = db.visit(7, true).await;
    let mut request = new_subscription(pai, "s-7");
    (request.plan, request.price) = (parse_ext_id("premium"), Some(usd(2299)));
    let refused = db.subscribe("ps-7", request, offered(usd(2299))).await;
    assert_eq!(refused, RecordSubscriptionResult::AbovePrice);
}

async fn a_charge_needs_a_mandate(db: TestStore) {
    // Two calls of a device, and no subscription.
    let pai = db.issue(1).await;
    let new = december(pai, "n-1", 1599);
    let posted = db.post(new.clone()).await;
    assert_eq!(declined_by(&posted), gap(MandateGap::None));
    // The decline is recorded, and stays.
    db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let PostChargeResult::Declined(response) = posted else { panic!("{posted:?}") };
    assert_eq!(db.post(new).await, PostChargeResult::Replayed(response));
    assert_eq!(db.post_gap(december(pai, "n-2", 1599)).await, None);
    assert_eq!(db.place.count_rows("outbox WHERE kind = 'charge'").await, 1);
}

async fn a_charge_is_covered_by_price_and_currency(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let over = gap(MandateGap::OverPrice);
    assert_eq!(db.post_gap(december(pai, "n-1", 1600)).await, over);
    let mut euros = december(pai, "n-2", 1);
    euros.request.amount = euro(1);
    assert_eq!(db.post_gap(euros).await, over);
    // A part of a month costs a part of the price: otherwise each day could cost as much.
    assert_eq!(db.post_gap(charge_for(pai, "n-3", 1599, "2026-12-01", "2026-12-01")).await, over);
    assert_eq!(db.post_gap(charge_for(pai, "n-4", 58, "2026-12-01", "2026-12-01")).await, None);
    assert_eq!(db.post_gap(charge_for(pai, "n-5", 3198, "2027-01-01", "2027-02-28")).await, None);
    // What was declined counts against no limit.
    assert_eq!(db.place.count_rows("spending WHERE day_minor = 3256").await, 1);
}

async fn a_subscription_is_enough_where_the_partner_needs_no_price(db: TestStore) {
    let subscribed = |new: NewCharge| {
        let rules = ChargeRules { needs: ChargeNeeds::Subscription, ..new.rules };
        NewCharge { rules, ..new }
    };
    let pai = db.issue(1).await;
    assert_eq!(db.post_gap(subscribed(december(pai, "n-1", 1))).await, gap(MandateGap::None));
    db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    assert_eq!(db.post_gap(subscribed(december(pai, "n-2", 9999))).await, None);
    assert_eq!(db.post_gap(subscribed(december(pai, "n-3", 9999))).await, gap(MandateGap::PeriodCharged));
    // And where a PAI is enough, nothing of this counts.
    let without = NewCharge { rules: ChargeRules::none(NOW), ..december(pai, "n-4", 9999) };
    assert_eq!(db.post_gap(without).await, None);
}

async fn a_period_that_had_begun_is_charged_after_a_cancellation(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    db.change_subscription("netflix", "ps-1", SubscriptionStatus::Cancelled).await;
    assert_eq!(db.post_gap(december(pai, "n-1", 1599)).await, gap(MandateGap::Ended));
    // It was cancelled on the eighteenth of November, some hours after that day had begun.
    let of = |id: &str, from: &str, to: &str| charge_for(pai, id, 1599, from, to);
    assert_eq!(db.post_gap(of("n-2", "2026-11-19", "2026-12-18")).await, gap(MandateGap::Ended));
    let mut at_that_second = of("n-3", "2026-11-18", "2026-12-17");
    at_that_second.rules.begins_at = NOW.plus_seconds(1);
    assert_eq!(db.post_gap(at_that_second.clone()).await, gap(MandateGap::Ended));
    at_that_second.rules.begins_at = NOW;
    at_that_second.request.ext_transaction_id = parse_ext_id("n-4");
    at_that_second.transaction_id = "tx-that-second".to_owned();
    assert_eq!(db.post_gap(at_that_second).await, None);
    // A PAI that is closed ends its subscription, too.
    let closed = db.sign_up_and_subscribe(2, "ps-2", "s-2").await;
    let reason = DeclineReason::PaiRevokedByUser;
    db.store.close_pai(NOW, partner_id("netflix"), closed, reason).await.expect("works");
    let ended = "partner_subscriptions WHERE status = 'CANCELLED' AND ended_at = 1795000000";
    assert_eq!(db.place.count_rows(&format!("{ended} AND ended_by IS NULL")).await, 1);
    assert_eq!(db.place.count_rows(&format!("{ended} AND ended_by = 'pai-revoked-by-user'")).await, 1);
}

async fn days_before_anybody_agreed_are_not_charged(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let before = charge_for(pai, "n-1", 1599, "2026-10-18", "2026-11-17");
    assert_eq!(db.post_gap(before).await, gap(MandateGap::None));
    // A partner of calendar months charges the one in which its customer has come.
    assert_eq!(db.post_gap(charge_for(pai, "n-2", 1599, "2026-11-01", "2026-11-30")).await, None);
}

async fn a_period_is_charged_once(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    assert_eq!(db.post_gap(december(pai, "n-1", 1000)).await, None);
    let charged = gap(MandateGap::PeriodCharged);
    assert_eq!(db.post_gap(december(pai, "n-2", 1)).await, charged);
    for (id, from, to) in [("n-3", "2026-12-31", "2027-01-30"), ("n-4", "2026-11-02", "2026-12-01")] {
        assert_eq!(db.post_gap(charge_for(pai, id, 1, from, to)).await, charged, "{id}");
    }
    for (id, from, to) in [("n-5", "2027-01-01", "2027-01-31"), ("n-6", "2026-11-18", "2026-11-30")] {
        assert_eq!(db.post_gap(charge_for(pai, id, 1, from, to)).await, None, "{id}");
    }
    // With an alarm instead of a decline, the caller learns of it.
    let mut again = december(pai, "n-7", 1);
    again.rules.repeated_period = RepeatedPeriod::Alarm;
    let PostChargeResult::Created(charge) = db.post(again).await else { panic!("is let pass") };
    assert!(charge.repeats_period);
    let mut first = charge_for(pai, "n-8", 1, "2027-02-01", "2027-02-28");
    first.rules.repeated_period = RepeatedPeriod::Alarm;
    let PostChargeResult::Created(charge) = db.post(first).await else { panic!("is created") };
    assert!(!charge.repeats_period);
}

async fn a_refunded_period_is_charged_again(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let id = db.post_new_charge(december(pai, "n-1", 1599)).await;
    db.store.answer_transaction(NOW, id, done()).await.expect("works");
    let charged = gap(MandateGap::PeriodCharged);
    let part = db.post_new_refund(new_refund("n-1", "f-1", Some(1598))).await;
    db.store.answer_refund(NOW, part, done()).await.expect("works");
    assert_eq!(db.post_gap(december(pai, "n-2", 1599)).await, charged);
    for (n, (name, outcome)) in [("f-2", refused()), ("f-3", done())].into_iter().enumerate() {
        let rest = db.post_new_refund(new_refund("n-1", name, None)).await;
        assert_eq!(db.post_gap(december(pai, &format!("n-3-{n}"), 1)).await, charged, "{name} is pending");
        db.store.answer_refund(NOW, rest, outcome).await.expect("works");
    }
    let id = db.post_new_charge(december(pai, "n-4", 1599)).await;
    // So is one that billing has declined.
    assert_eq!(db.post_gap(december(pai, "n-5", 1599)).await, charged);
    let declined = crate::outcome::declined(DeclineReason::InsufficientBalance);
    db.store.answer_transaction(NOW, id, declined).await.expect("works");
    assert_eq!(db.post_gap(december(pai, "n-6", 1599)).await, None);
}

/// Who returns later than the same day has a period of the next subscription beside what is left of
/// the last one's. Otherwise the partner could have the same days paid as often as it reports one.
async fn the_next_subscription_charges_its_own_periods(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    assert_eq!(db.post_gap(charge_for(pai, "n-1", 1599, "2026-11-18", "2026-12-17")).await, None);
    let charged = gap(MandateGap::PeriodCharged);
    for (n, id) in ["ps-1", "ps-2"].into_iter().enumerate() {
        db.change_subscription("netflix", id, SubscriptionStatus::Cancelled).await;
        let next = format!("ps-{}", n + 2);
        assert_eq!(db.sign_up_and_subscribe(1, &next, &next).await, pai);
        let again = charge_for(pai, &format!("n-2-{n}"), 1599, "2026-11-18", "2026-12-17");
        assert_eq!(db.post_gap(again).await, charged, "{next}");
        let shifted = charge_for(pai, &format!("n-3-{n}"), 1599, "2026-11-19", "2026-12-18");
        assert_eq!(db.post_gap(shifted).await, charged, "{next}");
    }
    assert_eq!(db.post_gap(charge_for(pai, "n-4", 1599, "2026-12-18", "2027-01-17")).await, None);
    assert_eq!(db.post_gap(charge_for(pai, "n-5", 1599, "2026-12-19", "2027-01-18")).await, charged);
    db.change_subscription("netflix", "ps-3", SubscriptionStatus::Cancelled).await;
    let (later, id) = (NOW.plus_seconds(40 * 86_400), "ps-4".to_owned());
    let (request, netflix) = (new_subscription(pai, "s-4"), partner_id("netflix"));
    let returned =
        db.store.record_subscription(fresh_nonce(), later, netflix, id, request, subscription_terms()).await;
    assert!(matches!(returned, Ok(RecordSubscriptionResult::Created(_))), "{returned:?}");
    assert_eq!(db.post_gap(charge_for(pai, "n-6", 1599, "2026-12-28", "2027-01-27")).await, None);
}

async fn months_before_anybody_agreed_are_not_charged(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let uncovered = gap(MandateGap::None);
    for (n, from) in ["2025-11-01", "2026-09-18", "2026-10-18"].into_iter().enumerate() {
        let early = charge_for(pai, &format!("n-{n}"), 1, from, "2026-11-18");
        assert_eq!(db.post_gap(early).await, uncovered, "{from}");
    }
    // The first month may have begun before the customer came.
    assert_eq!(db.post_gap(charge_for(pai, "n-9", 1599, "2026-10-19", "2026-11-18")).await, None);
}

/// The ledger has lost under which mandate the charge was made.
async fn an_adopted_month_is_not_charged_again(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    adopted(&db, pai, "n-1").await;
    assert_eq!(db.post_gap(december(pai, "n-2", 1599)).await, gap(MandateGap::PeriodCharged));
    let (netflix, id) = (partner_id("netflix"), parse_ext_id("ps-1"));
    let found = db.store.find_subscription_mandate(netflix, id, parse_ext_id("c-1")).await.expect("works");
    assert_eq!(found.expect("is there").charged_until, Some(parse_day("2026-12-31")));
}

async fn two_charges_at_once_for_one_period_are_one(db: TestStore) {
    for round in 1..=6 {
        let pai = db.sign_up_and_subscribe(round, &format!("ps-{round}"), &format!("s-{round}")).await;
        let posted = at_once(&db, 8, |store, n| async move {
            let new = december(pai, &format!("n-{round}-{n}"), 100);
            store.post_charge(fresh_nonce(), NOW, new).await.expect("works")
        });
        let posted = posted.await;
        let created = posted.iter().filter(|one| matches!(one, PostChargeResult::Created(_))).count();
        let declined = posted.iter().filter(|one| declined_by(one) == gap(MandateGap::PeriodCharged)).count();
        assert_eq!((created, declined), (1, 7), "{posted:?}");
    }
}

/// Where the partner needs no price, a period may be charged in any currency that is billed. What an
/// account has spent is counted by currency, so it cannot be what keeps such charges apart.
async fn two_currencies_at_once_for_one_period_are_one_charge(db: TestStore) {
    for round in 1..=6 {
        let pai = db.sign_up_and_subscribe(round, &format!("ps-{round}"), &format!("s-{round}")).await;
        let posted = at_once(&db, 8, |store, n| async move {
            let mut new = december(pai, &format!("n-{round}-{n}"), 100);
            new.rules.needs = ChargeNeeds::Subscription;
            // One origin's charges are in dollars, and the other's in euros.
            new.request.amount = if n % 2 == 0 { usd(100) } else { euro(100) };
            store.post_charge(fresh_nonce(), NOW, new).await.expect("works")
        });
        let posted = posted.await;
        let created = posted.iter().filter(|one| matches!(one, PostChargeResult::Created(_))).count();
        let declined = posted.iter().filter(|one| declined_by(one) == gap(MandateGap::PeriodCharged)).count();
        assert_eq!((created, declined), (1, 7), "{posted:?}");
    }
}

async fn a_group_charges_a_period_once(db: TestStore) {
    let subscribers = join_all(
        (1..=4).map(async |n| db.sign_up_and_subscribe(n, &format!("ps-{n}"), &format!("s-{n}")).await),
    );
    let pais = subscribers.await;
    let stranger = db.issue(5).await;
    let news = vec![
        december(pais[0], "n-0", 1599),
        december(pais[0], "n-1", 1599),
        december(pais[1], "n-2", 1600),
        december(stranger, "n-3", 1599),
        december(pais[2], "n-4", 1599),
        charge_for(pais[2], "n-5", 1599, "2027-01-01", "2027-01-31"),
        december(pais[3], "n-6", 1599),
    ];
    let posted = join_all(news.into_iter().map(|new| db.post_gap(new))).await;
    let both = [&posted[0], &posted[1]];
    assert_eq!(both.iter().filter(|gap| gap.is_none()).count(), 1, "{posted:?}");
    assert!(both.contains(&&gap(MandateGap::PeriodCharged)), "{posted:?}");
    assert_eq!((&posted[2], &posted[3]), (&gap(MandateGap::OverPrice), &gap(MandateGap::None)));
    assert_eq!(posted[4..], [None, None, None]);
    assert_eq!(db.place.count_rows("transactions WHERE status = 'PENDING' AND mandate_id IS NULL").await, 0);
    assert_eq!(db.place.count_rows("outbox WHERE kind = 'charge'").await, 4);
}

/// Whatever happens to the subscription, its rows stay as they were.
async fn what_was_agreed_never_changes(db: TestStore) {
    let (pai, _) = db.visit(1, true).await;
    db.subscribe("ps-1", new_subscription(pai, "s-1"), subscription_terms()).await;
    let id = db.post_new_charge(december(pai, "n-1", 1599)).await;
    let rows = "mandates WHERE partner = 'netflix' AND price_minor = 1599 AND accepted_at = 1795000000
        AND recorded_at = 1795000000";
    assert_eq!(db.place.count_rows(rows).await, 2);
    db.store.answer_transaction(NOW, id, done()).await.expect("works");
    let later = NOW.plus_seconds(3_600);
    let suspended = SubscriptionStatus::Suspended;
    db.change_subscription("netflix", "ps-1", suspended).await;
    db.change_subscription("netflix", "ps-1", SubscriptionStatus::Cancelled).await;
    let reason = DeclineReason::AccountClosedTakenOver;
    db.store.close_pai(later, partner_id("netflix"), pai, reason).await.expect("works");
    assert_eq!(db.place.count_rows(rows).await, 2);
    // Nor does the end move: the partner has cancelled it before its PAI was closed.
    let ended = "partner_subscriptions WHERE ended_at = 1795000000 AND ended_by IS NULL";
    assert_eq!(db.place.count_rows(ended).await, 1);
    let proved = MandateProof::Pin.as_str();
    assert_eq!(db.count_mandates(&format!("proof = '{proved}'")).await, 2);
}
