//! What every response of the partner has to be like. These come last: they judge all calls of the run.

use super::kit::{PartnerKit, SIGNUP};
use crate::certify::caller::Exchange;
use crate::certify::check::{Check, CheckFacts};
use crate::certify::conduct;

pub(super) static CHECKS: &[Check<PartnerKit>] = &[
    Check {
        facts: CheckFacts {
            id: "partner-time",
            name: "Every response comes in time",
            expected: "8 seconds at most",
            mend: "Store the webhook and answer, and do the rest afterwards. What comes late counts as no response, and is sent again.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { conduct::in_time(&kit.caller.exchanges()) }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-whole",
            name: "Every response is whole",
            expected: "a connection that stays open until the response has been read",
            mend: "Send the length that you announce. Look for a proxy that closes connections.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { conduct::whole(&kit.caller.exchanges()) }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-size",
            name: "No response is too large",
            expected: "16 KiB at most",
            mend: "Answer webhooks without a body. onbill reads 16 KiB, and takes more for no response.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { conduct::within_size(&kit.caller.exchanges()) }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-no-redirect",
            name: "No response is a redirect",
            expected: "no status of 3xx",
            mend: "Serve your calls at the address that onbill has. A signature is for one address, so redirects are not followed.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { conduct::no_redirect(&kit.caller.exchanges()) }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-no-server-error",
            name: "No webhook ends in an error of the server",
            expected: "no status of 5xx",
            mend: "Find the call in your log. Answer a bad request with 4xx, and a repeated one with 2xx.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { conduct::no_server_error(&webhooks(kit)) }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-no-error-in-success",
            name: "No success has an error in its body",
            expected: "an error with a status of 4xx or 5xx",
            mend: "Set the HTTP status of the error. For a webhook, 200 says that you have it, and it never comes again.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { conduct::no_error_in_success(&kit.caller.exchanges()) }),
    },
];

/// All calls but the sign-ups: one that cannot be opened may be refused as 503.
fn webhooks(kit: &PartnerKit) -> Vec<Exchange> {
    let mut exchanges = kit.caller.exchanges();
    exchanges.retain(|exchange| !exchange.call.ends_with(SIGNUP));
    exchanges
}
