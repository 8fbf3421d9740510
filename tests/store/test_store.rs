//! Empty databases, and the shorthand for filling them.

use crate::outcome::{AttemptOutcome, done, settle_attempt};
use crate::test_values::{
    NOW, fresh_hash, fresh_nonce, fresh_pai, next_number, parse_ext_id, partner_id, sealed_number, usd,
};
use onbill_domain::account::AccountType;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::digest::sha256;
use onbill_domain::ids::OfferId;
use onbill_domain::locale::Locale;
use onbill_domain::mandate::MandateProof;
use onbill_domain::pai::Pai;
use onbill_domain::spending::SpendingLimits;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{
    PartnerSubscriptionRequest, RefundRequest, SubscriptionSource, TransactionRequest, TransactionResponse,
};
use onbill_origin::config::OperatorTimeZone;
use onbill_origin::store::{
    AgreedTerms, ChargeRules, CouponCodeSms, CouponRow, IssueCouponResult, IssueSignupResult, Job, Journey,
    LeasedJob, NewCharge, NewCoupon, NewFlow, NewPai, NewPaiIds, NewPin, NewRedemption, NewRefund, NewSignup,
    PaiRow, PinAsker, PinCeiling, PostChargeResult, PostRefundResult, Queue, RedeemResult, SettleResult,
    ShownWords, SmsJob, Store, StoreError, SubscriptionTerms, Tallied, WebhookJob, WidgetAgreement,
};
use onbill_test_harness::database::TestDb;
use onbill_test_harness::db_folder;
use serde_json::json;
use std::sync::Arc;

/// Two origins of some tests at once, on a server that others use as well.
pub(crate) const CONNECTIONS: usize = 4;

/// The database of one test, empty at first.
pub(crate) struct TestStore {
    pub(crate) store: Arc<Store>,
    pub(crate) place: TestDb,
}

impl TestStore {
    pub(crate) async fn in_sqlite() -> Self {
        Self::open_at(TestDb::new_sqlite_file(&db_folder())).await
    }

    pub(crate) async fn in_postgres() -> Self {
        Self::open_at(TestDb::new_postgres_schema().await).await
    }

    async fn open_at(place: TestDb) -> Self {
        Self { store: place.open_store(CONNECTIONS).await.expect("opens"), place }
    }

    /// Another empty database of the same kind.
    pub(crate) async fn open_beside(db: &Self) -> Self {
        Self::open_at(db.place.new_beside().await).await
    }

    /// Closes the database and opens it again, as a restart does.
    pub(crate) async fn reopen(mut self) -> Self {
        self.store = self.second_origin().await;
        self
    }

    /// The same database, opened by another origin.
    pub(crate) async fn second_origin(&self) -> Arc<Store> {
        self.place.open_store(CONNECTIONS).await.expect("opens")
    }

    /// Deletes what has expired, for an operator in UTC.
    pub(crate) async fn sweep(&self, now: Timestamp) {
        self.store.sweep(now, OperatorTimeZone::default()).await.expect("works");
    }

    /// A subscriber with a PAI at `netflix`, as after a sign-up.
    pub(crate) async fn sign_up_subscriber(&self, number: u8) -> PaiRow {
        match self.store.issue_signup(fresh_nonce(), NOW, new_signup("netflix", number, "2024-01-01")).await {
            Ok(IssueSignupResult::Issued(row)) => row,
            other => panic!("no PAI: {other:?}"),
        }
    }

    /// A charge that was submitted to billing; returns our id of it.
    pub(crate) async fn post_new_charge(&self, new: NewCharge) -> String {
        match self.store.post_charge(fresh_nonce(), NOW, new).await {
            Ok(PostChargeResult::Created(charge)) => charge.transaction_id,
            other => panic!("not created: {other:?}"),
        }
    }

    /// A charge that billing approved.
    pub(crate) async fn post_approved_charge(&self, pai: Pai, ext_id: &str, amount_minor: i64) -> String {
        let id = self.post_new_charge(new_charge(pai, ext_id, amount_minor)).await;
        self.store.answer_transaction(NOW, id.clone(), done()).await.expect("works");
        id
    }

    /// A coupon that was issued now.
    pub(crate) async fn issue_new_coupon(&self, new: NewCoupon) -> CouponRow {
        match self.store.issue_coupon(Some(fresh_nonce()), NOW, new).await {
            Ok(IssueCouponResult::Created(row)) => *row,
            other => panic!("not created: {other:?}"),
        }
    }

    /// A coupon of this number's that was issued and claimed now; returns our id of its charge.
    pub(crate) async fn redeem_new_coupon(&self, n: u8, ext_id: &str, reference: &str) -> String {
        let new = new_coupon(n, ext_id);
        let code = new.text.code;
        self.issue_new_coupon(new).await;
        match self.store.redeem_coupon(fresh_nonce(), NOW, new_redemption(reference, code)).await {
            Ok(RedeemResult::Created(charge)) => charge.transaction_id,
            other => panic!("not claimed: {other:?}"),
        }
    }

    /// A refund that was submitted to billing; returns our id of it.
    pub(crate) async fn post_new_refund(&self, new: NewRefund) -> String {
        match self.store.post_refund(fresh_nonce(), NOW, new).await {
            Ok(PostRefundResult::Created(refund)) => refund.refund_id,
            other => panic!("not created: {other:?}"),
        }
    }

    /// The status of a charge of `netflix`.
    pub(crate) async fn find_charge(&self, ext_id: &str) -> TransactionResponse {
        let found = self.store.find_charge_response(partner_id("netflix"), parse_ext_id(ext_id)).await;
        found.expect("works").expect("is there")
    }

    /// Settles a leased job.
    pub(crate) async fn settle_job(
        &self,
        now: Timestamp,
        leased: LeasedJob,
        outcome: AttemptOutcome,
    ) -> Result<SettleResult, StoreError> {
        settle_attempt(&self.store, now, leased, outcome).await
    }

    /// The jobs that are due `at_seconds` from now, leased for two minutes. In an order of the
    /// tests' own: that of the outbox is unspecified.
    pub(crate) async fn lease_due(&self, at_seconds: i64) -> Vec<LeasedJob> {
        let now = NOW.plus_seconds(at_seconds);
        let mut entries =
            self.store.lease_due(Queue::All, now, now.plus_seconds(120), 16).await.expect("works");
        entries.sort_by(|one, other| job_name(one).cmp(&job_name(other)));
        entries
    }
}

pub(crate) fn new_signup(partner_name: &str, n: u8, subscriber_ref: &str) -> NewSignup {
    NewSignup {
        jti: format!("jti-{}", next_number()),
        ticket: fresh_hash(),
        pai: new_pai(partner_name, n, subscriber_ref),
        account_type: AccountType::Postpaid,
        offer: OfferId::parse("netflix-standard").expect("is a slug"),
        locale: Locale::En,
        partner_return_url: "https://edge.example/widget/v1/return/acme/t".to_owned(),
        return_url: "https://my.acme.example/done".to_owned(),
        agreed: WidgetAgreement {
            plan: parse_ext_id("standard"),
            price: usd(1599),
            terms: Some(AgreedTerms { id: "2026-11".to_owned(), sha256: [7; 32] }),
            words: Some(ShownWords { sha256: [8; 32], locale: Locale::En }),
            proof: MandateProof::Pin,
            proof_reference: "flow".to_owned(),
        },
    }
}

pub(crate) fn new_pai(partner_name: &str, n: u8, subscriber_ref: &str) -> NewPai {
    NewPai {
        partner: partner_id(partner_name),
        number: sealed_number(n),
        subscriber_ref: subscriber_ref.to_owned(),
        proved_in: None,
        fresh: NewPaiIds {
            subscriber_id: format!("subscriber-{}", next_number()),
            handle: format!("handle-{}", next_number()),
            pai: fresh_pai(),
        },
    }
}

pub(crate) fn new_flow(n: u8, with_pin: Option<[u8; 32]>) -> NewFlow {
    NewFlow {
        flow: fresh_hash(),
        number: sealed_number(n),
        journey: Journey::Widget {
            offer: OfferId::parse("netflix-standard"),
            return_url: "https://my.acme.example/done".to_owned(),
        },
        locale: Locale::En,
        expires_at: NOW.plus_seconds(1800),
        pin: with_pin.map(|mac| NewPin {
            mac,
            expires_at: NOW.plus_seconds(600),
            message: vec![n; 8],
            asked_by: PinAsker::Widget,
            ceiling: PinCeiling { per_hour: 1_000 },
            can_challenge: false,
        }),
        assertion: None,
    }
}

/// A flow that an app of this partner's has started, and the right PIN for it.
pub(crate) fn device_flow(partner_name: &str, n: u8, mac: [u8; 32]) -> NewFlow {
    let journey = Journey::Device { partner: partner_id(partner_name) };
    let mut flow = NewFlow { journey, expires_at: NOW.plus_seconds(600), ..new_flow(n, Some(mac)) };
    if let Some(pin) = &mut flow.pin {
        pin.asked_by = PinAsker::Partner(partner_id(partner_name));
    }
    flow
}

/// The result of what was counted, which is within all ceilings.
pub(crate) fn within<T: std::fmt::Debug>(tallied: Tallied<T>) -> T {
    match tallied {
        Tallied::Within(result) => result,
        Tallied::Exceeded(exceeded) => panic!("{exceeded:?}"),
    }
}

pub(crate) fn new_subscription(pai: Pai, ext_id: &str) -> PartnerSubscriptionRequest {
    let origin = SubscriptionSource::NewAccount;
    PartnerSubscriptionRequest {
        pai,
        ext_subscription_id: parse_ext_id(ext_id),
        source: origin,
        plan: parse_ext_id("standard"),
        price: None,
        consent_at: None,
    }
}

/// What a subscription is sold for in these tests.
pub(crate) fn subscription_terms() -> SubscriptionTerms {
    SubscriptionTerms {
        offer: OfferId::parse("netflix-standard").map(|offer| (offer, usd(1599))),
        terms: None,
        proof: MandateProof::DeviceRead,
        time_zone: OperatorTimeZone::default(),
        needs_price: true,
        has_ceiling: false,
        listed_price: Some(usd(1599)),
    }
}

/// A charge that needs nothing but its PAI. What else a charge may need is tested in
/// [`crate::mandates`].
pub(crate) fn new_charge(pai: Pai, ext_id: &str, amount_minor: i64) -> NewCharge {
    let request = TransactionRequest {
        ext_transaction_id: parse_ext_id(ext_id),
        pai,
        amount: usd(amount_minor),
        description: "Netflix Standard".to_owned(),
        service_period: serde_json::from_value(json!({"from": "2026-12-01", "to": "2026-12-31"}))
            .expect("is a period"),
        tax: None,
        partner_subscription_id: None,
    };
    let fingerprint = sha256(&serde_json::to_vec(&request).expect("is JSON"));
    NewCharge {
        transaction_id: format!("tx-{}", next_number()),
        partner: partner_id("netflix"),
        fingerprint,
        request,
        codes: Arc::default(),
        offer: None,
        limits: Some(SpendingLimits::default()),
        rules: ChargeRules::none(NOW),
        responding_until: NOW.plus_seconds(60),
    }
}

/// Whose code a charge was declined with when it was posted, and the code; `None` for any other result.
pub(crate) fn declined_by(posted: &PostChargeResult) -> Option<(String, String)> {
    let PostChargeResult::Declined(response) = posted else { return None };
    let response: TransactionResponse = serde_json::from_slice(response).expect("is a response");
    assert_eq!(response.decline_reason, Some(DeclineReason::RiskDeclined));
    response.raw_result.map(|raw| (raw.scope, raw.raw_code))
}

/// How a charge is declined for days that a coupon has paid for.
#[expect(clippy::unnecessary_wraps, reason = "it is compared with what may be none")]
pub(crate) fn paid_ahead() -> Option<(String, String)> {
    Some(("coupon".to_owned(), "paid-ahead".to_owned()))
}

/// A refund of a part of a charge, or of all that is left. Its own id is none that a test gives to a desk's.
pub(crate) fn new_refund(of: &str, ext_id: &str, amount_minor: Option<i64>) -> NewRefund {
    let request = RefundRequest {
        ext_refund_id: parse_ext_id(ext_id),
        amount: amount_minor.map(usd),
        reason: "Cancelled".to_owned(),
    };
    let fingerprint = sha256(&serde_json::to_vec(&(of, &request)).expect("is JSON"));
    NewRefund {
        refund_id: format!("partner-refund-{}", next_number()),
        partner: partner_id("netflix"),
        ext_transaction_id: parse_ext_id(of),
        fingerprint,
        request,
        borne_by: None,
        ceilings: None,
        responding_until: NOW.plus_seconds(60),
    }
}

/// A coupon of six months for this number's subscriber.
pub(crate) fn new_coupon(n: u8, ext_id: &str) -> NewCoupon {
    let fresh = CouponCodeSms { code: fresh_hash(), ..code_sms(n) };
    NewCoupon {
        coupon_id: format!("coupon-{}", next_number()),
        ext_coupon_id: parse_ext_id(ext_id),
        fingerprint: sha256(format!("{n} {ext_id}").as_bytes()),
        buyer: new_pai("netflix", n, "2024-01-01"),
        plan: parse_ext_id("6M"),
        months: 6,
        offer: OfferId::parse("netflix-standard").expect("is a slug"),
        description: "Netflix Standard, 6 months".to_owned(),
        locale: Locale::En,
        amount: usd(8999),
        text: fresh,
        expires_at: NOW.plus_seconds(365 * 86_400),
    }
}

/// An SMS with a code, the same for the same number.
pub(crate) fn code_sms(n: u8) -> CouponCodeSms {
    CouponCodeSms { code: [n; 32], message: vec![n; 8] }
}

pub(crate) fn new_redemption(reference: &str, code: [u8; 32]) -> NewRedemption {
    let charge_id = format!("tx-{}", next_number());
    NewRedemption {
        charge_id: Arc::new(move |_, _| charge_id.clone()),
        codes: Arc::default(),
        partner: partner_id("netflix"),
        ext_reference: parse_ext_id(reference),
        code,
        pai: None,
        responding_until: NOW.plus_seconds(60),
    }
}

/// The stored word of a job's kind, and our id of what it is about, unless that is a PAI.
pub(crate) fn job_name(leased: &LeasedJob) -> (&'static str, &str) {
    let id = match &leased.job {
        Job::Charge { transaction_id } | Job::Webhook(WebhookJob::Charge { transaction_id }) => {
            transaction_id
        }
        Job::Refund { refund_id } | Job::Webhook(WebhookJob::Refund { refund_id }) => refund_id,
        Job::Webhook(WebhookJob::Dispute { dispute_id }) => dispute_id,
        Job::Sms(SmsJob::Coupon { coupon_id, .. } | SmsJob::CouponReminder { coupon_id, .. }) => coupon_id,
        Job::Sms(SmsJob::Notification { notification_id, .. }) => notification_id,
        Job::Webhook(WebhookJob::Pai { .. } | WebhookJob::PaiMapping { .. })
        | Job::Sms(SmsJob::Pin { .. }) => "",
    };
    (leased.job.kind().as_str(), id)
}
