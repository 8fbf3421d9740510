//! A coupon's text message, on its way to the customer: the code, or the word that its months end.

use super::{later, later_at_last};
use crate::app::App;
use crate::coupon::CouponMessage;
use crate::sms::{Cause, Sent, Text};
use crate::store::HandOff;
use onbill_domain::account::AccountStatus;

/// Seconds until the next attempt at a text message that may be on its way already; then a person has to look, as the
/// customer would get it again with each of them.
const UNCLEAR_RETRY_SECONDS: [i64; 6] = [60, 600, 3_600, 21_600, 86_400, 86_400];

/// Sends a text message, if its number is still the same holder's. One whose coupon has expired meanwhile is nobody's.
pub(super) async fn send(app: &App, message: &[u8], attempt: u32) -> HandOff {
    let opened = app
        .vault
        .open_message(message)
        .and_then(|plain| serde_json::from_slice::<CouponMessage>(&plain).ok());
    let Some(message) = opened else {
        tracing::error!("a sealed message does not open");
        return HandOff::Parked;
    };
    if app.now() >= message.expires_at {
        return HandOff::Dropped;
    }
    match app.account(&message.msisdn).await {
        Ok(Some(known))
            if known.account.status != AccountStatus::Ceased && known.generation == message.generation => {}
        Ok(_) => {
            tracing::warn!("a coupon's number is nobody's or somebody else's by now");
            return HandOff::Dropped;
        }
        Err(_) => return later_at_last(app, attempt),
    }
    let text = Text {
        to: &message.msisdn,
        body: &message.text,
        urgent: false,
        valid_until: Some(message.expires_at),
        receipt: true,
    };
    match app.texts.send(&text).await {
        Sent::Accepted { message_id } => HandOff::Sent { message_id },
        Sent::Later(Cause::Throttled | Cause::Unreachable) => later_at_last(app, attempt),
        Sent::Later(Cause::Unclear) => later(app, attempt, &UNCLEAR_RETRY_SECONDS).unwrap_or(HandOff::Parked),
        Sent::Refused => {
            tracing::warn!("the gateway refuses a coupon's number");
            HandOff::Refused { raw_code: None }
        }
    }
}
