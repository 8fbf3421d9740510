//! What becomes of text messages that a gateway had accepted: a coupon whose message does not arrive is to be known of.

use super::alarms::warn_of_undelivered;
use crate::ambient::Clock;
use crate::sms::{DeliveryReceipt, DeliveryState, ReceiptNotStored, ReceiptSink};
use crate::store::{SmsReceipt, Store};
use async_trait::async_trait;
use onbill_domain::wire::coupon::UndeliveredReason;
use std::sync::Arc;

/// Keeps receipts in the database.
pub struct ReceiptRecorder {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
}

impl ReceiptRecorder {
    /// On this database.
    pub fn new(store: Arc<Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }
}

#[async_trait]
impl ReceiptSink for ReceiptRecorder {
    /// How a message ended is kept for the coupon whose message it is; whether it is one's, the books find out, now or
    /// later. A PIN's is forgotten: it is over in minutes, and the customer asks for another.
    /// By its id a message could be followed to its number in the gateway's own log, so that is not written.
    async fn store_receipt(&self, receipt: DeliveryReceipt) -> Result<(), ReceiptNotStored> {
        tracing::info!(state = receipt.state.as_str(), "a text message has a receipt");
        let DeliveryReceipt { message_id, state, code } = receipt;
        let lost = self.store.record_sms_receipt(self.clock.now(), message_id, to_sms_end(state, code)).await;
        let lost = lost.map_err(|error| {
            tracing::error!(?error, "a receipt could not be kept");
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
