//! Sealed values: each is found, and is sealed again only if it has not changed since it was read.

use crate::outcome::later;
use crate::test_store::{TestStore, new_charge, new_flow};
use crate::test_values::{NOW, fresh_nonce, parse_ext_id, sealed_number};
use onbill_domain::account_event::AccountEvent::NumberChanged;
use onbill_origin::config::FileColumns;
use onbill_origin::store::{
    BillingItem, NewAccountEvent, Queue, SealedAt, SealedColumn, SealedColumn::*, SealedValue,
    SealedValueUpdate,
};
use onbill_test_harness::database::TestDb;
use std::collections::BTreeSet;

on_each_database!(
    every_sealed_value_is_found_in_pages,
    only_what_was_read_is_replaced,
    no_sealed_column_is_forgotten,
    origins_say_what_they_seal_with,
);

async fn find_sealed(db: &TestStore, column: SealedColumn) -> Vec<SealedValue> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = db.store.list_sealed_values(column, after, 2).await.expect("works");
        let Some(last) = page.last() else { return all };
        assert!(page.len() <= 2);
        after = Some(last.at.clone());
        all.extend(page);
    }
}

/// Five subscribers, one of whom has moved to another number since a file was made; three flows,
/// two of them with a message.
async fn fill_sealed_columns(db: &TestStore) {
    for n in 1..=5 {
        let row = db.sign_up_subscriber(n).await;
        let id = db.post_new_charge(new_charge(row.pai, &format!("n-{n}"), 100)).await;
        db.store.answer_transaction(NOW, id, later(0)).await.expect("works");
    }
    let leased = db.store.lease_due(Queue::Billing, NOW, NOW.plus_seconds(60), 16).await.expect("works");
    assert_eq!(
        db.store.create_billing_file(NOW, "f-1".into(), leased, FileColumns::default()).await.expect("works"),
        5
    );
    for (n, to) in [(1, 11), (2, 12), (3, 13)] {
        let moved = NewAccountEvent {
            event_id: parse_ext_id(&format!("e-{n}")),
            fingerprint: [n; 32],
            event: NumberChanged,
            number: sealed_number(n).index,
            new_number: Some(sealed_number(to)),
            occurred_at: NOW,
        };
        db.store.record_account_event(Some(fresh_nonce()), NOW, moved).await.expect("works");
    }
    for (n, pin) in [(21, None), (22, Some([1; 32])), (23, Some([2; 32]))] {
        db.store.start_flow(fresh_nonce(), NOW, new_flow(n, pin)).await.expect("works");
    }
}

async fn every_sealed_value_is_found_in_pages(db: TestStore) {
    fill_sealed_columns(&db).await;
    let sealed = |values: Vec<SealedValue>| -> BTreeSet<u8> {
        values.into_iter().map(|value| value.sealed[0]).collect()
    };
    for (column, expected) in [
        (Subscribers, BTreeSet::from([4, 5, 11, 12, 13])),
        (Flows, BTreeSet::from([21, 22, 23])),
        (FileLines, BTreeSet::from([1, 2, 3])),
        (Messages, BTreeSet::from([22, 23])),
    ] {
        let values = find_sealed(&db, column).await;
        assert_eq!(values.len(), expected.len(), "{column:?}: each once");
        assert_eq!(sealed(values), expected, "{column:?}");
    }
    // Those of a file that was written are gone.
    db.store.mark_file_written(NOW, "f-1".into(), [1; 32]).await.expect("works");
    assert_eq!(find_sealed(&db, FileLines).await, []);
}

async fn only_what_was_read_is_replaced(db: TestStore) {
    fill_sealed_columns(&db).await;
    for column in SealedColumn::ALL {
        let before = find_sealed(&db, column).await;
        let anew = |at: usize, new: u8| SealedValueUpdate { old: before[at].clone(), new: vec![new; 50] };
        assert_eq!(
            db.store.replace_sealed_values(vec![anew(0, 0xa0)]).await.expect("works"),
            1,
            "{column:?}"
        );
        // The first has changed, the other has not.
        let values = vec![anew(0, 0xa1), anew(1, 0xa2)];
        assert_eq!(db.store.replace_sealed_values(values).await.expect("works"), 1, "{column:?}");
        let after = find_sealed(&db, column).await;
        assert_eq!((after[0].sealed[0], after[1].sealed[0]), (0xa0, 0xa2), "{column:?}");
        assert_eq!(after[2..], before[2..], "{column:?}");
    }
    let lines = db.store.list_file_lines("f-1".into()).await.expect("works");
    let filed = |line: &onbill_origin::store::BillingFileLine| match &line.bill {
        BillingItem::Charge(charge) => {
            charge.subscriber.as_ref().map(|subscriber| subscriber.number.sealed[0])
        }
        BillingItem::Refund(_) => None,
    };
    assert!(lines.iter().filter_map(filed).filter(|byte| [0xa0, 0xa2].contains(byte)).count() >= 2);
}

/// A new column with sealed values must be added to those that are sealed again.
async fn no_sealed_column_is_forgotten(db: TestStore) {
    let columns: BTreeSet<String> = match &db.place {
        TestDb::Sqlite(path) => {
            let db = rusqlite::Connection::open(path).expect("opens");
            let sql = "SELECT t.name || '.' || c.name FROM sqlite_master t, pragma_table_info(t.name) c
                WHERE t.type = 'table' AND (c.name LIKE '%sealed%' OR c.name = 'payload')";
            let mut select = db.prepare(sql).expect("is SQL");
            let rows = select.query_map([], |row| row.get(0)).expect("reads");
            rows.collect::<Result<_, _>>().expect("reads")
        }
        TestDb::Postgres { url, schema } => {
            let (client, connection) =
                tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("connects");
            tokio::spawn(connection);
            let sql = "SELECT table_name || '.' || column_name FROM information_schema.columns
                WHERE table_schema = $1 AND (column_name LIKE '%sealed%' OR column_name = 'payload')";
            client.query(sql, &[schema]).await.expect("reads").iter().map(|row| row.get(0)).collect()
        }
    };
    let known = SealedColumn::ALL.map(|column| column.as_str().to_owned());
    assert_eq!(columns, known.into());
}

async fn origins_say_what_they_seal_with(db: TestStore) {
    assert_eq!(db.store.find_sealing_key().await.expect("works"), None);
    for key in ["first", "second"] {
        db.store.note_sealing_key(key.to_owned()).await.expect("works");
        assert_eq!(db.store.find_sealing_key().await.expect("works").as_deref(), Some(key));
    }
    assert_eq!(db.store.list_sealed_values(Subscribers, None::<SealedAt>, 1).await.expect("works"), []);
}
