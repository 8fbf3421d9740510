//! One charge, on its way to the bill.

use super::{later_or_parked, may_be_told};
use crate::app::App;
use crate::config::Billing;
use crate::fault::{Failure, Fault};
use crate::http::Unclear;
use crate::store::{Charge, HandOff, Holder};
use onbill_domain::account::AccountStatus;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::wire::csp::{BillChargeRequest, BillChargeResponse, BillingDecision};

/// One attempt at putting a charge on the bill. `attempt` counts from 1. Where billing takes files, only the account is
/// asked about; the charge then waits for a file.
pub(crate) async fn hand_off(app: &App, charge: &Charge, attempt: u32) -> HandOff {
    if app.config.billing == Billing::Files {
        return match standing(app, charge).await {
            Ok(Some(reason)) => HandOff::Declined { reason, raw_code: None },
            // An account that nobody could be asked about now is asked about when a file is made.
            Ok(None) | Err(_) => HandOff::Later { due_at: app.now() },
        };
    }
    match try_charge(app, charge, attempt).await {
        Ok(outcome) => outcome,
        Err(failure) => {
            tracing::warn!(?failure, charge.transaction_id, attempt, "a hand-off is unclear");
            later_or_parked(app, attempt)
        }
    }
}

/// The same for a charge that is known by its id.
pub(super) async fn read_and_hand_off(app: &App, transaction_id: &str, attempt: u32) -> HandOff {
    match app.store.charge(transaction_id.to_owned()).await {
        Ok(Some(charge)) => hand_off(app, &charge, attempt).await,
        // Settled meanwhile by another lease: the entry went with it.
        Ok(None) => HandOff::Dropped,
        Err(error) => {
            tracing::error!(?error, "a charge could not be read");
            later_or_parked(app, attempt)
        }
    }
}

/// 1. An earlier attempt may have reached billing: its answer to the id counts before anything else.
/// 2. While billing was asked, the subscriber may have left, or have got another number: the books are read again.
async fn try_charge(app: &App, charge: &Charge, attempt: u32) -> Result<HandOff, Failure> {
    if attempt == 1 {
        return post(app, charge).await;
    }
    // 1.
    let id = &charge.transaction_id;
    if let Some(answer) = app.bss.look_up_charge(id).await.map_err(unclear)? {
        return Ok(verdict(answer, number_if_any(app, charge)?.as_ref()));
    }
    // 2.
    match app.store.charge(id.clone()).await? {
        Some(charge) => post(app, &charge).await,
        None => Ok(HandOff::Dropped),
    }
}

/// 1. The account must still be the one that the PAI was issued for, and not on hold.
/// 2. Posts the charge.
async fn post(app: &App, charge: &Charge) -> Result<HandOff, Failure> {
    // 1.
    if let Some(reason) = standing(app, charge).await? {
        return Ok(HandOff::Declined { reason, raw_code: None });
    }
    // 2.
    let msisdn = number(app, known(charge)?)?;
    let request = BillChargeRequest {
        transaction_id: charge.transaction_id.clone(),
        msisdn: msisdn.clone(),
        amount: charge.amount,
        description: charge.description.clone(),
        service_period: charge.service_period,
    };
    Ok(verdict(app.bss.charge(&request).await.map_err(unclear)?, Some(&msisdn)))
}

fn unclear(_: Unclear) -> Fault {
    Fault::Bss("transaction")
}

/// Whoever was erased has no open PAI, and so no charge that still needs them.
pub(crate) fn known(charge: &Charge) -> Result<&Holder, Fault> {
    charge.holder.as_ref().ok_or(Fault::Broken("a charge has lost its number"))
}

/// A holder's number.
pub(crate) fn number(app: &App, holder: &Holder) -> Result<Msisdn, Fault> {
    app.vault.open_number(&holder.number.sealed).ok_or(Fault::Broken("a sealed number does not open"))
}

/// The number of the charge's own subscriber, unless they were erased.
pub(crate) fn number_if_any(app: &App, charge: &Charge) -> Result<Option<Msisdn>, Fault> {
    charge.holder.as_ref().map(|holder| number(app, holder)).transpose()
}

/// What has ended the PAI while the charge waited, or what the account itself says against it now. A number that went to
/// someone else is never charged for its old holder: the generation tells them apart.
pub(crate) async fn standing(app: &App, charge: &Charge) -> Result<Option<DeclineReason>, Failure> {
    if charge.closed.is_some() {
        return Ok(charge.closed);
    }
    let holder = known(charge)?;
    let account = app.account(&number(app, holder)?).await?;
    Ok(match account {
        None => Some(DeclineReason::AccountClosed),
        Some(known) if known.account.status == AccountStatus::Ceased => Some(DeclineReason::AccountClosed),
        Some(known) if known.generation != holder.generation => Some(DeclineReason::AccountClosedTakenOver),
        Some(known) if known.account.status == AccountStatus::Suspended => Some(DeclineReason::AccountOnHold),
        Some(_) => None,
    })
}

/// Billing's word, translated. A code that is one of our own reasons is that reason; any other decline is the
/// operator's risk decision. A code that would end the PAI is not taken from billing: the account's standing, which
/// was asked just before, decides about that.
pub(crate) fn verdict(answer: BillChargeResponse, msisdn: Option<&Msisdn>) -> HandOff {
    let raw_code = answer.raw_code.filter(|code| may_be_told(code, msisdn));
    match answer.status {
        BillingDecision::Approved => HandOff::Done { raw_code },
        BillingDecision::Declined => {
            let known =
                raw_code.as_deref().and_then(DeclineReason::parse).filter(|reason| !reason.closes_pai());
            HandOff::Declined { reason: known.unwrap_or(DeclineReason::RiskDeclined), raw_code }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn billing_does_not_end_a_pai() {
        let msisdn = Msisdn::parse("+12025550101").expect("is E.164");
        for reason in DeclineReason::ALL {
            let raw_code = Some(reason.as_str().to_owned());
            let told = if reason.closes_pai() { DeclineReason::RiskDeclined } else { reason };
            let answer = BillChargeResponse { status: BillingDecision::Declined, raw_code: raw_code.clone() };
            assert_eq!(verdict(answer, Some(&msisdn)), HandOff::Declined { reason: told, raw_code });
        }
    }

    #[test]
    fn billings_code_reaches_the_partner_unless_it_could_tell_the_number() {
        let msisdn = Msisdn::parse("+12025550101").expect("is E.164");
        let told = |raw_code: &str| {
            let answer =
                BillChargeResponse { status: BillingDecision::Declined, raw_code: Some(raw_code.to_owned()) };
            let HandOff::Declined { raw_code, .. } = verdict(answer, Some(&msisdn)) else {
                panic!("is a decline")
            };
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
