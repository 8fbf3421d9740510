//! Which checks another one rests on. When one of those has failed, it is not run: it would fail for the
//! same cause, and its advice would be about something else.

/// The earlier checks without which this one says nothing of its own.
pub(super) fn needs(check: &str) -> &'static [&'static str] {
    match check {
        "csp-account-active"
        | "csp-time"
        | "csp-whole"
        | "csp-size"
        | "csp-no-redirect"
        | "csp-no-server-error"
        | "csp-no-error-in-success" => &[],
        // Another id each time is another subscriber each time, who is not charged.
        "csp-charge-approved" => &["csp-account-active", "csp-account-stable"],
        // Each posts a charge more than once.
        "csp-charge-parallel"
        | "csp-charge-looked-up"
        | "csp-charge-declined-suspended"
        | "csp-charge-declined-ceased"
        | "csp-charge-declined-balance"
        | "csp-charge-declined-other-subscriber" => &["csp-charge-approved", "csp-charge-repeated"],
        "csp-charge-parallel-balance" => &[
            "csp-charge-approved",
            "csp-charge-repeated",
            "csp-charge-parallel",
            "csp-refund-half",
            "csp-refund-prepaid",
        ],
        "csp-charge-cut-off" => &["csp-charge-approved", "csp-charge-repeated", "csp-charge-looked-up"],
        "csp-charge-form" | "csp-charge-repeated" | "csp-charge-malformed" | "csp-refund-half" => {
            &["csp-charge-approved"]
        }
        // A route that refuses everything would refuse what it must.
        "csp-refund-repeated" | "csp-refund-too-much" | "csp-refund-unknown" | "csp-refund-prepaid" => {
            &["csp-charge-approved", "csp-refund-half"]
        }
        "csp-refund-parallel" => &["csp-charge-approved", "csp-refund-half", "csp-refund-repeated"],
        "csp-signature-missing"
        | "csp-signature-wrong"
        | "csp-signature-late"
        | "csp-signature-other-address"
        | "csp-signature-other-host"
        | "csp-signature-body-changed" => &["csp-charge-approved"],
        _ => &["csp-account-active"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certify::csp_checks;

    #[test]
    fn what_a_check_needs_comes_before_it() {
        let ids: Vec<&str> = csp_checks().iter().map(|facts| facts.id).collect();
        for (at, id) in ids.iter().enumerate() {
            for needed in needs(id) {
                assert!(ids[..at].contains(needed), "{id} needs {needed}");
            }
        }
    }
}
