//! The refund form, and its input. The refund gets its id when the form is made, so that a second
//! click, or the same page sent again, is the same refund.

use super::Netflix;
use super::ledger::{RequestedCharge, RequestedRefund};
use crate::page::price;
use maud::{Markup, html};
use onbill_domain::currency::Currency;
use onbill_domain::ids::{ExtId, OperatorId};
use onbill_domain::money::Money;
use onbill_domain::wire::ott::RefundRequest;
use serde::Deserialize;

/// A form as it was sent.
#[derive(Deserialize)]
pub(super) struct EnteredRefundForm {
    operator: OperatorId,
    #[serde(rename = "extTransactionID")]
    charge: ExtId,
    #[serde(rename = "extRefundID")]
    refund: ExtId,
    /// In units of the currency, `8.00`; empty for all that is left.
    #[serde(default)]
    amount: String,
    #[serde(default)]
    reason: String,
}

impl EnteredRefundForm {
    /// Whether it is from this charge's form.
    pub(super) fn is_about(&self, charge: &RequestedCharge) -> bool {
        self.operator == charge.operator && self.charge == charge.id
    }

    /// The request in the form, or what is wrong with it. onbill checks the remaining amount.
    pub(super) fn read(&self, currency: Currency) -> Result<RefundRequest, &'static str> {
        let amount = match self.amount.trim() {
            "" => None,
            typed => Some(minor_units(typed, currency).ok_or("Enter an amount such as 8.00, or nothing.")?),
        };
        let request = RefundRequest {
            ext_refund_id: self.refund.clone(),
            amount: amount.map(|amount_minor| Money { amount_minor, currency }),
            reason: self.reason.trim().to_owned(),
        };
        let asked = request.check().map(|()| request);
        asked.map_err(|_| "Enter an amount above nothing, and why, in up to 100 characters.")
    }
}

/// Minor units of an amount as people type it, `8`, `8.5`, `8,50`; `None` for anything else. Digits
/// are never dropped.
fn minor_units(typed: &str, currency: Currency) -> Option<i64> {
    let (whole, part) = typed.split_once(['.', ',']).unwrap_or((typed, ""));
    let decimals = currency.decimals();
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(part) || part.len() > decimals {
        return None;
    }
    format!("{whole}{part:0<decimals$}").parse().ok()
}

/// A form for a new refund of a charge, with the earlier input and why it is invalid.
pub(super) fn fresh(
    netflix: &Netflix,
    charge: &RequestedCharge,
    remaining: Money,
    problem: Option<(&EnteredRefundForm, &str)>,
) -> Markup {
    let name = format!("ref-{}", netflix.0.outside.random.uuid());
    let (amount, reason) = problem.map_or(("", ""), |(entered, _)| (&entered.amount, &entered.reason));
    let id = |field: &str| format!("{field}-{}", charge.id);
    html! {
        details class="fold" open[problem.is_some()] {
            summary { "Give money back" }
            form method="post" action="/refunds" {
                (names(charge, &name))
                label for=(id("amount")) { "How much (" (remaining.currency) ")" }
                input id=(id("amount")) name="amount" inputmode="decimal" autocomplete="off" value=(amount)
                    aria-describedby=(id("hint"));
                p class="hint" id=(id("hint")) { "Leave it empty to give back all that is left, " (price(remaining)) "." }
                label for=(id("reason")) { "Why" }
                input id=(id("reason")) name="reason" required maxlength="100" autocomplete="off" value=(reason);
                @if let Some((_, message)) = problem { p class="problem" role="alert" { (message) } }
                button type="submit" { "Give back" }
            }
        }
    }
}

/// A button that requests the same refund again.
pub(super) fn again(charge: &RequestedCharge, refund: &RequestedRefund) -> Markup {
    // `8.00 USD` without its currency is how people type it.
    let amount = refund.asked.map(|asked| asked.to_string()).unwrap_or_default();
    html! {
        form method="post" action="/refunds" {
            (names(charge, refund.id.as_str()))
            input type="hidden" name="amount" value=(amount.split(' ').next().unwrap_or_default());
            input type="hidden" name="reason" value=(refund.reason);
            button type="submit" { "Ask again" }
        }
    }
}

fn names(charge: &RequestedCharge, refund: &str) -> Markup {
    html! {
        input type="hidden" name="operator" value=(charge.operator);
        input type="hidden" name="extTransactionID" value=(charge.id);
        input type="hidden" name="extRefundID" value=(refund);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_parsed_to_the_last_digit() {
        let read = |typed: &str, code: &str| minor_units(typed, Currency::parse(code).expect("is listed"));
        for (typed, code, minor) in [
            ("8", "USD", 800),
            ("8.5", "USD", 850),
            ("7,99", "EUR", 799),
            ("0.05", "USD", 5),
            ("800", "JPY", 800),
            ("1.5", "KWD", 1500),
        ] {
            assert_eq!(read(typed, code), Some(minor), "{typed} {code}");
        }
        for (typed, code) in [
            ("", "USD"),
            (".5", "USD"),
            ("8.005", "USD"),
            ("8.5", "JPY"),
            ("-8", "USD"),
            ("1,000.00", "USD"),
            ("8 $", "USD"),
            ("99999999999999999999", "USD"),
        ] {
            assert_eq!(read(typed, code), None, "{typed} {code}");
        }
    }
}
