//! Receipts for SMS that a gateway had accepted: the operator must learn of a coupon whose SMS does
//! not arrive.

use super::alarms::raise_undelivered;
use crate::ambient::Clock;
use crate::instruments::{Instruments, SmsState};
use crate::sms::{DeliveryReceipt, DeliveryState, ReceiptNotStored, ReceiptSink};
use crate::store::{SmsReceipt, Store};
use async_trait::async_trait;
use onbill_domain::wire::coupon::UndeliveredReason;
use std::sync::Arc;

/// Stores receipts in the database.
pub struct ReceiptRecorder {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    instruments: Arc<Instruments>,
}

impl ReceiptRecorder {
    pub fn new(store: Arc<Store>, clock: Arc<dyn Clock>, instruments: Arc<Instruments>) -> Self {
        Self { store, clock, instruments }
    }
}

#[async_trait]
impl ReceiptSink for ReceiptRecorder {
    /// Stores the final state of an SMS for its coupon. The database finds out, now or later,
    /// whether the SMS belongs to a coupon. The receipt of a PIN is dropped: the PIN expires in
    /// minutes, and the customer asks for another. The log omits the message id, because in the
    /// gateway's own log it leads to the number.
    async fn store_receipt(&self, receipt: DeliveryReceipt) -> Result<(), ReceiptNotStored> {
        tracing::info!(state = receipt.state.as_str(), "an SMS has a delivery receipt");
        let DeliveryReceipt { message_id, state, code } = receipt;
        self.instruments.metrics.sms.note(counted_state(state));
        let lost = self.store.record_sms_receipt(self.clock.now(), message_id, to_sms_end(state, code)).await;
        let lost = lost.map_err(|error| {
            tracing::error!(fault = ?error, "a receipt could not be kept");
            ReceiptNotStored
        })?;
        if let Some(coupon_id) = lost {
            raise_undelivered(&self.instruments, &coupon_id);
        }
        Ok(())
    }
}

fn counted_state(state: DeliveryState) -> SmsState {
    match state {
        DeliveryState::Delivered => SmsState::Delivered,
        DeliveryState::Undeliverable => SmsState::Undeliverable,
        DeliveryState::Rejected => SmsState::Rejected,
        DeliveryState::Deleted => SmsState::Deleted,
        DeliveryState::Expired => SmsState::Expired,
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
