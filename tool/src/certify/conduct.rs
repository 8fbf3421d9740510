//! What all responses of the other side have to be like. It is judged over every call of a run, so
//! that one slow or redirected response shows wherever it came.

use super::answer::{NoAnswer, quote};
use super::caller::Exchange;
use super::check::Outcome;
use super::limits::RESPONSE_BYTES_MAX;

/// How many cases a report names. The others are alike.
const NAMED_CASES_MAX: usize = 3;

/// Fails with the calls in which something is wrong.
pub(super) fn judge(exchanges: &[Exchange], wrong: impl Fn(&Exchange) -> Option<String>) -> Outcome {
    if exchanges.is_empty() {
        return Outcome::Skipped("no call was made".to_owned());
    }
    let cases: Vec<String> = exchanges
        .iter()
        .filter_map(|exchange| Some(format!("{} in {}: {}", exchange.call, exchange.check, wrong(exchange)?)))
        .collect();
    if cases.is_empty() {
        return Outcome::Passed;
    }
    let more = cases.len().saturating_sub(NAMED_CASES_MAX);
    let text = cases[..cases.len().min(NAMED_CASES_MAX)].join("; ");
    let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
    Outcome::Failed(text + &rest)
}

/// Every response comes while onbill still waits.
pub(super) fn in_time(exchanges: &[Exchange]) -> Outcome {
    judge(exchanges, |exchange| {
        let is_late = exchange.took > exchange.within || matches!(exchange.seen, Err(NoAnswer::Late(_)));
        let (took, within) = (exchange.took.as_secs_f32(), exchange.within.as_secs_f32());
        is_late.then(|| format!("{took:.1} s, and onbill waits {within:.1} s"))
    })
}

/// No response is a redirect: onbill follows none.
pub(super) fn no_redirect(exchanges: &[Exchange]) -> Outcome {
    judge(exchanges, |exchange| {
        let answer = exchange.seen.as_ref().ok()?;
        let to = answer.location.as_deref().map(|location| format!(" to {}", quote(location)));
        answer.is_redirect().then(|| format!("{}{}", answer.status, to.unwrap_or_default()))
    })
}

/// No response says success and has an error in its body.
pub(super) fn no_error_in_success(exchanges: &[Exchange]) -> Outcome {
    judge(exchanges, |exchange| {
        let answer = exchange.seen.as_ref().ok()?;
        answer.has_error_in_success().then(|| answer.to_string())
    })
}

/// No call ends in an error of the server.
pub(super) fn no_server_error(exchanges: &[Exchange]) -> Outcome {
    judge(exchanges, |exchange| {
        let answer = exchange.seen.as_ref().ok()?;
        (answer.status >= 500).then(|| answer.to_string())
    })
}

/// Every connection stays open until its response is whole.
pub(super) fn whole(exchanges: &[Exchange]) -> Outcome {
    judge(exchanges, |exchange| match &exchange.seen {
        Err(none @ NoAnswer::Broken(_)) => Some(none.to_string()),
        _ => None,
    })
}

/// No response is larger than onbill reads.
pub(super) fn within_size(exchanges: &[Exchange]) -> Outcome {
    judge(exchanges, |exchange| match &exchange.seen {
        Ok(answer) if answer.body.len() > RESPONSE_BYTES_MAX => Some(format!("{} bytes", answer.body.len())),
        Err(none @ NoAnswer::TooLarge) => Some(none.to_string()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certify::answer::Answer;
    use bytes::Bytes;
    use std::time::Duration;

    #[test]
    fn cases_are_named_up_to_a_limit() {
        let exchange = |status| Exchange {
            call: "GET /a".to_owned(),
            check: "a-1",
            within: Duration::from_secs(1),
            took: Duration::ZERO,
            seen: Ok(Answer { status, content_type: String::new(), location: None, body: Bytes::new() }),
        };
        assert!(matches!(no_redirect(&[]), Outcome::Skipped(_)));
        assert_eq!(no_redirect(&[exchange(200)]), Outcome::Passed);
        let five = [301, 302, 303, 307, 308].map(exchange);
        let text = "GET /a in a-1: 301; GET /a in a-1: 302; GET /a in a-1: 303; and 2 more";
        assert_eq!(no_redirect(&five), Outcome::Failed(text.to_owned()));
    }
}
