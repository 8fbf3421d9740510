//! Reads the database after each step, and remembers. Rows stay, agreed values stay as they are,
//! and a settled charge is never settled again. The last violation could happen within a step and
//! leave no trace: the database itself records it.

use super::db_reader::{DbReader, TextRow};
use onbill_test_harness::database::TestDb;
use std::collections::BTreeMap;

/// Columns of a charge that never change.
const AGREED: &str =
    "transaction_id, partner, ext_transaction_id, pai, amount_minor, currency, fingerprint, created_at";
/// Columns of its outcome, which are set once.
const SETTLED: &str = "status, decline_reason, raw_code, settled_at";

#[derive(Clone, Debug, PartialEq, Eq)]
struct SeenCharge {
    agreed: TextRow,
    settled: TextRow,
    answer: Option<String>,
}

/// The charges as they were last read, by our ids.
#[derive(Default)]
pub(in super::super) struct ChargeWatch(BTreeMap<String, SeenCharge>);

impl ChargeWatch {
    pub(in super::super) async fn over(place: &TestDb) -> Self {
        place.run_sql("CREATE TABLE settled_again (id TEXT)").await;
        for (table, id) in [("transactions", "transaction_id"), ("refunds", "refund_id")] {
            place.run_sql(&take_down(place, table, id)).await;
        }
        Self::default()
    }

    /// Reads the charges again, and returns the violations.
    pub(in super::super) async fn look(&mut self, db_reader: &DbReader) -> Vec<String> {
        let sql = format!("SELECT {AGREED}, {SETTLED}, stored_response FROM transactions");
        let mut now = BTreeMap::new();
        for mut row in db_reader.rows(&sql).await {
            let answer = row.pop().flatten();
            let settled = row.split_off(row.len() - SETTLED.split(',').count());
            let id = row[0].clone().expect("has an id");
            now.insert(id, SeenCharge { agreed: row, settled, answer });
        }
        let changes = self.0.iter().filter_map(|(id, before)| {
            let after = now.get(id);
            let stays = after.is_some_and(|after| before.may_become(after));
            (!stays).then(|| format!("{id} was {before:?} and is {after:?}"))
        });
        let mut found: Vec<String> = changes.collect();
        let again = db_reader.rows("SELECT id FROM settled_again").await;
        found.extend(again.iter().map(|row| format!("settled again: {row:?}")));
        self.0 = now;
        found
    }
}

/// The statements that make a database record each write over a final state.
fn take_down(place: &TestDb, table: &str, id: &str) -> String {
    let note = format!("INSERT INTO settled_again VALUES (OLD.{id});");
    match place {
        TestDb::Sqlite(_) => format!(
            "CREATE TRIGGER {table}_again BEFORE UPDATE OF status ON {table} WHEN OLD.status <> 'PENDING'
             BEGIN {note} END"
        ),
        TestDb::Postgres { .. } => format!(
            "CREATE FUNCTION {table}_again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {note} RETURN NEW; END $$;
             CREATE TRIGGER {table}_again BEFORE UPDATE OF status ON {table} FOR EACH ROW
             WHEN (OLD.status <> 'PENDING') EXECUTE FUNCTION {table}_again()"
        ),
    }
}

impl SeenCharge {
    fn may_become(&self, after: &Self) -> bool {
        let is_settled = self.settled[0].as_deref() != Some("PENDING");
        self.agreed == after.agreed
            && (!is_settled || self.settled == after.settled)
            && (self.answer.is_none() || self.answer == after.answer)
    }
}
