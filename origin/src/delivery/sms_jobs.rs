//! What every job of an SMS needs: whether its subscriber still has the number, and the gateway.

use super::retry::RetrySchedule;
use crate::account::AccountLookup;
use crate::ambient::Clock;
use crate::keys::Vault;
use crate::sms::SmsGateway;
use crate::store::Store;
use std::sync::Arc;

/// Sends what waits in the queues of SMS.
pub(crate) struct SmsJobs {
    pub(crate) store: Arc<Store>,
    pub(crate) accounts: Arc<AccountLookup>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) gateway: Arc<dyn SmsGateway>,
    pub(crate) retry: RetrySchedule,
    pub(crate) clock: Arc<dyn Clock>,
}
