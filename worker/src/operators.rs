//! Finding operators: in the variable `OPERATORS`, or in the store `OPERATORS_KV`, which has an entry
//! for each at `operator/{id}`. What was read is used for a minute.
//!
//! A wrong entry is the fault of the calls that need it, and of no others.

use crate::call::Call;
use crate::config::{KnownOperator, Operator, OperatorCache, Operators, Partner, find_listed};
use crate::fault::{ENTRY_BROKEN, Fault};
use crate::platform::{KvUnavailable, Platform};
use onbill_domain::ids::OperatorId;
use onbill_domain::limits::OPERATORS_MAX;
use onbill_domain::operator_entry::EntryFault;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::kv::{OPERATOR_KEY_PREFIX, operator_key};
use std::slice;
use std::sync::Arc;

/// How long an entry and the list of all are used before they are read again, in seconds. The store
/// itself is up to a minute behind in most cases, so a change is everywhere after about two. Keys are
/// derived when an entry is read: a call that finds it here pays neither.
const FRESH_SECONDS: i64 = 60;
/// How long they are used while the store does not respond, in seconds: for an hour, an outage of
/// the store stops no operator. An operator that has to be stopped at once is stopped at its origin.
pub(crate) const STALE_SECONDS_MAX: i64 = 3600;
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
    /// it to. If that one's entry is not there, or does not name the partner, it was changed a moment
    /// ago, or by mistake: that is not proof of anything.
    pub(crate) async fn operators_to_ask(
        &self,
        partner: &Partner,
        mapped_to: Option<&OperatorId>,
    ) -> Result<Vec<KnownOperator>, Fault> {
        let mut operators = self.operators_of(partner).await?;
        if let (Operators::Stored(cache), Some(id)) = (self.config.operators(), mapped_to)
            && find_listed(&operators, id).is_none()
        {
            operators.push(match self.find_stored(cache, id).await? {
                None => Err(EntryFault::of(id, "there is no entry")),
                Some(Ok(operator)) if !operator.sells(&partner.id) => {
                    Err(EntryFault::of(id, "it does not sell this partner"))
                }
                Some(known) => known,
            });
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
            // A store without any entry is a fault, and this one is no more absent than all others.
            (None, Ok(())) => self.list_ids(cache).await.map(|_| None),
            (known, _) => Ok(known),
        }
    }

    /// All operators of the store. One that is listed and cannot be read, or whose entry is not there,
    /// is a fault and no absence: list and entries are each as old as the store likes.
    async fn list_stored(&self, cache: &OperatorCache) -> Result<Vec<KnownOperator>, Fault> {
        let ids = self.list_ids(cache).await?;
        let fresh = self.seconds_ago(FRESH_SECONDS);
        let missing: Vec<OperatorId> =
            ids.iter().filter(|id| cache.find(id, fresh).is_none()).cloned().collect();
        let mut is_complete = true;
        for some in missing.chunks(KEYS_PER_READ) {
            is_complete &= self.read_entries(cache, some).await.is_ok();
        }
        // What was fresh before the reads is fresh after them, however long they took.
        let oldest = if is_complete { fresh } else { self.seconds_ago(STALE_SECONDS_MAX) };
        let known = ids.iter().map(|id| {
            let unread = || Err(EntryFault::of(id, "the entry cannot be read"));
            cache.find(id, oldest).unwrap_or_else(unread)
        });
        Ok(known.collect())
    }

    /// The ids of all operators of the store. If there is none, the store was lost or is not filled yet:
    /// that is a fault, as an empty variable `OPERATORS` is.
    async fn list_ids(&self, cache: &OperatorCache) -> Result<Vec<OperatorId>, Fault> {
        let ids = match cache.ids(self.seconds_ago(FRESH_SECONDS)) {
            Some(ids) => ids,
            None => self.read_ids(cache).await?,
        };
        if ids.is_empty() {
            self.warn("the store has no operator");
            return Err(Fault::EntriesUnavailable);
        }
        Ok(ids)
    }

    async fn read_ids(&self, cache: &OperatorCache) -> Result<Vec<OperatorId>, Fault> {
        let keys = self.platform.list_settings(OPERATOR_KEY_PREFIX, OPERATORS_MAX).await;
        let keys = match keys {
            Ok(keys) if keys.len() <= OPERATORS_MAX => keys,
            failed => {
                match failed {
                    Ok(_) => self
                        .alarm(ENTRY_BROKEN, &format!("the store has more than {OPERATORS_MAX} operators")),
                    Err(KvUnavailable) => self.warn("the operators cannot be listed"),
                }
                return cache.ids(self.seconds_ago(STALE_SECONDS_MAX)).ok_or(Fault::EntriesUnavailable);
            }
        };
        // A key that is no operator's id has no entry.
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
            let known = value.map(|json| match self.config.read_operator(&json) {
                Ok((operator, _)) if operator.id != *id => {
                    Err(EntryFault::of(id, "id is not that of the key"))
                }
                Ok((operator, unknown)) => {
                    // The entry may be meant for another version, which serves at the same time.
                    if let Some(fault) = unknown {
                        self.alarm_entry(fault);
                    }
                    Ok(operator)
                }
                // Also an entry whose own id cannot be read is that of its key.
                Err(fault) => Err(EntryFault::of(id, fault.what)),
            });
            if let Some(Err(fault)) = &known {
                self.alarm_entry(fault.clone());
            }
            cache.keep(id, known, self.platform.now());
        }
        Ok(())
    }

    fn alarm_entry(&self, fault: EntryFault) {
        self.alarm(ENTRY_BROKEN, &Fault::Entry(fault).to_string());
    }

    fn seconds_ago(&self, seconds: i64) -> Timestamp {
        self.platform.now().plus_seconds(seconds.saturating_neg())
    }
}
