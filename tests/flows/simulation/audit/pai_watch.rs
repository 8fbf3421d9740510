//! PAIs: each belongs to one subscriber, each change is a version, and closed is permanent; in the
//! end partner and edge know the state of each.

use super::db_reader::{DbReader, TextRow};
use super::{to_number, to_text};
use crate::simulation::run::SimulationRun;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The state of a PAI in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
struct StoredPai {
    subscriber: String,
    state: String,
    reason: Option<String>,
    version: i64,
}

/// The PAIs as they were last read.
#[derive(Default)]
pub(in super::super) struct PaiWatch(BTreeMap<String, StoredPai>);

impl PaiWatch {
    /// Reads the PAIs again, and returns the violations.
    pub(in super::super) async fn look(&mut self, db_reader: &DbReader) -> Vec<String> {
        let standing = |row: TextRow| {
            let [pai, subscriber, state, reason, version] = row.try_into().expect("has these columns");
            let (subscriber, state, version) = (to_text(subscriber), to_text(state), to_number(version));
            (to_text(pai), StoredPai { subscriber, state, reason, version })
        };
        let rows = db_reader.rows("SELECT pai, subscriber_id, state, closed_reason, version FROM pais").await;
        let now: BTreeMap<String, StoredPai> = rows.into_iter().map(standing).collect();
        let changes = self.0.iter().filter_map(|(pai, before)| {
            let after = now.get(pai);
            let stays = after.is_some_and(|after| before.may_become(after));
            (!stays).then(|| format!("{pai} was {before:?} and is {after:?}"))
        });
        let found = changes.collect();
        self.0 = now;
        found
    }

    pub(in super::super) fn is_closed(&self, pai: &str) -> bool {
        self.0.get(pai).is_some_and(|standing| standing.state == "CLOSED")
    }

    pub(in super::super) fn closed(&self) -> BTreeSet<String> {
        self.0.keys().filter(|pai| self.is_closed(pai)).cloned().collect()
    }

    pub(in super::super) fn is_active(&self, pai: &str) -> bool {
        self.0.get(pai).is_some_and(|standing| standing.state == "ACTIVE")
    }
}

impl StoredPai {
    fn may_become(&self, after: &Self) -> bool {
        let is_same = (&self.state, &self.reason) == (&after.state, &after.reason);
        self.subscriber == after.subscriber
            && if is_same { self.version <= after.version } else { self.version < after.version }
            && (self.state != "CLOSED" || self == after)
    }
}

/// What partner and edge know in the end. A store with stale reads may have let an older state in.
pub(super) async fn check_pai_states(run: &SimulationRun, found: &mut Vec<String>) {
    let sql = "SELECT DISTINCT pai FROM partner_subscriptions";
    let subscribed: Vec<String> =
        run.rows(sql).await.into_iter().map(|row| to_text(row[0].clone())).collect();
    let accounts = run.system.partner_accounts().await;
    let accounts = accounts["accounts"].as_array().cloned().unwrap_or_default();
    for (pai, standing) in &run.standings.0 {
        let account = accounts.iter().find(|account| account["pays"]["pai"] == pai.as_str());
        let reported = account.map_or(Value::Null, |account| account["pays"]["reported"].clone());
        let has_to_hear = account.is_some() && standing.state != "ACTIVE" && subscribed.contains(pai);
        let is_reported =
            reported["state"] == standing.state.as_str() && reported["sequence"] == standing.version;
        if !is_reported && (has_to_hear || !reported.is_null()) {
            found.push(format!("{pai} is {standing:?}, and the partner knows {reported}"));
        }
        let Some(kept) = run.system.edge.kv_value(&format!("pai/{pai}")) else { continue };
        let kept: Value = serde_json::from_str(&kept).expect("is JSON");
        let is_kept = kept["state"] == standing.state.as_str() && kept["version"] == standing.version;
        if !is_kept && !run.is_stale {
            found.push(format!("{pai} is {standing:?}, and the edge has {kept}"));
        }
    }
}
