//! The use cases that PostgreSQL runs in groups. `SQLite`'s writer does that with all of them.

use super::account::NumberOfAccount;
use super::charge::PostedCharge;
use super::postgres::Pool;
use super::postgres::group::Groups;
use super::settle::AnsweredCharge;

/// Those of each kind that wait.
#[derive(Clone)]
pub(in crate::store) struct PostgresGroups {
    pub(in crate::store) accounts: Groups<NumberOfAccount>,
    pub(in crate::store) posted_charges: Groups<PostedCharge>,
    pub(in crate::store) answered_charges: Groups<AnsweredCharge>,
}

impl PostgresGroups {
    pub(in crate::store) fn new(pool: &Pool) -> Self {
        Self {
            accounts: Groups::new(pool.clone()),
            posted_charges: Groups::new(pool.clone()),
            answered_charges: Groups::new(pool.clone()),
        }
    }
}
