//! The texts about a coupon on the operator's pages: its status, and what to do after a refusal.
//! No word of the origin's is shown, but for a code that has no text.

use super::purchases::{Purchase, PurchaseAction};
use crate::operator::origin::OriginFailure;
use onbill_domain::reject::ErrorCode;
use onbill_domain::wire::coupon::{CouponState, UndeliveredReason};

/// The status of a coupon.
pub(super) struct CouponStatusText {
    /// For programs and style sheets.
    pub(super) word: &'static str,
    /// For readers, in a word or two.
    pub(super) chip: &'static str,
    pub(super) sentence: &'static str,
}

/// Its status, as far as is known.
pub(super) fn status_text(purchase: &Purchase) -> CouponStatusText {
    let unpaid = purchase.reported.as_ref().is_some_and(|reported| reported.unpaid);
    let (word, chip, sentence) = match purchase.state() {
        None if purchase.is_refused() => ("refused", "Not sold", "There is no code, and nothing to pay."),
        None => (
            "unconfirmed",
            "Not confirmed",
            "We do not know yet whether this went through. You can safely try again: there will be one code only.",
        ),
        Some(CouponState::Issued | CouponState::Sent) if purchase.undelivered().is_some() => (
            "undelivered",
            "Not delivered",
            "The message with the code did not reach the phone. Sending it again makes a new code.",
        ),
        Some(CouponState::Issued) => {
            ("issued", "On its way", "The message with the code will be sent in a moment.")
        }
        Some(CouponState::Sent) => ("sent", "Sent", "The message with the code is on its way to the phone."),
        Some(CouponState::Delivered) => (
            "delivered",
            "Delivered",
            "The code is on the phone. Enter it at Netflix, or give it to someone.",
        ),
        Some(CouponState::Redeemed) if unpaid => {
            ("unpaid", "Used, not paid", "It was entered at Netflix, and billing refused it afterwards.")
        }
        Some(CouponState::Redeemed) => ("redeemed", "Used", "It was entered at Netflix, and is on the bill."),
        Some(CouponState::Expired) => {
            ("expired", "Expired", "Nobody entered it in time, so it costs nothing.")
        }
        Some(CouponState::Voided) => ("voided", "Void", "The code no longer works, and costs nothing."),
    };
    CouponStatusText { word, chip, sentence }
}

/// Why the last request failed, and what the customer can do.
pub(super) fn trouble(purchase: &Purchase) -> Option<String> {
    let (act, failure) = purchase.trouble.as_ref()?;
    let code = match failure {
        OriginFailure::Silent => return silence(*act).map(str::to_owned),
        OriginFailure::Refused(code) => code.as_str(),
    };
    Some(match (act, known(code)) {
        (PurchaseAction::Buy, Some(ErrorCode::SuspendedNonPayment)) => {
            "Your line is suspended, because a bill is unpaid. Pay it, then buy again.".to_owned()
        }
        (PurchaseAction::Buy, Some(ErrorCode::AccountNotFound)) => {
            "This line has ended, so there is no bill to put it on.".to_owned()
        }
        (PurchaseAction::Buy, Some(ErrorCode::InsufficientBalance)) => {
            "Your balance does not cover it. Top up, then buy again.".to_owned()
        }
        (PurchaseAction::Buy, Some(ErrorCode::AccountNotEligible)) => {
            "Your line cannot pay for other companies’ services. Call us to have that changed.".to_owned()
        }
        (PurchaseAction::Buy, Some(ErrorCode::ParameterNotSupported)) => {
            "This plan is not on sale at the moment. Please choose the other one.".to_owned()
        }
        (PurchaseAction::Buy, Some(ErrorCode::IdempotencyViolation)) => {
            "You have used that page for another purchase already. Please buy again on this page.".to_owned()
        }
        (_, Some(ErrorCode::TooManyRequests)) => {
            "That was asked for too often. Please wait a while, then try again.".to_owned()
        }
        (PurchaseAction::Buy, _) => {
            format!("This could not be sold ({code}). Please call us, and quote this code.")
        }
        (PurchaseAction::Resend, Some(ErrorCode::InvalidRequest)) => {
            "It cannot be sent again. Call us to get another one.".to_owned()
        }
        (PurchaseAction::Resend, _) => format!("It was not sent again: {}.", why(purchase, code)),
        (PurchaseAction::Void, _) => format!("It was not voided: {}.", why(purchase, code)),
    })
}

/// Why the last request failed, for the operator's staff: the reason, where the customer reads what to do.
pub(super) fn trouble_for_staff(purchase: &Purchase) -> Option<String> {
    match purchase.trouble.as_ref()? {
        (PurchaseAction::Buy, OriginFailure::Refused(code)) => {
            Some(format!("It was not sold: {}.", refusal_text(code)))
        }
        _ => trouble(purchase),
    }
}

/// Why the message with the code did not arrive, for the operator's staff.
pub(super) fn undelivered_text(reason: UndeliveredReason) -> &'static str {
    match reason {
        UndeliveredReason::Expired => "The network did not reach the phone in time.",
        UndeliveredReason::Deleted => "The network deleted it on its way.",
        UndeliveredReason::Undeliverable => "The network cannot deliver it to this phone.",
        UndeliveredReason::Rejected => "The network rejected it on its way.",
        UndeliveredReason::Refused => "The network did not take it.",
        UndeliveredReason::GivenUp => "The network never said whether it had taken it.",
        UndeliveredReason::NotSent => "It was not sent, because the number is no longer the buyer’s.",
    }
}

fn silence(act: PurchaseAction) -> Option<&'static str> {
    match act {
        // The status shows it.
        PurchaseAction::Buy => None,
        PurchaseAction::Resend => {
            Some("We do not know yet whether it was sent again. If no message arrives, try again.")
        }
        PurchaseAction::Void => Some("We do not know yet whether it was voided. Look again in a moment."),
    }
}

fn why(purchase: &Purchase, code: &str) -> String {
    match purchase.state() {
        Some(CouponState::Redeemed) => "it has been used".to_owned(),
        Some(CouponState::Expired) => "it has expired".to_owned(),
        Some(CouponState::Voided) => "it is void".to_owned(),
        _ => refusal_text(code),
    }
}

/// A refusal, as the end of a sentence.
fn refusal_text(code: &str) -> String {
    let text = match known(code) {
        Some(ErrorCode::SuspendedNonPayment) => "the line is suspended, because a bill is unpaid",
        Some(ErrorCode::AccountNotFound) => "the line has ended",
        Some(ErrorCode::InsufficientBalance) => "the balance does not cover it",
        Some(ErrorCode::AccountNotEligible) => "the line may not pay for other companies’ services",
        Some(ErrorCode::ParameterNotSupported) => "onbill does not know the plan, or not in this currency",
        Some(ErrorCode::IdempotencyViolation) => "its name was used for another coupon before",
        Some(ErrorCode::TooManyRequests) => "it was asked for too often",
        Some(ErrorCode::NotFound) => "onbill does not know the coupon",
        Some(ErrorCode::InvalidRequest) => "onbill did not accept what was asked",
        Some(ErrorCode::AuthorizationFailure | ErrorCode::Forbidden) => "onbill does not accept our key",
        _ => return format!("onbill gives the code {code}"),
    };
    text.to_owned()
}

fn known(code: &str) -> Option<ErrorCode> {
    serde_json::from_value(code.into()).ok()
}
