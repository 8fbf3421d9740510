//! The watch: looks into the books after each step, and remembers. What is there stays there, what was agreed on stays
//! as it is, and a charge that is settled is never settled again.

use super::eyes::{Eyes, Row};
use std::collections::BTreeMap;

/// What a charge is, for ever.
const AGREED: &str =
    "transaction_id, partner, ext_transaction_id, pai, amount_minor, currency, fingerprint, created_at";
/// What became of it: set once.
const SETTLED: &str = "status, decline_reason, raw_code, settled_at";

#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    agreed: Row,
    settled: Row,
    answer: Option<String>,
}

/// The charges as they were last seen, by our ids.
#[derive(Default)]
pub(in super::super) struct Watch(BTreeMap<String, Seen>);

impl Watch {
    /// Looks again, and tells what should not have changed.
    pub(in super::super) async fn look(&mut self, eyes: &Eyes) -> Vec<String> {
        let sql = format!("SELECT {AGREED}, {SETTLED}, answer FROM transactions");
        let mut now = BTreeMap::new();
        for mut row in eyes.rows(&sql).await {
            let answer = row.pop().flatten();
            let settled = row.split_off(row.len() - SETTLED.split(',').count());
            let id = row[0].clone().expect("has an id");
            now.insert(id, Seen { agreed: row, settled, answer });
        }
        let changes = self.0.iter().filter_map(|(id, before)| {
            let after = now.get(id);
            let stays = after.is_some_and(|after| before.may_become(after));
            (!stays).then(|| format!("{id} was {before:?} and is {after:?}"))
        });
        let changes = changes.collect();
        self.0 = now;
        changes
    }
}

impl Seen {
    fn may_become(&self, after: &Self) -> bool {
        let is_settled = self.settled[0].as_deref() != Some("PENDING");
        self.agreed == after.agreed
            && (!is_settled || self.settled == after.settled)
            && (self.answer.is_none() || self.answer == after.answer)
    }
}
