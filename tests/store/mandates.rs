//! What customers have agreed to is recorded for ever, and a charge needs it.

use crate::outcome::done;
use crate::test_store::{
    TestStore, declined_by, new_charge, new_pai, new_signup, new_subscription, subscription_terms,
};
use crate::test_values::{NOW, euro, fresh_nonce, parse_day, parse_ext_id, partner_id, service_period, usd};
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
    a_price_of_the_app_has_a_limit,
    a_dearer_plan_needs_consent,
    a_charge_needs_a_mandate,
    a_charge_is_covered_by_price_and_currency,
    a_subscription_is_enough_where_the_partner_needs_no_price,
    a_period_that_had_begun_is_charged_after_a_cancellation,
    days_before_the_agreement_are_not_charged,
    months_before_the_agreement_are_not_charged,
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
pub(crate) fn charge_for(pai: Pai, ext_id: &str, amount_minor: i64, from: &str, to: &str) -> NewCharge {
    let mut new = new_charge(pai, ext_id, amount_minor);
    new.request.service_period = service_period(from, to);
    new.rules = ChargeRules { begins_at: parse_day(from).starts_at(), ..december_rules() };
    new
}

pub(crate) fn december(pai: Pai, ext_id: &str, amount_minor: i64) -> NewCharge {
    charge_for(pai, ext_id, amount_minor, "2026-12-01", "2026-12-31")
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what may be none")]
pub(crate) fn gap(gap: MandateGap) -> Option<(String, String)> {
    Some(("mandate".to_owned(), gap.as_str().to_owned()))
}

impl TestStore {
    pub(crate) async fn post(&self, new: NewCharge) -> PostChargeResult {
        self.store.post_charge(fresh_nonce(), NOW, new).await.expect("works")
    }

    /// The gap that a charge is declined for; `None` if it is created.
    pub(crate) async fn post_gap(&self, new: NewCharge) -> Option<(String, String)> {
        match self.post(new).await {
            PostChargeResult::Created(_) => None,
            other => Some(declined_by(&other).expect("is declined for a gap")),
        }
    }

    pub(crate) async fn issue(&self, n: u8) -> Pai {
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

/// In the partner's app no price of ours is shown, so that the operator's own is what counts.
async fn a_price_of_the_app_has_a_limit(db: TestStore) {
    let pai = db.issue(1).await;
    let unsold = || SubscriptionTerms { offer: None, ..subscription_terms() };
    for consent_at in [None, Some(NOW)] {
        let agreed = |price| PartnerSubscriptionRequest {
            price: Some(price),
            consent_at,
            ..new_subscription(pai, "s-1")
        };
        for terms in [subscription_terms(), unsold()] {
            let refused = db.subscribe("ps-1", agreed(usd(2 * 1599 + 1)), terms).await;
            assert_eq!(refused, RecordSubscriptionResult::AboveConsent, "{consent_at:?}");
        }
    }
    let dearest = PartnerSubscriptionRequest { price: Some(usd(2 * 1599)), ..new_subscription(pai, "s-1") };
    let recorded = db.subscribe("ps-1", dearest, unsold()).await;
    assert!(matches!(recorded, RecordSubscriptionResult::Created(_)), "{recorded:?}");
    let pai = db.issue(2).await;
    let terms = SubscriptionTerms { has_ceiling: true, ..subscription_terms() };
    let dearer = PartnerSubscriptionRequest { price: Some(usd(9999)), ..new_subscription(pai, "s-2") };
    let recorded = db.subscribe("ps-2", dearer, terms).await;
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

async fn days_before_the_agreement_are_not_charged(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let before = charge_for(pai, "n-1", 1599, "2026-10-18", "2026-11-17");
    assert_eq!(db.post_gap(before).await, gap(MandateGap::None));
    // A partner of calendar months charges the one in which its customer has come.
    assert_eq!(db.post_gap(charge_for(pai, "n-2", 1599, "2026-11-01", "2026-11-30")).await, None);
}

async fn months_before_the_agreement_are_not_charged(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let uncovered = gap(MandateGap::None);
    for (n, from) in ["2025-11-01", "2026-09-18", "2026-10-18"].into_iter().enumerate() {
        let early = charge_for(pai, &format!("n-{n}"), 1, from, "2026-11-18");
        assert_eq!(db.post_gap(early).await, uncovered, "{from}");
    }
    // The first month may have begun before the customer came.
    assert_eq!(db.post_gap(charge_for(pai, "n-9", 1599, "2026-10-19", "2026-11-18")).await, None);
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
