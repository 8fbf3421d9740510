//! The groups of an origin, one for each kind of use case. A noun brings its kind: this module knows none.

use super::group::{Grouped, Groups};
use super::pool::Pool;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Those of each kind that wait. A kind is there from its first use case on.
#[derive(Clone)]
pub(in crate::store) struct GroupsByKind {
    pool: Pool,
    groups: Arc<RwLock<HashMap<TypeId, Box<dyn Any + Send + Sync>>>>,
}

impl GroupsByKind {
    pub(in crate::store) fn new(pool: Pool) -> Self {
        Self { pool, groups: Arc::default() }
    }

    /// The groups of this kind, which all callers share.
    pub(in crate::store) fn of<Member: Grouped>(&self) -> Groups<Member> {
        let kind = TypeId::of::<Groups<Member>>();
        let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = groups.get(&kind).and_then(|groups| groups.downcast_ref::<Groups<Member>>()) {
            return found.clone();
        }
        drop(groups);
        let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        let made = groups.entry(kind).or_insert_with(|| Box::new(Groups::<Member>::new(self.pool.clone())));
        let made = made.downcast_ref::<Groups<Member>>();
        made.expect("each kind is kept under its own type").clone()
    }
}
