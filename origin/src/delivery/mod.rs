//! Handing off: what the books promise reaches the operator's systems, once, and the partner is told.
//!
//! An entry is leased, tried outside of any database transaction, and settled. What billing may have done already is
//! never guessed: a charge is looked up by its own id before it is ever posted again, a refund is posted again under its
//! own id. After eight unclear attempts over five to six days an entry is parked for a person.

pub(crate) mod charge;
mod coupon_sms;
pub mod files;
pub mod kv_sync;
mod notification_sms;
mod pai;
mod pin_sms;
pub(crate) mod refund;
mod webhook;

use crate::ambient::Random;
use crate::app::App;
use crate::config::Billing;
use crate::fault::Fault;
use crate::store::{Entry, HandOff, LEASE_SECONDS_MAX, Lane, Settling, Work};
use futures_util::future::join_all;
use onbill_domain::msisdn::Msisdn;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Entries of a kind worked on at once: enough to keep a billing system busy, few enough not to flood it.
const BATCH: u32 = 16;
/// Seconds until the next attempt at billing, after the first, second, … unclear one; then it is parked.
const BILLING_RETRY_SECONDS: [i64; 7] = [300, 3_600, 86_400, 86_400, 86_400, 86_400, 86_400];
/// Seconds until the next attempt at telling how a PAI stands.
const STATE_RETRY_SECONDS: [i64; 4] = [2, 10, 60, 600];
/// Seconds between all attempts after those.
const STATE_RETRY_LAST_SECONDS: i64 = 3_600;
/// Longest code of billing's own that is passed on, in characters: codes are, sentences are not.
const RAW_CODE_CHARS_MAX: usize = 64;
/// Longest sleep of the delivery loop: an entry put in by another process is found after this at the latest.
const IDLE_SECONDS_MAX: i64 = 15;

/// Delivers for ever, each lane for itself: a partner that is slow to listen does not hold up a PIN.
pub async fn run(app: Arc<App>) {
    let mut running = JoinSet::new();
    for lane in lanes(&app) {
        running.spawn(run_lane(Arc::clone(&app), *lane));
    }
    running.join_all().await;
}

/// Delivers what is due in a lane, then sleeps until something is or the bell rings.
async fn run_lane(app: Arc<App>, lane: Lane) {
    let mut bell = app.outbox_bell.subscribe();
    loop {
        // Looking is a read; only what is due is worth a transaction.
        let wait = match app.store.next_due(lane).await {
            Ok(Some(at)) if at <= app.now() => match deliver(&app, lane).await {
                Ok(_) => continue,
                Err(fault) => {
                    tracing::error!(?fault, ?lane, "the outbox could not be worked on");
                    1
                }
            },
            Ok(Some(at)) => at.seconds_since(app.now()).clamp(1, IDLE_SECONDS_MAX),
            Ok(None) | Err(_) => IDLE_SECONDS_MAX,
        };
        let wait = Duration::from_secs(wait.unsigned_abs());
        // Woken or not, the next round looks at what is due.
        let _ = tokio::time::timeout(wait, bell.changed()).await;
    }
}

/// Delivers everything that is due now; gives how many entries were tried.
pub async fn deliver_due(app: &App) -> Result<usize, Fault> {
    let mut tried = 0;
    for lane in lanes(app) {
        tried += deliver(app, *lane).await?;
    }
    Ok(tried)
}

async fn deliver(app: &App, lane: Lane) -> Result<usize, Fault> {
    let mut tried = 0;
    loop {
        let now = app.now();
        let entries = app.store.lease_due(lane, now, now.plus_seconds(LEASE_SECONDS_MAX), BATCH).await?;
        if entries.is_empty() {
            return Ok(tried);
        }
        tried += entries.len();
        for result in join_all(entries.into_iter().map(|entry| try_entry(app, entry))).await {
            result?;
        }
    }
}

/// Bills that billing takes in files are not delivered here: see [`crate::delivery::files`].
fn lanes(app: &App) -> &'static [Lane] {
    const LANES: [Lane; 6] =
        [Lane::Bills, Lane::Texts, Lane::Partners, Lane::Edge, Lane::Coupons, Lane::Notifications];
    match app.config.billing {
        Billing::Csp => &LANES,
        Billing::Files => &LANES[1..],
    }
}

async fn try_entry(app: &App, entry: Entry) -> Result<(), Fault> {
    let attempt = entry.attempts;
    let (what, id, outcome) = match &entry.work {
        Work::Charge { transaction_id } => {
            ("charge", transaction_id.as_str(), charge::read_and_hand_off(app, transaction_id, attempt).await)
        }
        Work::Refund { refund_id } => {
            ("refund", refund_id.as_str(), refund::read_and_hand_off(app, refund_id, attempt).await)
        }
        Work::ChargeNotice { transaction_id } => {
            ("charge-notice", transaction_id.as_str(), webhook::of_charge(app, transaction_id, attempt).await)
        }
        Work::RefundNotice { refund_id } => {
            ("refund-notice", refund_id.as_str(), webhook::of_refund(app, refund_id, attempt).await)
        }
        Work::PaiNotice { pai } => ("pai-notice", "", pai::notify_partner(app, *pai, attempt).await),
        Work::PaiMapping { pai } => ("pai-mapping", "", pai::update_mapping(app, *pai, attempt).await),
        Work::Pin { message } => ("pin", "", pin_sms::send(app, message, attempt).await),
        Work::Coupon { coupon_id, message } => {
            ("coupon", coupon_id.as_str(), coupon_sms::send(app, message, attempt).await)
        }
        Work::CouponReminder { coupon_id, message } => {
            ("coupon-reminder", coupon_id.as_str(), coupon_sms::send(app, message, attempt).await)
        }
        Work::Notification { notification_id, message } => (
            "notification",
            notification_id.as_str(),
            notification_sms::send(app, notification_id, message, attempt).await,
        ),
    };
    // A text message that is refused waits for a person like one that was given up.
    let is_text = matches!(entry.work, Work::Coupon { .. } | Work::CouponReminder { .. });
    if outcome == HandOff::Parked || is_text && matches!(outcome, HandOff::Refused { .. }) {
        tracing::error!(what, id, entry = entry.entry_id, alarm = "outbox-parked", "an entry needs a person");
    }
    let (what, id) = (what.to_owned(), id.to_owned());
    let has_news = matches!(entry.work, Work::Charge { .. } | Work::Refund { .. }) && outcome.is_verdict();
    let settling = app.store.settle(app.now(), entry, outcome).await?;
    look_at(settling, &what, &id);
    if has_news {
        app.ring_outbox();
    }
    Ok(())
}

/// The hand-off that a post tries before it answers. When it takes too long it is unclear, and the outbox goes on.
pub(crate) async fn within_deadline(app: &App, hand_off: impl Future<Output = HandOff>) -> HandOff {
    let deadline = Duration::from_secs(app.config.hand_off_seconds.get());
    match tokio::time::timeout(deadline, hand_off).await {
        Ok(outcome) => outcome,
        Err(_) => later_or_parked(app, 1),
    }
}

/// Raises an alarm when billing has said two things about one id, of which the first stays, as the partner may have it;
/// when it refuses a coupon that is spent; and when a coupon's text message does not arrive.
pub(crate) fn look_at(settling: Settling, what: &str, id: &str) {
    match settling {
        Settling::Contradicted => {
            tracing::error!(what, id, alarm = "billing-verdicts-differ", "billing has given two verdicts");
        }
        Settling::Unpaid => {
            tracing::error!(
                what,
                id,
                alarm = "coupon-unpaid",
                "a coupon is redeemed, and billing refuses it"
            );
        }
        Settling::Undelivered => warn_of_undelivered(id),
        Settling::Written | Settling::Late => {}
    }
}

/// Raises an alarm for a coupon, by our name for it, whose text message does not arrive.
pub(crate) fn warn_of_undelivered(id: &str) {
    tracing::error!(id, alarm = "coupon-undelivered", "a coupon's text message does not arrive");
}

/// The code goes on to the partner as it is, so it must be one: not a sentence, and not with the number in it. Seven
/// digits are what is left of a number without its country and area; where the number is not at hand, no code may have
/// as many.
fn may_be_told(raw_code: &str, msisdn: Option<&Msisdn>) -> bool {
    let digits: String = raw_code.chars().filter(char::is_ascii_digit).collect();
    let tells = match msisdn {
        Some(msisdn) => {
            let number = msisdn.expose();
            digits.contains(&number[number.len().saturating_sub(7)..])
        }
        None => digits.len() >= 7,
    };
    (1..=RAW_CODE_CHARS_MAX).contains(&raw_code.len())
        && raw_code.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
        && !tells
}

/// What comes after an attempt at telling how a PAI stands: whoever has to hear it is told until it has heard, at last
/// once an hour.
fn later_at_last(app: &App, attempt: u32) -> HandOff {
    later(app, attempt, &STATE_RETRY_SECONDS).unwrap_or_else(|| {
        let delay = STATE_RETRY_LAST_SECONDS;
        HandOff::Later { due_at: app.now().plus_seconds(delay + jitter(&*app.random, delay)) }
    })
}

/// What comes after an unclear attempt at billing.
fn later_or_parked(app: &App, attempt: u32) -> HandOff {
    later(app, attempt, &BILLING_RETRY_SECONDS).unwrap_or(HandOff::Parked)
}

/// The next attempt after this one; `None` when there is none. A fifth of the delay is random, so that what failed
/// together does not come back together.
fn later(app: &App, attempt: u32, delays: &[i64]) -> Option<HandOff> {
    let delay = *delays.get(usize::try_from(attempt).ok()?.checked_sub(1)?)?;
    Some(HandOff::Later { due_at: app.now().plus_seconds(delay + jitter(&*app.random, delay)) })
}

fn jitter(random: &dyn Random, delay: i64) -> i64 {
    let drawn = i64::from(u32::from_le_bytes(random.bytes()));
    drawn % (delay / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::PUT_OFF_SECONDS_MAX;

    #[test]
    fn nothing_is_put_off_for_longer_than_the_books_believe() {
        let longest = BILLING_RETRY_SECONDS.into_iter().chain(webhook::RETRY_SECONDS).max();
        assert!(longest.is_some_and(|pause| pause + pause / 5 < PUT_OFF_SECONDS_MAX));
    }

    #[test]
    fn a_code_without_a_number_at_hand_has_few_digits() {
        for code in ["61", "R-204", "no-such-charge", "123456"] {
            assert!(may_be_told(code, None), "{code}");
        }
        for code in ["2025550101", "555 01 01", "", "a\tb"] {
            assert!(!may_be_told(code, None), "{code}");
        }
    }
}
