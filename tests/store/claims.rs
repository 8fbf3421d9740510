//! Charges that another system has posted.

use crate::audit::stamp;
use crate::dark_pais::{self, pai_of, with_dark_pai};
use crate::mandates::charge_for;
use crate::outcome::done;
use crate::test_store::{TestStore, declined_by, new_charge, new_refund};
use crate::test_values::{NOW, fresh_nonce, parse_day, parse_ext_id, partner_id, usd};
use onbill_domain::spending::SpendingLimits;
use onbill_domain::wire::dispute::DisputeReason;
use onbill_domain::wire::ott::{TransactionResponse, TransactionStatus};
use onbill_origin::config::OperatorTimeZone;
use onbill_origin::store::{
    DaySpan, DisputeChange, DisputeStep, LookupIds, NewCharge, Period, PostChargeResult, PostDisputeResult,
    PostRefundResult, RedriveResult, RedriveTarget, ReportDate, ReportFilter,
};
use onbill_test_harness::other_system::{OtherSystem, charges_csv, pais_csv};

on_each_database!(
    repeat_of_a_claim_gets_its_old_result,
    other_contents_under_the_id_of_a_claim_are_refused,
    refund_of_a_claim_goes_to_billing_by_its_own_id_within_what_remains,
    pending_claim_waits_for_the_result_of_the_other_system,
    settled_claim_stays_once_its_pai_is_on,
    days_of_a_claim_are_not_charged_again_under_another_id,
    claim_is_in_no_report_and_counts_against_no_limit,
    refund_of_a_claim_gives_no_room,
    claim_of_a_dark_pai_answers_nothing,
    claim_never_goes_to_billing,
    claim_needs_a_loaded_pai_of_its_partner,
    older_file_brings_back_no_older_billing_id,
    pending_refund_stays_beside_those_of_later_files,
);

const PAI: &str = "ENT1664367665579";
const PAI_LINE: &str = "netflix,ENT1664367665579,+12025550101,2021-03-14,ACTIVE,2022-09-28T12:01:05Z,sub-1,EXISTING_ACCOUNT,\
     standard,1599,USD,,,";
const CUT_OVER: &str = "UPDATE pais SET dark_since = NULL, cut_over_at = 1795000000";

/// A charge for the days of [`new_charge`].
fn claim_line(id: &str, refunded: &str, status: &str, billing_ref: &str) -> String {
    format!(
        "netflix,{id},{PAI},1599,USD,{refunded},{status},{billing_ref},2026-11-17T12:00:00Z,2026-12-01,2026-12-31"
    )
}

/// A ledger in which these claims were loaded, and their PAI is cut over.
async fn with_claims(db: &TestStore, lines: &[String]) -> OtherSystem {
    let other = OtherSystem::of_acme(NOW);
    other.import_accounts(&db.store, &["+12025550101,active,postpaid,,USD,2021-03-14"]).await;
    other.load_sound(&db.store, &pais_csv(&[PAI_LINE]), Some(&charges_csv(lines))).await;
    db.place.run_sql(CUT_OVER).await;
    other
}

async fn post(db: &TestStore, new: NewCharge) -> PostChargeResult {
    db.store.post_charge(fresh_nonce(), NOW, new).await.expect("works")
}

async fn repeat_of_a_claim_gets_its_old_result(db: TestStore) {
    let lines = [claim_line("c-1", "0", "APPROVED", "line-1"), claim_line("c-2", "", "DECLINED", "")];
    with_claims(&db, &lines).await;
    for (id, status) in [("c-1", TransactionStatus::Approved), ("c-2", TransactionStatus::Declined)] {
        let first = post(&db, new_charge(pai_of(PAI), id, 1599)).await;
        let PostChargeResult::Replayed(answer) = &first else { panic!("{first:?}") };
        let response: TransactionResponse = serde_json::from_slice(answer).expect("is a response");
        assert_eq!((response.ext_transaction_id.as_str(), response.status), (id, status));
        assert_eq!(post(&db, new_charge(pai_of(PAI), id, 1599)).await, first, "byte for byte");
        let read = db.store.find_charge_response(partner_id("netflix"), parse_ext_id(id)).await;
        assert_eq!(read, Ok(Some(response)));
    }
    assert!(db.lease_due(600).await.is_empty(), "nothing goes to billing");
    assert_eq!(db.place.count_rows("transactions").await, 2);
}

async fn other_contents_under_the_id_of_a_claim_are_refused(db: TestStore) {
    with_claims(&db, &[claim_line("c-1", "0", "APPROVED", "line-1")]).await;
    let own = db.sign_up_subscriber(9).await.pai;
    for new in [
        new_charge(pai_of(PAI), "c-1", 1598),
        new_charge(own, "c-1", 1599),
        charge_for(pai_of(PAI), "c-1", 1599, "2026-12-01", "2026-12-30"),
        charge_for(pai_of(PAI), "c-1", 1599, "2026-12-02", "2026-12-31"),
    ] {
        assert_eq!(post(&db, new).await, PostChargeResult::Conflict);
    }
}

async fn refund_of_a_claim_goes_to_billing_by_its_own_id_within_what_remains(db: TestStore) {
    with_claims(&db, &[claim_line("c-1", "600", "APPROVED", "line-1")]).await;
    let refund = async |id: &str, amount_minor| {
        let new = new_refund("c-1", id, Some(amount_minor));
        db.store.post_refund(fresh_nonce(), NOW, new).await.expect("works")
    };
    let remaining = usd(999);
    assert_eq!(refund("r-1", 1_000).await, PostRefundResult::NotWithinRemainder { remaining });
    let part = refund("r-2", 400).await;
    let PostRefundResult::Created(part) = part else { panic!("{part:?}") };
    assert_eq!((part.transaction_id.as_str(), part.amount), ("line-1", usd(400)));
    let pending = db.store.find_pending_refund(part.refund_id.clone()).await.expect("works");
    assert_eq!(pending, Some(part), "a repetition goes to the same line");
    let remaining = usd(599);
    assert_eq!(refund("r-3", 600).await, PostRefundResult::NotWithinRemainder { remaining });
    let rest = refund("r-4", 599).await;
    assert!(matches!(rest, PostRefundResult::Created(_)), "{rest:?}");
    let id = LookupIds::External(vec![parse_ext_id("r-4")]);
    let found = db.store.find_refunds_by_id(partner_id("netflix"), id).await.expect("works");
    assert!(matches!(&found[..], [refund] if refund.billed_as == "line-1"), "{found:?}");
}

async fn pending_claim_waits_for_the_result_of_the_other_system(db: TestStore) {
    let other = with_claims(&db, &[claim_line("c-1", "", "PENDING", "")]).await;
    assert_eq!(post(&db, new_charge(pai_of(PAI), "c-1", 1599)).await, PostChargeResult::NotCutOver);
    let refunded = db.store.post_refund(fresh_nonce(), NOW, new_refund("c-1", "r-1", None)).await;
    assert_eq!(refunded, Ok(PostRefundResult::ChargePending));
    let later = charges_csv(&[claim_line("c-1", "0", "APPROVED", "line-1")]);
    let files = other.load_sound(&db.store, &pais_csv(&[PAI_LINE]), Some(&later)).await;
    assert_eq!((files[1].updated, files[1].loaded), (1, 0));
    let posted = post(&db, new_charge(pai_of(PAI), "c-1", 1599)).await;
    assert!(matches!(posted, PostChargeResult::Replayed(_)), "{posted:?}");
    // It is settled now, and stays so.
    let back = charges_csv(&[claim_line("c-1", "", "DECLINED", "")]);
    let (_, complaints) = other.load(&db.store, &[&pais_csv(&[PAI_LINE])], Some(&back)).await;
    assert!(complaints[0].contains("changed: line 2, column ext_transaction_id"), "{complaints:?}");
}

/// What is given back of it from then on is given back here.
async fn settled_claim_stays_once_its_pai_is_on(db: TestStore) {
    let other = with_claims(&db, &[claim_line("c-1", "0", "APPROVED", "line-1")]).await;
    let refunded = charges_csv(&[claim_line("c-1", "600", "APPROVED", "line-1")]);
    let (_, complaints) = other.load(&db.store, &[&pais_csv(&[PAI_LINE])], Some(&refunded)).await;
    let [complaint] = &complaints[..] else { panic!("one is refused: {complaints:?}") };
    assert!(complaint.contains("changed: line 2, column ext_transaction_id"), "{complaint}");
    assert_eq!(db.place.count_rows("transactions WHERE refunded_minor = 0").await, 1);
}

async fn days_of_a_claim_are_not_charged_again_under_another_id(db: TestStore) {
    let lines = [claim_line("c-1", "0", "APPROVED", "line-1")];
    with_claims(&db, &lines).await;
    let again = charge_for(pai_of(PAI), "n-1", 1599, "2026-12-01", "2026-12-31");
    let declined = declined_by(&post(&db, again).await);
    assert_eq!(declined, Some(("mandate".to_owned(), "period-charged".to_owned())));
    let next = charge_for(pai_of(PAI), "n-2", 1599, "2027-01-01", "2027-01-31");
    let next = post(&db, next).await;
    assert!(matches!(next, PostChargeResult::Created(_)), "{next:?}");
}

async fn claim_is_in_no_report_and_counts_against_no_limit(db: TestStore) {
    with_claims(&db, &[claim_line("c-1", "0", "APPROVED", "line-1")]).await;
    assert_eq!(db.place.count_rows("spending").await, 0);
    let period = Period { from: NOW.plus_seconds(-1_000_000), until: NOW.plus_seconds(1_000_000) };
    for dated in [ReportDate::Created, ReportDate::Settled] {
        let filter = ReportFilter { partner: partner_id("netflix"), period, dated, status: None };
        let page = db.store.list_charges(filter, None, 10).await.expect("works");
        assert!(page.lines.is_empty(), "{dated:?}");
    }
    let day = parse_day("2026-11-17");
    db.store.count_day(NOW, DaySpan::of(day, &OperatorTimeZone::default())).await.expect("works");
    assert_eq!(db.store.list_charge_counts(day, day).await, Ok(Vec::new()));
    let id = LookupIds::External(vec![parse_ext_id("c-1")]);
    let found = db.store.find_charges_by_id(partner_id("netflix"), id).await.expect("works");
    assert!(matches!(&found[..], [claim] if claim.is_claim), "{found:?}");
}

/// It has taken none.
async fn refund_of_a_claim_gives_no_room(db: TestStore) {
    with_claims(&db, &[claim_line("c-1", "0", "APPROVED", "line-1")]).await;
    let limits = SpendingLimits { month_minor: Some(2000), ..SpendingLimits::default() };
    let try_charge = async |id: &str, amount_minor: i64, from: &str, to: &str| {
        let new = charge_for(pai_of(PAI), id, amount_minor, from, to);
        post(&db, NewCharge { limits: Some(limits), ..new }).await
    };
    let first = try_charge("n-1", 1500, "2027-01-01", "2027-01-31").await;
    assert!(matches!(first, PostChargeResult::Created(_)), "{first:?}");
    let refund = db.post_new_refund(new_refund("c-1", "r-1", None)).await;
    db.store.answer_refund(NOW, refund, done()).await.expect("works");
    let over = try_charge("n-2", 501, "2027-02-01", "2027-02-28").await;
    assert!(matches!(over, PostChargeResult::Declined(_)), "{over:?}");
    let rest = try_charge("n-3", 500, "2027-02-01", "2027-02-28").await;
    assert!(matches!(rest, PostChargeResult::Created(_)), "{rest:?}");
}

async fn claim_of_a_dark_pai_answers_nothing(db: TestStore) {
    with_claims(&db, &[claim_line("c-1", "0", "APPROVED", "line-1")]).await;
    db.place.run_sql("UPDATE pais SET dark_since = 1795000000, cut_over_at = NULL").await;
    assert_eq!(post(&db, new_charge(pai_of(PAI), "c-1", 1599)).await, PostChargeResult::NotCutOver);
    let refunded = db.store.post_refund(fresh_nonce(), NOW, new_refund("c-1", "r-1", None)).await;
    assert_eq!(refunded, Ok(PostRefundResult::NotCutOver));
    let dispute = DisputeChange {
        dispute_id: "dp-1".to_owned(),
        transaction_id: db.find_charge("c-1").await.transaction_id,
        reference: parse_ext_id("d-1"),
        step: DisputeStep::Open(DisputeReason::Fraud),
    };
    let disputed = db.store.post_dispute(Some(fresh_nonce()), NOW, stamp("T-1"), dispute).await;
    assert_eq!(disputed, Ok(PostDisputeResult::NotCutOver));
    assert!(db.lease_due(600).await.is_empty(), "the partner hears of nothing");
}

async fn claim_never_goes_to_billing(db: TestStore) {
    with_claims(&db, &[claim_line("c-1", "", "PENDING", ""), claim_line("c-2", "0", "APPROVED", "line-2")])
        .await;
    let (pending, settled) = (db.find_charge("c-1").await, db.find_charge("c-2").await);
    let found = db.store.find_pending_charge(pending.transaction_id.clone()).await.expect("works");
    assert_eq!(found, None);
    for target in
        [RedriveTarget::Charge(pending.transaction_id), RedriveTarget::ChargeWebhook(settled.transaction_id)]
    {
        assert_eq!(db.store.redrive(NOW, target).await, Ok(RedriveResult::NotNeeded));
    }
    assert!(db.lease_due(600).await.is_empty());
}

async fn claim_needs_a_loaded_pai_of_its_partner(db: TestStore) {
    let other = with_claims(&db, &[claim_line("c-1", "0", "APPROVED", "line-1")]).await;
    let own = db.sign_up_subscriber(9).await.pai;
    let pais = [
        PAI_LINE.replace("netflix", "tunes"),
        format!("netflix,{own},,,CLOSED,2022-09-28T12:01:05Z,,,,,,,,"),
    ];
    let claims = [
        claim_line("c-2", "0", "APPROVED", "line-2").replace("netflix", "tunes"),
        claim_line("c-3", "0", "APPROVED", "line-3").replace(PAI, own.as_str()),
    ];
    let (_, complaints) = other.load(&db.store, &[&pais_csv(&pais)], Some(&charges_csv(&claims))).await;
    assert_eq!(
        complaints,
        [
            "pais.csv pai-taken: line 2, column pai: is a PAI that onbill issued, or one of another partner",
            "pais.csv pai-taken: line 3, column pai: is a PAI that onbill issued, or one of another partner",
            "charges.csv pai-unknown: line 2, column pai: is not among the PAIs that were loaded",
            "charges.csv pai-unknown: line 3, column pai: is not among the PAIs that were loaded",
        ]
    );
    assert_eq!(db.place.count_rows("transactions").await, 1);
}

/// By its amounts, the older line could be the newer one.
async fn older_file_brings_back_no_older_billing_id(db: TestStore) {
    let other = with_dark_pai(&db).await;
    let pais = pais_csv(&[dark_pais::LINE]);
    let [older, newer] =
        ["line-1", "line-2"].map(|id| charges_csv(&[claim_line("c-1", "0", "APPROVED", id)]));
    for charges in [&older, &newer] {
        other.load_sound(&db.store, &pais, Some(charges)).await;
    }
    let (loaded, complaints) = other.load(&db.store, &[&pais], Some(&older)).await;
    let files = loaded.expect("loads");
    assert_eq!((files[1].updated, files[1].refused), (0, 1), "{complaints:?}");
    assert_eq!(db.place.count_rows("transactions WHERE billing_ref = 'line-2'").await, 1);
}

/// A PAI is not turned off while a refund is under way, so that this takes a ledger that was changed by hand.
async fn pending_refund_stays_beside_those_of_later_files(db: TestStore) {
    let other = with_claims(&db, &[claim_line("c-1", "0", "APPROVED", "line-1")]).await;
    db.post_new_refund(new_refund("c-1", "r-1", Some(100))).await;
    db.place.run_sql("UPDATE pais SET dark_since = 1795000000, cut_over_at = NULL").await;
    let later = charges_csv(&[claim_line("c-1", "200", "APPROVED", "line-1")]);
    other.load_sound(&db.store, &pais_csv(&[PAI_LINE]), Some(&later)).await;
    assert_eq!(db.place.count_rows("transactions WHERE refunded_minor = 300").await, 1);
}
