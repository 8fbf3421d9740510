//! The dependencies of issuing, resending and voiding coupons.

use crate::account::AccountLookup;
use crate::ambient::{Clock, Random};
use crate::config::{Config, NumberPlan};
use crate::delivery::WakeUp;
use crate::keys::{StableIds, Vault};
use crate::store::Store;
use std::sync::Arc;

pub struct Coupons {
    pub(crate) config: Arc<Config>,
    pub(crate) numbers: NumberPlan,
    pub(crate) store: Arc<Store>,
    pub(crate) accounts: Arc<AccountLookup>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) ids: Arc<StableIds>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) wake_up: WakeUp,
}
