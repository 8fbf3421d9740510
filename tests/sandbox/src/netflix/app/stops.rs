//! Why the app cannot continue, in words: what has happened, what its customer can do about it, and
//! the next step.

use super::device::AppStop;
use crate::page::moment;
use onbill_domain::refusal_detail::{Ineligibility, RefusalReason, Suspension, WayOnKind};
use onbill_domain::reject::ErrorCode;
use onbill_domain::timestamp::Timestamp;

/// A page of the app's.
pub(super) struct StopText {
    /// The error code, or a name of its own.
    pub(super) name: &'static str,
    pub(super) title: String,
    pub(super) text: String,
    /// The operator's page where its customer can do something about it, and the link's label.
    pub(super) way_on: Option<(String, String)>,
    /// The label of the button.
    pub(super) again: &'static str,
}

/// The words for a customer of `operator`, to whom a month costs `cost`.
pub(super) fn words(why: AppStop, operator: &str, cost: &str, now: Timestamp) -> StopText {
    const TRY_AGAIN: &str = "Try again";
    let say = |name: &'static str, title: String, text: String| StopText {
        name,
        title,
        text,
        way_on: None,
        again: TRY_AGAIN,
    };
    match why {
        AppStop::Refused(code) => {
            let (title, text) = refusal(code, operator, cost);
            say(code.as_str(), title, text)
        }
        AppStop::Explained { code, reason, way_on } => {
            let (title, text) = match reason {
                Some(reason) => explained(reason, operator),
                None => refusal(code, operator, cost),
            };
            let way_on = way_on.map(|way_on| (way_on.url, link_label(way_on.kind, operator)));
            StopText { way_on, ..say(code.as_str(), title, text) }
        }
        AppStop::TooOften { until } => {
            let text = match until.seconds_since(now) {
                ..=0 => "You can try again now.".to_owned(),
                seconds => {
                    format!("Please wait {}. You can try again from {}.", spoken(seconds), moment(until))
                }
            };
            say(ErrorCode::TooManyRequests.as_str(), "Too many tries".to_owned(), text)
        }
        AppStop::CodeUsedUp => StopText {
            name: "code-used-up",
            title: "This code was tried too often".to_owned(),
            text: "It is no longer valid. Request a new code.".to_owned(),
            way_on: None,
            again: "Send a new code",
        },
        AppStop::Silence => say(
            ErrorCode::ServiceUnavailable.as_str(),
            format!("{operator} does not answer right now"),
            "Nothing was changed, and nothing that you entered is lost. Please try again in a moment."
                .to_owned(),
        ),
    }
}

/// The operator's own reason.
fn explained(reason: RefusalReason, operator: &str) -> (String, String) {
    let barred = |text: &str| ("This line cannot pay here".to_owned(), format!("{text} Ask {operator}."));
    let suspended = |text: &str| ("Your line is suspended".to_owned(), text.to_owned());
    match reason {
        RefusalReason::Ineligible(reason) => barred(match reason {
            Ineligibility::BusinessLine => "It is a company’s.",
            Ineligibility::Minor => "It is a minor’s.",
            Ineligibility::BlockedByCustomer => "You have barred such charges on it.",
            Ineligibility::BlockedByOperator => "The operator has barred such charges on it.",
            Ineligibility::Credit => "The operator gives no credit for it.",
            Ineligibility::TooNew => "It is too new.",
            Ineligibility::Other => "The operator does not allow it.",
        }),
        RefusalReason::Suspended(Suspension::NonPayment) => {
            suspended(&format!("A bill at {operator} is unpaid. Once it is paid there, try again."))
        }
        RefusalReason::Suspended(Suspension::Voluntary) => {
            suspended(&format!("You asked {operator} for it. Once the line is active again, try again."))
        }
        RefusalReason::Suspended(Suspension::LostOrStolen) => {
            suspended(&format!("It was reported as lost or stolen. Ask {operator} to release it."))
        }
        RefusalReason::Suspended(Suspension::Fraud) => {
            suspended(&format!("{operator} has stopped it for your security. Ask {operator}."))
        }
    }
}

fn link_label(kind: WayOnKind, operator: &str) -> String {
    match kind {
        WayOnKind::TopUp => format!("Top up at {operator}"),
        WayOnKind::PayBill => format!("Pay the bill at {operator}"),
        WayOnKind::Help => format!("Ask {operator}"),
    }
}

fn refusal(code: ErrorCode, operator: &str, cost: &str) -> (String, String) {
    match code {
        ErrorCode::AccountNotFound => (
            format!("{operator} does not know this number"),
            format!(
                "If the SIM is new, {operator} may not have switched it on yet: try again later. If it is not, ask \
                 {operator} what has become of the number."
            ),
        ),
        ErrorCode::SuspendedNonPayment => (
            "Your line is suspended".to_owned(),
            format!("A bill at {operator} is unpaid. Once it is paid there, try again."),
        ),
        ErrorCode::InsufficientBalance => (
            "Your balance is too low".to_owned(),
            format!("A month costs {cost}. Top up at {operator}, then try again."),
        ),
        ErrorCode::AccountNotEligible => (
            "This line cannot pay here".to_owned(),
            format!(
                "{operator} lets some lines pay for nothing but calls, such as a company’s, and lines whose SIM was \
                 changed in the last days have to wait. Ask {operator}, or pay in another way."
            ),
        ),
        other => (
            "This did not work".to_owned(),
            format!(
                "{operator} did not accept what was asked ({}). Nothing was changed. Try again later, or pay in another \
                 way.",
                other.as_str()
            ),
        ),
    }
}

/// A time to wait, rounded up: `1 second`, `12 minutes`, `23 hours`.
fn spoken(seconds: i64) -> String {
    let (count, unit) = match seconds {
        ..=90 => (seconds, "second"),
        91..=5400 => ((seconds + 59) / 60, "minute"),
        _ => ((seconds + 3599) / 3600, "hour"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::spoken;

    #[test]
    fn wait_is_never_understated() {
        for (seconds, words) in [
            (1, "1 second"),
            (90, "90 seconds"),
            (91, "2 minutes"),
            (601, "11 minutes"),
            (5401, "2 hours"),
            (86_400, "24 hours"),
        ] {
            assert_eq!(spoken(seconds), words);
        }
    }
}
