//! The operators as an isolate knows them: all at once from the variable `OPERATORS`, or one by one
//! from the store `OPERATORS_KV`, where they are kept for a while. Reading the store is in
//! `operators.rs`, and reading an entry in `read_operator.rs`.

use onbill_domain::coupon_code::CouponTag;
use onbill_domain::ids::{FontId, LogoId, OperatorId, PartnerId};
use onbill_domain::key::{Keyring, Party};
use onbill_domain::limits::OPERATORS_MAX;
use onbill_domain::operator_entry::EntryFault;
use onbill_domain::timestamp::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An operator that this edge serves.
#[derive(Clone, Debug)]
pub struct Operator {
    /// The name in URLs and tokens.
    pub id: OperatorId,
    /// The name that customers know.
    pub name: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// The URL of its origin service: scheme, host and port, without a path.
    pub origin: String,
    /// The site origins of its pages: they alone may frame the widget and be returned to.
    pub dashboards: Vec<String>,
    /// The tag of its coupon codes, if it sells coupons.
    pub coupons: Option<CouponTag>,
    /// Its logo in the widget, if there is one.
    pub logo: Option<LogoId>,
    /// Its font in the widget, if the edge has one.
    pub font: Option<FontId>,
    /// The partners that it sells; all of them when `None`.
    pub(super) partners: Option<Vec<PartnerId>>,
    /// What the edge shares with its origin, and with no other party.
    pub(super) keys: Keyring,
}

/// What an entry is: an operator, or a mistake that stops that operator's calls and no others.
pub(crate) type KnownOperator = Result<Arc<Operator>, EntryFault>;

impl Operator {
    /// Whether this operator sells `partner`. A partner never learns of operators that do not.
    pub fn sells(&self, partner: &PartnerId) -> bool {
        self.partners.as_ref().is_none_or(|listed| listed.contains(partner))
    }

    /// Its name in the key ring.
    pub(crate) fn key_party(&self) -> Party {
        Party::operator(&self.id)
    }

    /// What the edge shares with its origin.
    pub fn keys(&self) -> &Keyring {
        &self.keys
    }
}

/// All operators of a deployment.
#[derive(Debug)]
pub(crate) enum Operators {
    /// They are in the variable, in this order.
    Listed(Vec<KnownOperator>),
    /// They are in the store.
    Stored(OperatorCache),
}

impl Operators {
    /// Whether there is certainly one operator only. The store would have to be asked, and is for many.
    pub(crate) fn is_one(&self) -> bool {
        matches!(self, Self::Listed(listed) if listed.len() == 1)
    }

    /// How many entries are known to be wrong: of the store, those that were read at `oldest` or later.
    /// One that was not asked for since may be gone.
    pub(crate) fn broken_count(&self, oldest: Timestamp) -> usize {
        match self {
            Self::Listed(listed) => listed.iter().filter(|known| known.is_err()).count(),
            Self::Stored(cache) => {
                let kept = cache.lock();
                let of_late = kept.entries.values().filter(|entry| entry.read_at >= oldest);
                of_late.filter(|entry| entry.known.is_err()).count()
            }
        }
    }
}

/// Finds an operator among those of the variable.
pub(crate) fn find_listed(listed: &[KnownOperator], id: &OperatorId) -> Option<KnownOperator> {
    let is_of = |known: &&KnownOperator| match known {
        Ok(operator) => operator.id == *id,
        Err(fault) => fault.operator.as_ref() == Some(id),
    };
    listed.iter().find(is_of).cloned()
}

/// Entries that were read from the store, at most [`OPERATORS_MAX`], each with its time.
#[derive(Debug, Default)]
pub(crate) struct OperatorCache(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    entries: BTreeMap<OperatorId, KeptEntry>,
    ids: Option<(Timestamp, Vec<OperatorId>)>,
}

#[derive(Debug)]
struct KeptEntry {
    read_at: Timestamp,
    known: KnownOperator,
}

impl OperatorCache {
    /// The entry, if it was read at `oldest` or later.
    pub(crate) fn find(&self, id: &OperatorId, oldest: Timestamp) -> Option<KnownOperator> {
        let kept = self.lock();
        kept.entries.get(id).filter(|entry| entry.read_at >= oldest).map(|entry| entry.known.clone())
    }

    /// Keeps what was read; `None` when the store has no such entry.
    pub(crate) fn keep(&self, id: &OperatorId, known: Option<KnownOperator>, read_at: Timestamp) {
        let mut kept = self.lock();
        let Some(known) = known else {
            kept.entries.remove(id);
            return;
        };
        if kept.entries.len() >= OPERATORS_MAX && !kept.entries.contains_key(id) {
            let oldest = kept.entries.iter().min_by_key(|(_, entry)| entry.read_at);
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                kept.entries.remove(&oldest);
            }
        }
        kept.entries.insert(id.clone(), KeptEntry { read_at, known });
    }

    /// The ids of all operators, if they were listed at `oldest` or later.
    pub(crate) fn ids(&self, oldest: Timestamp) -> Option<Vec<OperatorId>> {
        let kept = self.lock();
        kept.ids.as_ref().filter(|(listed_at, _)| *listed_at >= oldest).map(|(_, ids)| ids.clone())
    }

    pub(crate) fn keep_ids(&self, ids: Vec<OperatorId>, listed_at: Timestamp) {
        self.lock().ids = Some((listed_at, ids));
    }

    /// Takes a lock that another call's panic cannot poison.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
