//! What every response of the API has to be like. These come last: they judge all calls of the run.

use super::charges::CUT_OFF;
use super::kit::{ACCOUNT, CHARGE, CspKit};
use super::signatures::OTHER_HOST;
use crate::certify::caller::Exchange;
use crate::certify::check::{Check, CheckFacts};
use crate::certify::conduct;
use std::time::Duration;

pub(super) static CHECKS: &[Check<CspKit>] = &[
    Check {
        facts: CheckFacts {
            id: "csp-time",
            name: "Every response comes in time",
            expected: "8 seconds at most; 5 for a refund, and for a charge together with the look-up before it",
            mend: "Answer within the limit, or decide later calls from what you have stored. What comes late counts as no response.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { conduct::in_time(&with_look_ups(exchanges(kit))) }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-whole",
            name: "Every response is whole",
            expected: "a connection that stays open until the response has been read",
            mend: "Keep a connection open for two seconds after a response, or say connection: close in it. Send the length that you announce. Look for a proxy that closes connections.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { conduct::whole(&exchanges(kit)) }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-size",
            name: "No response is too large",
            expected: "16 KiB at most",
            mend: "Answer with the members of the contract. onbill reads 16 KiB, and takes more for no response.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { conduct::within_size(&exchanges(kit)) }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-no-redirect",
            name: "No response is a redirect",
            expected: "no status of 3xx",
            mend: "Serve the API at the address that onbill has. A signature is for one address, so redirects are not followed.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { conduct::no_redirect(&exchanges(kit)) }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-no-server-error",
            name: "No call ends in an error of the server",
            expected: "no status of 5xx",
            mend: "Find the call in your log. Answer a bad request with 4xx, and a repeated one with its first response.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { conduct::no_server_error(&finished(exchanges(kit))) }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-no-error-in-success",
            name: "No success has an error in its body",
            expected: "an error with a status of 4xx or 5xx",
            mend: "Set the HTTP status of the error. For a refund, 200 alone already means approval.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { conduct::no_error_in_success(&exchanges(kit)) }),
    },
];

/// All calls but the one that names another host: a proxy may answer that in any way.
fn exchanges(kit: &CspKit) -> Vec<Exchange> {
    let mut exchanges = kit.caller.exchanges();
    exchanges.retain(|exchange| exchange.check != OTHER_HOST);
    exchanges
}

/// Each charge with the time of the look-up before it: the partner waits for both together.
fn with_look_ups(mut exchanges: Vec<Exchange>) -> Vec<Exchange> {
    let (look_up, charge) = (format!("POST {ACCOUNT}"), format!("POST {CHARGE}"));
    let mut looked_up = Duration::ZERO;
    for exchange in &mut exchanges {
        if exchange.call == look_up {
            looked_up = exchange.took;
        } else if exchange.call == charge {
            exchange.took += looked_up;
            exchange.call = format!("{charge} with the look-up before it");
        }
    }
    exchanges
}

/// All calls but the look-ups of a charge that was cut off: it may still be under way, and the API may
/// say so as it likes.
fn finished(mut exchanges: Vec<Exchange>) -> Vec<Exchange> {
    exchanges.retain(|exchange| exchange.check != CUT_OFF || !exchange.call.starts_with("GET "));
    exchanges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certify::answer::Answer;
    use crate::certify::check::Outcome;
    use bytes::Bytes;

    fn exchange(call: &str, check: &'static str, status: u16, millis: u64) -> Exchange {
        Exchange {
            call: call.to_owned(),
            check,
            within: Duration::from_secs(5),
            took: Duration::from_millis(millis),
            seen: Ok(Answer { status, content_type: String::new(), location: None, body: Bytes::new() }),
        }
    }

    #[test]
    fn charge_has_its_time_together_with_the_look_up() {
        let judged = |look_up, charge| {
            let calls = [("POST /account/validate", look_up), ("POST /transaction", charge)];
            conduct::in_time(&with_look_ups(
                calls.map(|(call, took)| exchange(call, "a-1", 200, took)).into(),
            ))
        };
        assert_eq!(judged(2_000, 2_900), Outcome::Passed);
        let late = "POST /transaction with the look-up before it in a-1: 6.0 s, and onbill waits 5.0 s";
        assert_eq!(judged(3_000, 3_000), Outcome::Failed(late.to_owned()));
    }

    #[test]
    fn charge_that_was_cut_off_may_still_be_under_way() {
        let of = |call, check| {
            conduct::no_server_error(&finished(vec![
                exchange(call, check, 503, 1),
                exchange("POST /account/validate", check, 200, 1),
            ]))
        };
        assert_eq!(of("GET /transaction/1", CUT_OFF), Outcome::Passed);
        assert!(matches!(of("GET /transaction/1", "csp-charge-looked-up"), Outcome::Failed(_)));
        assert!(matches!(of("POST /transaction", CUT_OFF), Outcome::Failed(_)));
    }
}
