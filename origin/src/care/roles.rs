//! Which role may do what, in one table. The desk calls of the API ask it, and so does every page that
//! shows a person something.

use Role::{Admin, Auditor, Billing, Care, Finance, Fraud, Product, Supervisor};
pub use onbill_domain::wire::audit::ActorRole as Role;

onbill_domain::word_enum! {
    /// Something that a person does or looks at. Its word is in the audit when it was refused.
    pub enum Act {
        /// Look up the subscriber of a number, with their charges, SMS and events.
        SearchSubscriber = "search-subscriber",
        /// Take out all that is kept on one person.
        ExportSubscriber = "export-subscriber",
        /// Erase a person.
        EraseSubscriber = "erase-subscriber",
        /// Report an event of an account.
        ReportAccountEvent = "report-account-event",
        /// End a PAI.
        CloseLink = "close-link",
        /// Refund a charge. A supervisor's refunds have a ceiling in the configuration.
        PostRefund = "post-refund",
        /// Agree to another person's refund that is above their ceiling.
        ApproveRefund = "approve-refund",
        /// Look at the disputes of a period.
        ReadDisputes = "read-disputes",
        /// Open a dispute about a charge, or withdraw it as the customer wishes.
        OpenDispute = "open-dispute",
        /// Accept or reject a dispute.
        DecideDispute = "decide-dispute",
        /// Send an SMS again.
        ResendSms = "resend-sms",
        /// Issue a coupon.
        IssueCoupon = "issue-coupon",
        /// Take a coupon back.
        VoidCoupon = "void-coupon",
        /// Look at a coupon.
        ReadCoupons = "read-coupons",
        /// Look at what waits in the queues, dead letters and billing files included.
        ReadQueue = "read-queue",
        /// Put a dead letter back into its queue.
        RetryJob = "retry-job",
        /// Look at the alarms.
        ReadAlarms = "read-alarms",
        /// Close an alarm.
        CloseAlarm = "close-alarm",
        /// Look at counts and sums.
        ReadSummary = "read-summary",
        /// Look at how customers get through the sign-up.
        ReadFunnel = "read-funnel",
        /// Compare and settle a month: ledger, statement and bill.
        ReadMonth = "read-month",
        /// Look at charges without their subscriber.
        ReadTransactions = "read-transactions",
        /// Look at what customers have agreed to.
        ReadMandates = "read-mandates",
        /// Look at who did what, and who looked at whom.
        ReadAudit = "read-audit",
    }
}

/// Whether the role may do it. An admin has the command line of the origin, so that withholding
/// something from them here would only seem safe.
#[expect(clippy::match_same_arms, reason = "a table has a row for each kind of act")]
pub const fn permits(role: Role, act: Act) -> bool {
    match act {
        Act::SearchSubscriber | Act::CloseLink | Act::OpenDispute => {
            matches!(role, Care | Supervisor | Fraud | Admin)
        }
        Act::ResendSms => matches!(role, Care | Supervisor | Admin),
        Act::IssueCoupon | Act::VoidCoupon | Act::ReadCoupons => matches!(role, Care | Supervisor | Admin),
        Act::PostRefund => matches!(role, Supervisor | Billing | Admin),
        Act::ApproveRefund => matches!(role, Supervisor | Admin),
        Act::DecideDispute => matches!(role, Supervisor | Fraud | Admin),
        Act::ReadDisputes => matches!(role, Care | Supervisor | Finance | Fraud | Auditor | Admin),
        Act::ExportSubscriber | Act::EraseSubscriber => matches!(role, Supervisor | Admin),
        Act::ReportAccountEvent => matches!(role, Admin),
        Act::ReadQueue => matches!(role, Billing | Finance | Admin),
        Act::RetryJob => matches!(role, Billing | Admin),
        Act::ReadAlarms => matches!(role, Billing | Admin),
        Act::CloseAlarm => matches!(role, Admin),
        Act::ReadSummary => matches!(role, Supervisor | Billing | Finance | Product | Admin),
        Act::ReadFunnel => matches!(role, Product | Admin),
        Act::ReadMonth | Act::ReadTransactions => matches!(role, Finance | Auditor | Admin),
        Act::ReadMandates => matches!(role, Fraud | Auditor | Admin),
        Act::ReadAudit => matches!(role, Auditor | Admin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each role may do, written from its side.
    #[test]
    fn each_role_has_its_acts() {
        let acts = |role: Role| -> Vec<&str> {
            Act::ALL.into_iter().filter(|act| permits(role, *act)).map(Act::as_str).collect()
        };
        let care = "search-subscriber close-link read-disputes open-dispute resend-sms issue-coupon void-coupon \
                    read-coupons";
        let supervisor = "search-subscriber export-subscriber erase-subscriber close-link post-refund \
                          approve-refund read-disputes open-dispute decide-dispute resend-sms issue-coupon \
                          void-coupon read-coupons read-summary";
        for (role, expected) in [
            (Care, care),
            (Supervisor, supervisor),
            (Billing, "post-refund read-queue retry-job read-alarms read-summary"),
            (Finance, "read-disputes read-queue read-summary read-month read-transactions"),
            (Fraud, "search-subscriber close-link read-disputes open-dispute decide-dispute read-mandates"),
            (Product, "read-summary read-funnel"),
            (Auditor, "read-disputes read-month read-transactions read-mandates read-audit"),
        ] {
            let expected: Vec<&str> = expected.split_whitespace().collect();
            assert_eq!(acts(role), expected, "{}", role.as_str());
        }
        assert_eq!(acts(Admin).len(), Act::ALL.len());
    }

    #[test]
    fn documentation_has_the_acts_of_each_role() {
        const PAGE: &str = include_str!("../../../docs/operator.md");
        let documented = |role: Role| -> Vec<&str> {
            let start = format!("| `{}` | ", role.as_str());
            let rows = PAGE.lines().filter_map(|line| line.strip_prefix(start.as_str()));
            let mut cells = rows.filter_map(|row| row.strip_suffix(" |")?.split_once(" | "));
            let (_, may) = cells.next().expect("has a row");
            may.split(", ").map(|word| word.trim_matches('`')).collect()
        };
        for role in Role::ALL.into_iter().filter(|role| *role != Admin) {
            let acts = Act::ALL.into_iter().filter(|act| permits(role, *act)).map(Act::as_str);
            assert_eq!(documented(role), acts.collect::<Vec<_>>(), "{}", role.as_str());
        }
        assert_eq!(documented(Admin), ["everything"]);
    }
}
