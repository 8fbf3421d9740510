//! An edge with so many operators, and everything around it.

use crate::caller::Caller;
use crate::origins::{Origins, pai_of};
use crate::store::Store;
use crate::workerd::{Surroundings, Workerd};
use onbill_domain::ids::OperatorId;
use onbill_domain::root_key::{KeyEpoch, RootKey};
use onbill_test_harness::keys::{self, KeyHolder};
use serde_json::{Value, json};

pub(crate) struct FleetSystem {
    pub(crate) edge: Workerd,
    pub(crate) caller: Caller,
    pub(crate) origins: Origins,
    pub(crate) entries: Store,
    pub(crate) store: Store,
    pub(crate) largest_variable: (String, usize),
}

impl FleetSystem {
    /// Starts the edge with this many operators in its store, and the mapping of each one's
    /// subscriber.
    pub(crate) async fn start(operators: usize) -> Self {
        let (entries, store, origins) = (Store::default(), Store::default(), Origins::default());
        for number in 0..operators {
            let id = operator_id(number);
            entries.values().insert(format!("operator/{id}"), entry(number).to_string());
            let mapping = json!({"operator": id, "subscriber": "handle", "state": "ACTIVE", "version": 1});
            store.values().insert(format!("pai/{}", pai_of(number)), mapping.to_string());
        }
        let partners = json!([{"id": "netflix", "name": "Netflix", "url": "https://netflix.example",
            "offers": ["netflix-standard"]}]);
        let variables = [
            ("EDGE_URLS", json!(["https://pay.example"]).to_string()),
            ("PARTNERS", partners.to_string()),
            ("EDGE_ROOT_KEY", keys::edge_root_key()),
            ("PARTNER_KEYS", netflix_keys()),
        ];
        let around = Surroundings {
            store: store.serve().await,
            entries: entries.serve().await,
            origins: origins.serve().await,
        };
        let edge = Workerd::start(&around, &variables);
        let largest = variables.iter().max_by_key(|(_, value)| value.len()).expect("there are some");
        let largest_variable = (largest.0.to_owned(), largest.1.len());
        Self { caller: Caller::new(edge.address), edge, origins, entries, store, largest_variable }
    }
}

pub(crate) fn operator_id(number: usize) -> OperatorId {
    OperatorId::parse(&format!("operator-{number}")).expect("is a slug")
}

/// Every third operator has rotated its keys.
pub(crate) fn epoch_of(number: usize) -> KeyEpoch {
    KeyEpoch::parse(if number.is_multiple_of(3) { "r1.2" } else { "r1.1" }).expect("is an epoch")
}

pub(crate) fn roots() -> [RootKey; 1] {
    [RootKey::parse(&keys::edge_root_key()).expect("is well formed")]
}

pub(crate) fn entry(number: usize) -> Value {
    json!({"id": operator_id(number), "name": format!("Operator {number}"), "country": "US",
        "origin": format!("https://origin-{number}.example"),
        "dashboards": [format!("https://my-{number}.example")], "key_epochs": [epoch_of(number).to_string()]})
}

/// The edge's keys with this one partner.
fn netflix_keys() -> String {
    let ring: Vec<Value> = serde_json::from_str(&keys::keyring_json(&KeyHolder::Edge)).expect("is JSON");
    let netflix: Vec<Value> = ring.into_iter().filter(|key| key["party"] == "partner:netflix").collect();
    json!(netflix).to_string()
}
