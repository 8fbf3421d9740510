//! One PIN, on its way to the customer.

use super::later;
use crate::app::App;
use crate::pin::PinMessage;
use crate::sms::{Sent, Text};
use crate::store::HandOff;
use onbill_domain::account::AccountStatus;

/// Seconds until the next attempt at a text message; then it is dropped, as is one whose PIN has expired.
const MESSAGE_RETRY_SECONDS: [i64; 4] = [2, 10, 30, 60];

/// Sends a PIN, if its number has an account: here and not in the customer's call, whose answer and whose time must
/// not differ between numbers.
pub(super) async fn send(app: &App, message: &[u8], attempt: u32) -> HandOff {
    let opened =
        app.vault.open_message(message).and_then(|plain| serde_json::from_slice::<PinMessage>(&plain).ok());
    let Some(message) = opened else {
        tracing::error!("a sealed message does not open");
        return HandOff::Dropped;
    };
    let again = || later(app, attempt, &MESSAGE_RETRY_SECONDS).unwrap_or(HandOff::Dropped);
    if app.now() >= message.expires_at {
        return HandOff::Dropped;
    }
    // Whose flow is gone was erased meanwhile.
    if let Some(flow) = message.flow {
        match app.store.has_flow(flow).await {
            Ok(true) => {}
            Ok(false) => return HandOff::Dropped,
            Err(_) => return again(),
        }
    }
    match app.account(&message.msisdn).await {
        Ok(Some(known)) if known.account.status != AccountStatus::Ceased => {}
        Ok(_) => return HandOff::Dropped,
        Err(_) => return again(),
    }
    let text = Text {
        to: &message.msisdn,
        body: &message.text,
        urgent: true,
        valid_until: Some(message.expires_at),
        receipt: true,
    };
    match app.texts.send(&text).await {
        Sent::Accepted { .. } => HandOff::Done { raw_code: None },
        // What is unclear may come twice: it is the same PIN, and its tries are counted.
        Sent::Later(_) => again(),
        Sent::Refused => {
            tracing::warn!("the gateway refuses a PIN's number");
            HandOff::Dropped
        }
    }
}
