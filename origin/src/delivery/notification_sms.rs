//! A partner's message, on its way to the subscriber.

use super::charge::number;
use super::{jitter, later, later_at_last};
use crate::app::App;
use crate::sms::{Cause, Sent, Text};
use crate::store::{Addressee, HandOff};
use onbill_domain::account::AccountStatus;
use onbill_domain::limits::NOTIFICATION_TTL_SECONDS;

/// Seconds until the next attempt at a message that may be on its way already: the subscriber would get it again with each
/// of them, so there are few.
const UNCLEAR_RETRY_SECONDS: [i64; 4] = [60, 600, 3_600, 21_600];
/// Seconds between all attempts after those: at most two more before the message is too old.
const UNCLEAR_RETRY_LAST_SECONDS: i64 = 43_200;

/// 1. It is not too old: else it is dropped, with a line in the log that says which, and not what it said.
/// 2. The subscriber is still there, and still has the number: a number's next holder is sent nothing that was for the last
///    one. Else it is dropped, and nobody is told. One whose account is suspended is sent it: it may be about that.
/// 3. Sends it, also when that may be the second time.
pub(super) async fn send(app: &App, notification_id: &str, message: &[u8], attempt: u32) -> HandOff {
    let Addressee { accepted_at, holder } = match app.store.addressee(notification_id.to_owned()).await {
        Ok(Some(addressee)) => addressee,
        // Erased meanwhile: the entry went as well.
        Ok(None) => return HandOff::Dropped,
        Err(error) => {
            tracing::error!(?error, "whom a message is for could not be read");
            return later_at_last(app, attempt);
        }
    };

    // 1.
    let too_old_at = accepted_at.plus_seconds(NOTIFICATION_TTL_SECONDS);
    if app.now() >= too_old_at {
        tracing::error!(
            notification_id,
            attempt,
            "a partner's message could not be sent for a day, and is dropped"
        );
        return HandOff::Dropped;
    }

    // 2.
    let Some(holder) = holder else { return HandOff::Dropped };
    let plain = app.vault.open_message(message);
    let (Ok(msisdn), Some(body)) =
        (number(app, &holder), plain.as_ref().and_then(|plain| std::str::from_utf8(plain).ok()))
    else {
        tracing::error!(notification_id, "a sealed message or its number does not open");
        return later_at_last(app, attempt);
    };
    match app.account(&msisdn).await {
        Ok(Some(known))
            if known.account.status != AccountStatus::Ceased && known.generation == holder.generation => {}
        Ok(_) => {
            tracing::info!(notification_id, "a message's number is nobody's or somebody else's by now");
            return HandOff::Dropped;
        }
        Err(_) => return later_at_last(app, attempt),
    }

    // 3.
    let text = Text { to: &msisdn, body, urgent: false, valid_until: Some(too_old_at), receipt: false };
    match app.texts.send(&text).await {
        Sent::Accepted { .. } => HandOff::Done { raw_code: None },
        Sent::Later(Cause::Throttled | Cause::Unreachable) => later_at_last(app, attempt),
        Sent::Later(Cause::Unclear) => later(app, attempt, &UNCLEAR_RETRY_SECONDS).unwrap_or_else(|| {
            let delay = UNCLEAR_RETRY_LAST_SECONDS;
            HandOff::Later { due_at: app.now().plus_seconds(delay + jitter(&*app.random, delay)) }
        }),
        Sent::Refused => {
            tracing::warn!(notification_id, "the gateway refuses a message's number, or its text");
            HandOff::Dropped
        }
    }
}
