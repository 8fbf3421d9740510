//! What the ledger has of each PAI, for a comparison with others, and its being sent again.

use crate::test_store::{TestStore, new_charge, new_pai};
use crate::test_values::{NOW, fresh_nonce, parse_day, partner_id, sealed_number, usd};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::ExtId;
use onbill_domain::pai::PaiState;
use onbill_domain::wire::audit::{ActorRole, AuditAct};
use onbill_domain::wire::subscription::SubscriptionStatus;
use onbill_origin::store::{AuditStamp, ClosePaiResult, Cursor};

on_each_database!(
    pais_are_listed_with_their_live_subscriptions,
    state_is_sent_again_with_an_entry_in_the_audit_and_nothing_else,
    subscription_without_a_charge_is_counted,
    charges_that_do_not_fit_are_found,
);

const DAY: i64 = 86_400;

async fn pais_are_listed_with_their_live_subscriptions(db: TestStore) {
    let subscribed = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let ended = db.sign_up_and_subscribe(2, "ps-2", "s-2").await;
    db.change_subscription("netflix", "ps-2", SubscriptionStatus::Cancelled).await;
    let issued = db.store.issue_pai(Some(fresh_nonce()), NOW, new_pai("netflix", 3, "2024-01-01")).await;
    let closed = issued.expect("works").expect("is issued").pai;
    let end = db.store.close_pai(NOW, partner_id("netflix"), closed, DeclineReason::AccountClosed).await;
    assert_eq!(end, Ok(ClosePaiResult::Closed));
    db.store
        .issue_pai(Some(fresh_nonce()), NOW, new_pai("tunes", 1, "2024-01-01"))
        .await
        .expect("works")
        .expect("is issued");
    let (mut links, mut after) = (Vec::new(), None);
    loop {
        let page = db.store.list_links(partner_id("netflix"), parse_day("2026-11-18"), after, 2).await;
        let page = page.expect("works");
        let Some(last) = page.last() else { break };
        after = Some(last.pai);
        links.extend(page);
    }
    assert_eq!(links.len(), 3, "of this partner");
    assert!(links.is_sorted_by_key(|link| link.pai.to_string()));
    let of = |pai| links.iter().find(|link| link.pai == pai).expect("is there");
    let link = of(subscribed);
    let subscription = link.subscription.as_ref().expect("is live");
    assert_eq!((subscription.ext_subscription_id.as_str(), subscription.plan.as_str()), ("s-1", "standard"));
    assert_eq!(subscription.price, Some(usd(1599)));
    assert_eq!(link.subscriber, Some((sealed_number(1).index, "2024-01-01".to_owned())));
    assert!(link.is_live() && !link.is_dark);
    assert!(of(ended).subscription.is_none() && !of(ended).is_live());
    assert_eq!((of(closed).state, of(closed).is_live()), (PaiState::Closed, false));
}

async fn state_is_sent_again_with_an_entry_in_the_audit_and_nothing_else(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    db.place.run_sql("DELETE FROM outbox").await;
    let before = db.store.find_pai_status(pai).await.expect("works");
    let stamp = AuditStamp {
        key: "cli".to_owned(),
        actor: ExtId::parse("engineer-1").expect("is an id"),
        role: ActorRole::Admin,
        reference: None,
    };
    let send = async |partner: &str| {
        let partner = partner_id(partner);
        db.store.send_pai_state_again(NOW, stamp.clone(), partner, pai, "correlation").await
    };
    assert_eq!(send("tunes").await, Ok(false), "another partner's");
    for _ in 0..2 {
        assert_eq!(send("netflix").await, Ok(true));
    }
    let jobs: Vec<_> = db.lease_due(0).await.iter().map(|leased| leased.job.kind().as_str()).collect();
    assert_eq!(jobs, ["pai-mapping", "pai-notice"]);
    assert_eq!(db.store.find_pai_status(pai).await, Ok(before));
    let lines = db.store.list_audit_lines(0, 10).await.expect("works");
    let acts: Vec<_> = lines.iter().map(|line| (line.act, line.subject.as_deref())).collect();
    let name = pai.to_string();
    assert_eq!(acts, [(AuditAct::StateSentAgain, Some(&*name)); 2]);
    db.place.run_sql("UPDATE pais SET dark_since = 1795000000, dark_version = version").await;
    assert_eq!(send("netflix").await, Ok(false), "another system reports it");
    assert_eq!(db.place.count_rows("audit").await, 2);
}

async fn subscription_without_a_charge_is_counted(db: TestStore) {
    let netflix = || partner_id("netflix");
    let charged = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    db.sign_up_and_subscribe(2, "ps-2", "s-2").await;
    db.sign_up_and_subscribe(3, "ps-3", "s-3").await;
    db.change_subscription("netflix", "ps-3", SubscriptionStatus::Suspended).await;
    let count = async |since: i64| {
        let (mut after, mut uncharged) = (None, 0);
        while let Some((last, counts)) =
            db.store.count_uncharged(NOW.plus_seconds(since), after, 2).await.expect("works")
        {
            after = Some(last);
            uncharged += counts
                .iter()
                .filter(|(partner, _)| *partner == netflix())
                .map(|(_, count)| count)
                .sum::<u64>();
        }
        uncharged
    };
    assert_eq!(count(0).await, 0, "they are new");
    assert_eq!(count(DAY).await, 2, "the partner has suspended the third");
    db.post_approved_charge(charged, "n-1", 1599).await;
    assert_eq!(count(DAY).await, 1, "the day is paid for");
    assert_eq!(count(60 * DAY).await, 2, "it was charged before, for days that are over");
    db.place.run_sql("UPDATE transactions SET period_to = '2027-11-30'").await;
    assert_eq!(count(60 * DAY).await, 1, "it was charged for a year");
    db.place
        .run_sql("UPDATE transactions SET period_to = '2026-12-31', created_at = created_at + 61 * 86400")
        .await;
    assert_eq!(count(60 * DAY).await, 1, "it was charged since");
}

async fn charges_that_do_not_fit_are_found(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let issued = db.store.issue_pai(Some(fresh_nonce()), NOW, new_pai("netflix", 2, "2024-01-01")).await;
    let unsubscribed = issued.expect("works").expect("is issued").pai;
    db.post_approved_charge(pai, "n-1", 100).await;
    db.post_approved_charge(unsubscribed, "n-2", 100).await;
    let end = db.store.close_pai(NOW, partner_id("netflix"), pai, DeclineReason::AccountClosed).await;
    assert_eq!(end, Ok(ClosePaiResult::Closed));
    for (id, at) in [("n-3", DAY / 2), ("n-4", 2 * DAY)] {
        let posted =
            db.store.post_charge(fresh_nonce(), NOW.plus_seconds(at), new_charge(pai, id, 100)).await;
        posted.expect("works");
    }
    let (mut found, mut after) = (Vec::new(), Cursor { at: NOW.plus_seconds(-1), id: String::new() });
    loop {
        let until = NOW.plus_seconds(3 * DAY);
        let page = db.store.list_unfitting_charges(partner_id("netflix"), until, after.clone(), 2).await;
        let page = page.expect("works");
        found.extend(page.lines);
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(found.len(), 4);
    let count = |is_one: fn(&onbill_origin::store::UnfittingCharge) -> bool| {
        found.iter().filter(|charge| is_one(charge)).count()
    };
    assert_eq!(count(|charge| charge.is_without_subscription), 1, "declined ones need none");
    assert_eq!(count(|charge| charge.is_after_closing), 1, "a day later");
    let until_now =
        db.store.list_unfitting_charges(partner_id("netflix"), NOW, Cursor { at: NOW, id: String::new() }, 9);
    assert_eq!(until_now.await.expect("works").lines, []);
}
