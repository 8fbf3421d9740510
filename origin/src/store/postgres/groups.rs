//! The groups of an origin, one for each kind of use case that runs in them. This is the one file of the
//! folder that names what a noun brings.

use super::group::Groups;
use super::pool::Pool;
use crate::store::account::lookup::AccountLookup;
use crate::store::charge::new_charge::PostedCharge;
use crate::store::settle::answered_charge::AnsweredCharge;

/// Those of each kind that wait.
#[derive(Clone)]
pub(in crate::store) struct PostgresGroups {
    pub(in crate::store) account_lookups: Groups<AccountLookup>,
    pub(in crate::store) posted_charges: Groups<PostedCharge>,
    pub(in crate::store) answered_charges: Groups<AnsweredCharge>,
}

impl PostgresGroups {
    pub(in crate::store) fn new(pool: &Pool) -> Self {
        Self {
            account_lookups: Groups::new(pool.clone()),
            posted_charges: Groups::new(pool.clone()),
            answered_charges: Groups::new(pool.clone()),
        }
    }
}
