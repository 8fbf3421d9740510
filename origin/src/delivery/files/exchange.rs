//! The dependencies of the exchange of files with billing.

use crate::ambient::{Clock, Random};
use crate::config::FileSettings;
use crate::delivery::billing::BillingSubmission;
use crate::delivery::wake_up::WakeUp;
use crate::instruments::Instruments;
use crate::keys::Vault;
use crate::store::Store;
use onbill_domain::ids::OperatorId;
use std::sync::Arc;

pub struct FileExchange {
    pub(crate) operator: OperatorId,
    /// Without settings there is no exchange.
    pub(crate) settings: Option<FileSettings>,
    pub(crate) store: Arc<Store>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) billing: Arc<BillingSubmission>,
    pub(crate) wake_up: WakeUp,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) instruments: Arc<Instruments>,
}
