//! The edge: the real one, with a store that is up to an hour stale, and direct reads of what it
//! keeps.

use crate::seed_campaign::OutcomeTally;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Request, Response};
use onbill_domain::ids::OperatorId;
use onbill_domain::key::{KeyUse, Keyring};
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::signature::sign_request;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::kv::PaiMapping;
use onbill_domain::wire::origin::{PAI_MAPPING_PATH, PaiMappingRequest};
use onbill_edge::fake::{FakePlatform, KvFault};
use onbill_edge::{Config, handle};
use onbill_origin::config::AccountSource;
use onbill_test_harness::{EDGE, KeyHolder, ManualClock, edge_config, keys, origin_config_with};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The parts of a deployment that are the same in every lifecycle.
pub(super) struct EdgeDeployment {
    config: Config,
    keys: [(&'static str, Keyring); 2],
}

impl EdgeDeployment {
    pub(super) fn new() -> Self {
        let operators = ["acme", "nova"].map(|id| {
            let config = origin_config_with(id, AccountSource::Table);
            json!({"id": id, "name": config.name, "country": config.country, "dashboards": config.dashboards,
                   "origin": format!("http://{}", config.listen), "key_epochs": [keys::KEY_EPOCH]})
        });
        let config = edge_config(&json!(operators));
        let keys = ["acme", "nova"].map(|id| (id, keys::keyring(&KeyHolder::Origin(id))));
        Self { config, keys }
    }

    /// An origin's signed report of a PAI's state.
    pub(super) fn word(
        &self,
        operator: &str,
        (pai, handle, state, version): (Pai, String, PaiState, u64),
        now: Timestamp,
        nonce: &str,
    ) -> Request<Bytes> {
        let id = OperatorId::parse(operator).expect("is a slug");
        let mapping = PaiMapping { operator: id, subscriber: handle, state, version };
        let body = serde_json::to_vec(&PaiMappingRequest { pai, mapping }).expect("is JSON");
        let request = Request::post(format!("http://{EDGE}{PAI_MAPPING_PATH}"))
            .header("content-type", "application/json");
        let mut request = request.body(Bytes::from(body)).expect("is a request");
        let (_, keys) = self.keys.iter().find(|(id, _)| *id == operator).expect("is one of both");
        let key = keys.signing_key(KeyUse::OriginToEdge, format!("operator:{operator}")).expect("is there");
        sign_request(&mut request, key, now, nonce).expect("signs");
        request
    }
}

pub(super) struct StaleEdge {
    deployment: Arc<EdgeDeployment>,
    platform: FakePlatform,
    seen: Mutex<StoreStaleness>,
}

#[derive(Default)]
struct StoreStaleness {
    behind_seconds: i64,
    /// PAIs with an older state written over a newer one, because of a stale read: no rule can
    /// detect that.
    overtaken: BTreeSet<Pai>,
}

impl StaleEdge {
    pub(super) fn new(deployment: Arc<EdgeDeployment>, clock: &ManualClock) -> Self {
        let platform = FakePlatform::new(Arc::clone(&clock.0), 1);
        Self { deployment, platform, seen: Mutex::default() }
    }

    /// From now on its store shows what was there `seconds` ago.
    pub(super) fn age(&self, seconds: i64) {
        self.lock_staleness().behind_seconds = seconds;
        self.platform.kv_fail((seconds > 0).then_some(KvFault::Behind(seconds)));
    }

    fn lock_staleness(&self) -> std::sync::MutexGuard<'_, StoreStaleness> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What its store really has.
    pub(super) fn kept(&self, pai: Pai) -> Option<PaiMapping> {
        serde_json::from_str(&self.platform.kv_value(&format!("pai/{pai}"))?).ok()
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.lock_staleness().behind_seconds == 0
    }

    pub(super) fn is_overtaken(&self, pai: Pai) -> bool {
        self.lock_staleness().overtaken.contains(&pai)
    }

    /// Takes a call; also returns what is wrong with what is stored from then on.
    pub(super) fn take(
        &self,
        request: Request<Bytes>,
        tally: &mut OutcomeTally,
    ) -> (Response<Bytes>, Option<String>) {
        let PaiMappingRequest { pai, mapping } = super::operator::parse_body(&request);
        let before = self.kept(pai);
        let answer = handle(&self.platform, &self.deployment.config, request);
        let answer = answer.now_or_never().expect("nobody is waited for");
        let after = self.kept(pai);
        let mut seen = self.lock_staleness();
        if before == after {
            if answer.status().is_success()
                && before.as_ref().is_some_and(|before| before.version > mapping.version)
            {
                tally.count("old words kept out");
            }
            return (answer, None);
        }
        let (Some(before), Some(after)) = (before, after) else { return (answer, None) };
        let is_old = before.operator != after.operator
            || before.version > after.version
            || before.state == PaiState::Closed && after.state != PaiState::Closed;
        if !is_old {
            seen.overtaken.remove(&pai);
            return (answer, None);
        }
        if seen.behind_seconds > 0 {
            tally.count("old words let in by a stale read");
            seen.overtaken.insert(pai);
            return (answer, None);
        }
        (answer, Some(format!("the edge had {before:?} and has {after:?}")))
    }
}
