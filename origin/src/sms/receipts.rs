//! The one place where receipts arrive, whichever gateway they come from.

use super::{NotNow, Receipt, Receipts};
use crate::app::App;
use async_trait::async_trait;

#[async_trait]
impl Receipts for App {
    /// Those of PINs are counted in the log and not kept: a PIN is over in minutes, and the customer asks for another.
    /// By its id a message could be followed to its number in the gateway's own log, so that is not written.
    async fn take(&self, receipt: Receipt) -> Result<(), NotNow> {
        tracing::info!(state = receipt.state.as_str(), "a text message has a receipt");
        Ok(())
    }
}
