//! The one place where receipts arrive, whichever gateway they come from.

use super::{Delivery, NotNow, Receipt, Receipts};
use crate::app::App;
use async_trait::async_trait;

#[async_trait]
impl Receipts for App {
    /// That a message is on the phone is kept, for the coupon whose message it is; whether it is one's, the books find
    /// out, now or later. A PIN's is forgotten: it is over in minutes, and the customer asks for another.
    /// By its id a message could be followed to its number in the gateway's own log, so that is not written.
    async fn take(&self, receipt: Receipt) -> Result<(), NotNow> {
        tracing::info!(state = receipt.state.as_str(), "a text message has a receipt");
        if receipt.state != Delivery::Delivered {
            return Ok(());
        }
        self.store.text_delivered(self.now(), receipt.message_id).await.map_err(|error| {
            tracing::error!(?error, "a receipt could not be kept");
            NotNow
        })
    }
}
