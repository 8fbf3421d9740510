//! Finding operators: in the variable `OPERATORS`, or in the store `OPERATORS_KV`, which has an entry
//! for each at `operator/{id}`. What was read is used for a minute.
//!
//! A wrong entry is the fault of the calls that need it, and of no others.

use crate::call::Call;
use crate::config::{KnownOperator, Operator, OperatorCache, Operators, Partner, find_listed};
use crate::fault::{ENTRY_BROKEN, Fault};
use crate::platform::{KvUnavailable, Platform};
use onbill_domain::ids::OperatorId;
use onbill_domain::operator_entry::EntryFault;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::kv::{OPERATOR_KEY_PREFIX, operator_key};
use std::slice;
use std::sync::Arc;

/// How long an entry and the list of all are used before they are read again, in seconds. The store
/// itself is up to a minute behind in most cases, so a change is everywhere after about two. Keys are
/// derived when an entry is read: a call that finds it here pays neither.
const FRESH_SECONDS: i64 = 60;
/// How long they are used while the store does not respond, in seconds: an outage of the store stops
/// nobody for an hour. An operator that has to be stopped at once is stopped at its origin.
const STALE_SECONDS_MAX: i64 = 3600;
/// What the store reads at once.
const KEYS_PER_READ: usize = 100;

impl<P: Platform> Call<'_, P> {
    /// The operator of this name; `None` when this edge does not serve it.
    pub(crate) async fn find_operator(&self, id: &str) -> Result<Option<Arc<Operator>>, Fault> {
        let Some(id) = OperatorId::parse(id) else { return Ok(None) };
        let known = match self.config.operators() {
            Operators::Listed(listed) => find_listed(listed, &id),
            Operators::Stored(cache) => self.find_stored(cache, &id).await?,
        };
        known.transpose().map_err(Fault::Entry)
    }

    /// The operator of this name, if it sells the partner.
    pub(crate) async fn find_seller(
        &self,
        partner: &Partner,
        id: &OperatorId,
    ) -> Result<Option<Arc<Operator>>, Fault> {
        let operator = self.find_operator(id.as_str()).await?;
        Ok(operator.filter(|operator| operator.sells(&partner.id)))
    }

    /// The operators that sell `partner`. One whose entry is wrong may be one of them.
    pub(crate) async fn operators_of(&self, partner: &Partner) -> Result<Vec<KnownOperator>, Fault> {
        let mut all = match self.config.operators() {
            Operators::Listed(listed) => listed.clone(),
            Operators::Stored(cache) => self.list_stored(cache).await?,
        };
        all.retain(|known| known.as_ref().map_or(true, |operator| operator.sells(&partner.id)));
        Ok(all)
    }

    /// The operators to ask for something of this partner's: all that sell it, and the one that KV maps
    /// it to, if its entry is not there. It was written or removed a moment ago, or by mistake: that is
    /// not proof of anything.
    pub(crate) async fn operators_to_ask(
        &self,
        partner: &Partner,
        mapped_to: Option<&OperatorId>,
    ) -> Result<Vec<KnownOperator>, Fault> {
        let mut operators = self.operators_of(partner).await?;
        if let (Operators::Stored(_), Some(id)) = (self.config.operators(), mapped_to)
            && self.find_operator(id.as_str()).await?.is_none()
        {
            operators.push(Err(EntryFault::of(id, "there is no entry")));
        }
        Ok(operators)
    }

    async fn find_stored(
        &self,
        cache: &OperatorCache,
        id: &OperatorId,
    ) -> Result<Option<KnownOperator>, Fault> {
        if let Some(known) = cache.find(id, self.seconds_ago(FRESH_SECONDS)) {
            return Ok(Some(known));
        }
        let read = self.read_entries(cache, slice::from_ref(id)).await;
        let oldest = self.seconds_ago(if read.is_ok() { FRESH_SECONDS } else { STALE_SECONDS_MAX });
        match (cache.find(id, oldest), read) {
            (None, Err(KvUnavailable)) => Err(Fault::EntriesUnavailable),
            (known, _) => Ok(known),
        }
    }

    async fn list_stored(&self, cache: &OperatorCache) -> Result<Vec<KnownOperator>, Fault> {
        let ids = self.list_ids(cache).await?;
        let fresh = self.seconds_ago(FRESH_SECONDS);
        let missing: Vec<OperatorId> =
            ids.iter().filter(|id| cache.find(id, fresh).is_none()).cloned().collect();
        let mut is_complete = true;
        for some in missing.chunks(KEYS_PER_READ) {
            is_complete &= self.read_entries(cache, some).await.is_ok();
        }
        let oldest = self.seconds_ago(if is_complete { FRESH_SECONDS } else { STALE_SECONDS_MAX });
        let known = ids.iter().filter_map(|id| match cache.find(id, oldest) {
            None if is_complete => None,
            None => Some(Err(EntryFault::of(id, "the entry cannot be read"))),
            known => known,
        });
        Ok(known.collect())
    }

    async fn list_ids(&self, cache: &OperatorCache) -> Result<Vec<OperatorId>, Fault> {
        if let Some(ids) = cache.ids(self.seconds_ago(FRESH_SECONDS)) {
            return Ok(ids);
        }
        let Ok(keys) = self.platform.list_settings(OPERATOR_KEY_PREFIX).await else {
            self.warn("the operators cannot be listed");
            return cache.ids(self.seconds_ago(STALE_SECONDS_MAX)).ok_or(Fault::EntriesUnavailable);
        };
        // A key that no operator can have is nobody's entry.
        let ids = keys.iter().filter_map(|key| OperatorId::parse(key.strip_prefix(OPERATOR_KEY_PREFIX)?));
        let ids: Vec<OperatorId> = ids.collect();
        cache.keep_ids(ids.clone(), self.platform.now());
        Ok(ids)
    }

    async fn read_entries(&self, cache: &OperatorCache, ids: &[OperatorId]) -> Result<(), KvUnavailable> {
        let keys: Vec<String> = ids.iter().map(operator_key).collect();
        let values = self.platform.read_settings(&keys).await;
        let values = values.inspect_err(|_| self.warn("an operator's entry cannot be read"))?;
        for (id, value) in ids.iter().zip(values) {
            let known = value.map(|json| self.config.read_operator(&json)).map(|known| match known {
                Ok(operator) if operator.id != *id => Err(EntryFault::of(id, "id is not that of the key")),
                // Also an entry whose own id cannot be read is that of its key.
                Err(fault) => Err(EntryFault::of(id, fault.what)),
                known => known,
            });
            if let Some(Err(fault)) = &known {
                self.alarm(ENTRY_BROKEN, &Fault::Entry(fault.clone()).to_string());
            }
            cache.keep(id, known, self.platform.now());
        }
        Ok(())
    }

    fn seconds_ago(&self, seconds: i64) -> Timestamp {
        self.platform.now().plus_seconds(seconds.saturating_neg())
    }
}
