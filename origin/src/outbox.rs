//! Handing off: what the books promise reaches the operator's systems, once.
//!
//! An entry is leased, tried outside of any database transaction, and settled. A charge whose outcome is unknown is
//! looked up at billing by its own id before it is ever posted again; it is not guessed to be declined. After seven
//! unclear look-ups over six days it is parked for a person.

use crate::ambient::Random;
use crate::app::App;
use crate::fault::{Failure, Fault};
use crate::pin::PinMessage;
use crate::store::{Charge, Entry, HandOff, Work};
use futures_util::future::join_all;
use onbill_domain::decline::DeclineReason;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::standing::AccountStatus;
use onbill_domain::wire::csp::{ChargeAnswer, ChargeRequest, ChargeVerdict};
use std::sync::Arc;
use std::time::Duration;

/// Entries of a kind worked on at once: enough to keep a billing system busy, few enough not to flood it.
const BATCH: u32 = 16;
/// Seconds for which an entry belongs to who leased it: longer than an attempt can take.
const LEASE_SECONDS: i64 = 120;
/// Seconds until the next attempt at a charge, after the first, second, … unclear one; then it is parked.
const CHARGE_RETRY_SECONDS: [i64; 7] = [300, 3_600, 86_400, 86_400, 86_400, 86_400, 86_400];
/// Seconds until the next attempt at a text message; then it is dropped, as is one whose PIN has expired.
const MESSAGE_RETRY_SECONDS: [i64; 4] = [2, 10, 30, 60];
/// Longest code of billing's own that is passed on, in characters: codes are, sentences are not.
const RAW_CODE_CHARS_MAX: usize = 64;
/// Longest sleep of the delivery loop: an entry put in by another process is found after this at the latest.
const IDLE_SECONDS_MAX: i64 = 15;

/// Delivers for ever: whatever is due, then sleeps until something is or the bell rings.
pub async fn run(app: Arc<App>) {
    loop {
        let wait = match deliver_due(&app).await {
            Ok(_) => match app.store.next_due().await {
                Ok(Some(at)) => at.seconds_since(app.now()).clamp(1, IDLE_SECONDS_MAX),
                Ok(None) | Err(_) => IDLE_SECONDS_MAX,
            },
            Err(fault) => {
                tracing::error!(?fault, "the outbox could not be worked on");
                1
            }
        };
        let wait = Duration::from_secs(wait.unsigned_abs());
        // Woken or not, the next round looks at what is due.
        let _ = tokio::time::timeout(wait, app.outbox_bell.notified()).await;
    }
}

/// Delivers everything that is due now; gives how many entries were tried.
pub async fn deliver_due(app: &App) -> Result<usize, Fault> {
    let mut tried = 0;
    loop {
        let now = app.now();
        let entries = app.store.lease_due(now, now.plus_seconds(LEASE_SECONDS), BATCH).await?;
        if entries.is_empty() {
            return Ok(tried);
        }
        tried += entries.len();
        for result in join_all(entries.into_iter().map(|entry| deliver(app, entry))).await {
            result?;
        }
    }
}

async fn deliver(app: &App, entry: Entry) -> Result<(), Fault> {
    let outcome = match &entry.work {
        Work::Charge { transaction_id } => hand_off(app, transaction_id, entry.attempts).await,
        Work::Pin { message } => send_pin(app, message, entry.attempts).await,
    };
    if outcome == HandOff::Parked {
        tracing::error!(entry = entry.entry_id, alarm = "outbox-parked", "an entry needs a person");
    }
    Ok(app.store.settle(app.now(), entry, outcome).await?)
}

/// One attempt at putting a charge on the bill. `attempt` counts from 1.
pub(crate) async fn hand_off(app: &App, transaction_id: &str, attempt: u32) -> HandOff {
    let later = || later(app, attempt, &CHARGE_RETRY_SECONDS).unwrap_or(HandOff::Parked);
    let charge = match app.store.charge(transaction_id.to_owned()).await {
        Ok(Some(charge)) => charge,
        // Settled meanwhile by another lease: the entry went with it.
        Ok(None) => return HandOff::Dropped,
        Err(error) => {
            tracing::error!(?error, "a charge could not be read");
            return later();
        }
    };
    match try_charge(app, &charge, attempt).await {
        Ok(outcome) => outcome,
        Err(failure) => {
            tracing::warn!(?failure, transaction_id, attempt, "a hand-off is unclear");
            later()
        }
    }
}

/// 1. An earlier attempt may have reached billing: its answer to the id counts before anything else.
/// 2. The account must still be the one that the PAI was issued for, and not on hold.
/// 3. Posts the charge.
async fn try_charge(app: &App, charge: &Charge, attempt: u32) -> Result<HandOff, Failure> {
    let unclear = |_| Fault::Bss("transaction");
    let msisdn =
        app.vault.open_number(&charge.number.sealed).ok_or(Fault::Broken("a sealed number does not open"))?;
    // 1.
    if attempt > 1
        && let Some(answer) = app.bss.look_up_charge(&charge.transaction_id).await.map_err(unclear)?
    {
        return Ok(verdict(answer, &msisdn));
    }
    // 2.
    if let Some(reason) = reason_to_decline(app, charge, &msisdn).await? {
        return Ok(HandOff::Declined { reason, raw_code: None });
    }
    // 3.
    let request = ChargeRequest {
        transaction_id: charge.transaction_id.clone(),
        msisdn: msisdn.clone(),
        amount: charge.amount,
        description: charge.description.clone(),
        service_period: charge.service_period,
    };
    Ok(verdict(app.bss.charge(&request).await.map_err(unclear)?, &msisdn))
}

/// What the account itself says against a charge. A number that went to someone else is never charged for its old
/// holder: the generation tells them apart.
async fn reason_to_decline(
    app: &App,
    charge: &Charge,
    msisdn: &Msisdn,
) -> Result<Option<DeclineReason>, Failure> {
    let known = app.account(msisdn).await?;
    Ok(match known {
        None => Some(DeclineReason::AccountClosed),
        Some(known) if known.account.status == AccountStatus::Ceased => Some(DeclineReason::AccountClosed),
        Some(known) if known.generation != charge.generation => Some(DeclineReason::AccountClosedTakenOver),
        Some(known) if known.account.status == AccountStatus::Suspended => Some(DeclineReason::AccountOnHold),
        Some(_) => None,
    })
}

/// Billing's word, translated. A code that is one of our own reasons is that reason; any other decline is the
/// operator's risk decision. A code that would end the PAI is not taken from billing: the account's standing, which
/// was asked just before, decides about that.
fn verdict(answer: ChargeAnswer, msisdn: &Msisdn) -> HandOff {
    let raw_code = answer.raw_code.filter(|code| may_be_told(code, msisdn));
    match answer.status {
        ChargeVerdict::Approved => HandOff::Done { raw_code },
        ChargeVerdict::Declined => {
            let known =
                raw_code.as_deref().and_then(DeclineReason::parse).filter(|reason| !reason.ends_pai());
            HandOff::Declined { reason: known.unwrap_or(DeclineReason::RiskDeclined), raw_code }
        }
    }
}

/// The code goes on to the partner as it is, so it must be one: not a sentence, and not with the number in it. Seven
/// digits are what is left of a number without its country and area.
fn may_be_told(raw_code: &str, msisdn: &Msisdn) -> bool {
    let digits: String = raw_code.chars().filter(char::is_ascii_digit).collect();
    let number = msisdn.expose();
    let local = &number[number.len().saturating_sub(7)..];
    (1..=RAW_CODE_CHARS_MAX).contains(&raw_code.len())
        && raw_code.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
        && !digits.contains(local)
}

/// Sends a PIN, if its number has an account: here and not in the customer's call, whose answer and whose time must
/// not differ between numbers.
async fn send_pin(app: &App, message: &[u8], attempt: u32) -> HandOff {
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
    match app.account(&message.msisdn).await {
        Ok(Some(known)) if known.account.status != AccountStatus::Ceased => {}
        Ok(_) => return HandOff::Dropped,
        Err(_) => return again(),
    }
    match app.bss.notify(&message.msisdn, &message.text).await {
        Ok(()) => HandOff::Done { raw_code: None },
        Err(_) => again(),
    }
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

    #[test]
    fn billing_does_not_end_a_pai() {
        let msisdn = Msisdn::parse("+12025550101").expect("is E.164");
        for reason in DeclineReason::ALL {
            let raw_code = Some(reason.as_str().to_owned());
            let told = if reason.ends_pai() { DeclineReason::RiskDeclined } else { reason };
            let answer = ChargeAnswer { status: ChargeVerdict::Declined, raw_code: raw_code.clone() };
            assert_eq!(verdict(answer, &msisdn), HandOff::Declined { reason: told, raw_code });
        }
    }

    #[test]
    fn billings_code_reaches_the_partner_unless_it_could_tell_the_number() {
        let msisdn = Msisdn::parse("+12025550101").expect("is E.164");
        let told = |raw_code: &str| {
            let answer =
                ChargeAnswer { status: ChargeVerdict::Declined, raw_code: Some(raw_code.to_owned()) };
            let HandOff::Declined { raw_code, .. } = verdict(answer, &msisdn) else { panic!("is a decline") };
            raw_code
        };
        for code in ["51", "insufficient-balance", "E:2020/55-A", &"x".repeat(64)] {
            assert_eq!(told(code).as_deref(), Some(code));
        }
        for code in [
            "no credit: +12025550101",
            "2025550101",
            "(202) 555-0101",
            "555.0101",
            "",
            "a\nb",
            &"x".repeat(65),
        ] {
            assert_eq!(told(code), None, "{code}");
        }
    }
}
