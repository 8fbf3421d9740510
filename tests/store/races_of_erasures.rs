//! Erasures among other calls about the same subscriber: each comes before or after, and there is no
//! deadlock.

use crate::audit::stamp;
use crate::erasures::{erase_subscriber, lease_due, post_waiting_charge};
use crate::outcome::done;
use crate::races::at_once;
use crate::test_store::{TestStore, new_charge, new_signup};
use crate::test_values::{NOW, fresh_nonce, parse_ext_id, sealed_number};
use crate::traces::leads_to;
use onbill_domain::pai::PaiState;
use onbill_origin::config::FileColumns;
use onbill_origin::store::{BillingItem, ErasureState, IssueSignupResult, PostChargeResult, Store};
use std::sync::Arc;

on_each_database!(
    sign_ups_and_an_erasure_come_one_after_the_other,
    charges_and_an_erasure_go_on_together,
    files_and_an_erasure_go_on_together,
);

async fn sign_ups_and_an_erasure_come_one_after_the_other(db: TestStore) {
    for n in 1..=6 {
        let before = db.sign_up_subscriber(n).await;
        let calls = at_once(&db, 8, |store, call| async move {
            if call == 3 {
                let name = Some(parse_ext_id(&format!("er-{n}")));
                let erased = store
                    .erase_number(Some(fresh_nonce()), NOW, stamp("E-1"), name, sealed_number(n).index)
                    .await
                    .expect("works");
                assert_eq!(erased, ErasureState::Erased);
                return None;
            }
            match store
                .issue_signup(fresh_nonce(), NOW, new_signup("netflix", n, "2024-01-01"))
                .await
                .expect("works")
            {
                IssueSignupResult::Issued(row) => Some(row.pai),
                IssueSignupResult::AlreadyOnBill | IssueSignupResult::FlowOver => {
                    panic!("nobody has a subscription, or a visit that is over")
                }
            }
        });
        let mut issued: Vec<_> = calls.await.into_iter().flatten().filter(|pai| *pai != before.pai).collect();
        issued.dedup();
        assert!(issued.len() <= 1, "{issued:?}");
        let standing = db.store.find_pai_status(before.pai).await.expect("works").expect("is there");
        assert_eq!(standing.state, PaiState::Closed);
    }
}

/// Whether a charge came before or after: it is decided, and there is no deadlock.
async fn charges_and_an_erasure_go_on_together(db: TestStore) {
    let row = db.sign_up_subscriber(1).await;
    let waits = db.post_new_charge(new_charge(row.pai, "n-waits", 100)).await;
    at_once(&db, 24, |store: Arc<Store>, n| {
        let waits = waits.clone();
        async move {
            match n {
                11 | 17 => {
                    let name = Some(parse_ext_id(&format!("er-{n}")));
                    let erased = store
                        .erase_number(None, NOW, stamp("E-1"), name, sealed_number(1).index)
                        .await
                        .expect("works");
                    // The second one finds nobody any more.
                    assert!(matches!(erased, ErasureState::Erased | ErasureState::NotFound), "{erased:?}");
                }
                5 => _ = store.answer_transaction(NOW, waits, done()).await.expect("works"),
                _ => match store
                    .post_charge(fresh_nonce(), NOW, new_charge(row.pai, &format!("n-{n}"), 100))
                    .await
                {
                    Ok(PostChargeResult::Created(charge)) => {
                        assert!(charge.subscriber.is_some(), "it can be handed off");
                        store.answer_transaction(NOW, charge.transaction_id, done()).await.expect("works");
                    }
                    Ok(PostChargeResult::Declined(_)) => {}
                    other => panic!("{other:?}"),
                },
            }
        }
    })
    .await;
    assert_eq!(erase_subscriber(&db, "er-last", 1).await, ErasureState::NotFound);
    assert!(!leads_to(&db, 1).await);
}

/// A file has all numbers that it needs, or no line of the erased subscriber.
async fn files_and_an_erasure_go_on_together(db: TestStore) {
    for n in 1..=8 {
        let row = db.sign_up_subscriber(n).await;
        post_waiting_charge(&db, row.pai, &format!("n-{n}")).await;
        at_once(&db, 4, |store: Arc<Store>, call| async move {
            if call % 2 == 0 {
                let leased = lease_due(&store).await;
                store
                    .create_billing_file(NOW, format!("f-{n}-{call}"), leased, FileColumns::default())
                    .await
                    .expect("works");
            } else {
                let name = Some(parse_ext_id(&format!("er-{n}-{call}")));
                store
                    .erase_number(None, NOW, stamp("E-1"), name, sealed_number(n).index)
                    .await
                    .expect("works");
            }
        })
        .await;
        for file in db.store.list_unwritten_files().await.expect("works") {
            for line in db.store.list_file_lines(file.file_id).await.expect("works") {
                assert!(matches!(line.bill, BillingItem::Charge(charge) if charge.subscriber.is_some()));
            }
        }
    }
}
