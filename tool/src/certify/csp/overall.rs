//! What every response of the API has to be like. These come last: they judge all calls of the run.

use super::kit::CspKit;
use crate::certify::check::{Check, CheckFacts};
use crate::certify::conduct;

pub(super) static CHECKS: &[Check<CspKit>] = &[
    Check {
        facts: CheckFacts {
            id: "csp-time",
            name: "Every response comes in time",
            expected: "8 seconds at most, and 5 for a charge",
            mend: "Answer within the limit, or decide later calls from what you have stored. What comes late counts as no response.",
        },
        run: |kit| Box::pin(async move { conduct::in_time(&kit.caller.exchanges()) }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-whole",
            name: "Every response is whole",
            expected: "a connection that stays open until the response has been read",
            mend: "Send the length that you announce. Look for a proxy that closes connections.",
        },
        run: |kit| Box::pin(async move { conduct::whole(&kit.caller.exchanges()) }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-size",
            name: "No response is too large",
            expected: "16 KiB at most",
            mend: "Answer with the members of the contract. onbill reads 16 KiB, and takes more for no response.",
        },
        run: |kit| Box::pin(async move { conduct::within_size(&kit.caller.exchanges()) }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-no-redirect",
            name: "No response is a redirect",
            expected: "no status of 3xx",
            mend: "Serve the API at the address that onbill has. A signature is for one address, so redirects are not followed.",
        },
        run: |kit| Box::pin(async move { conduct::no_redirect(&kit.caller.exchanges()) }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-no-server-error",
            name: "No call ends in an error of the server",
            expected: "no status of 5xx",
            mend: "Find the call in your log. Answer a bad request with 4xx, and a repeated one with its first response.",
        },
        run: |kit| Box::pin(async move { conduct::no_server_error(&kit.caller.exchanges()) }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-no-error-in-success",
            name: "No success has an error in its body",
            expected: "an error with a status of 4xx or 5xx",
            mend: "Set the HTTP status of the error. For a refund, 200 alone already means approval.",
        },
        run: |kit| Box::pin(async move { conduct::no_error_in_success(&kit.caller.exchanges()) }),
    },
];
