//! The shared part of all SMS jobs: checks that the subscriber still has the number, and calls the
//! gateway.

use super::retry::RetrySchedule;
use crate::account::AccountLookup;
use crate::ambient::Clock;
use crate::instruments::Instruments;
use crate::keys::Vault;
use crate::sms::SmsGateway;
use crate::store::Store;
use std::sync::Arc;

/// Sends the SMS that wait in the queues.
pub(crate) struct SmsJobs {
    pub(crate) store: Arc<Store>,
    pub(crate) accounts: Arc<AccountLookup>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) gateway: Arc<dyn SmsGateway>,
    pub(crate) retry: RetrySchedule,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) instruments: Arc<Instruments>,
}
