//! Receipts for SMS that a gateway had accepted: the operator must learn of a coupon whose SMS does
//! not arrive.

use super::alarms::warn_of_undelivered;
use crate::ambient::Clock;
use crate::sms::{DeliveryReceipt, DeliveryState, ReceiptNotStored, ReceiptSink};
use crate::store::{SmsReceipt, Store};
use async_trait::async_trait;
use onbill_domain::wire::coupon::UndeliveredReason;
use std::sync::Arc;

/// Stores receipts in the database.
pub struct ReceiptRecorder {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
}

impl ReceiptRecorder {
    pub fn new(store: Arc<Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }
}

#[async_trait]
impl ReceiptSink for ReceiptRecorder {
    /// Stores the final state of an SMS for its coupon. The database finds out, now or later,
    /// whether the SMS belongs to a coupon. The receipt of a PIN is dropped: the PIN expires in
    /// minutes, and the customer asks for another. The log omits the message id, because in the
    /// gateway's own log it leads to the number.
    async fn store_receipt(&self, receipt: DeliveryReceipt) -> Result<(), ReceiptNotStored> {
        tracing::info!(state = receipt.state.as_str(), "a text message has a receipt");
        let DeliveryReceipt { message_id, state, code } = receipt;
        let lost = self.store.record_sms_receipt(self.clock.now(), message_id, to_sms_end(state, code)).await;
        let lost = lost.map_err(|error| {
            tracing::error!(fault = ?error, "a receipt could not be kept");
            ReceiptNotStored
        })?;
        if let Some(coupon_id) = lost {
            warn_of_undelivered(&coupon_id);
        }
        Ok(())
    }
}

fn to_sms_end(state: DeliveryState, code: Option<String>) -> SmsReceipt {
    let reason = match state {
        DeliveryState::Delivered => return SmsReceipt::Delivered,
        DeliveryState::Undeliverable => UndeliveredReason::Undeliverable,
        DeliveryState::Rejected => UndeliveredReason::Rejected,
        DeliveryState::Deleted => UndeliveredReason::Deleted,
        DeliveryState::Expired => UndeliveredReason::Expired,
    };
    SmsReceipt::Undelivered { reason, code }
}
