//! The tables that have something about a person, and what of them is for that person to read.

use super::source::{KeptBy, Source};

/// The tables, in the order in which a person reads them.
pub(super) const SOURCES: &[Source] = &[
    Source {
        table: "subscribers",
        title: "The subscriber",
        by: KeptBy::Subscriber,
        columns: &[
            "created_at",
            "handle",
            "subscriber_ref",
            "number_since_nanoseconds",
            "last_event_at_nanoseconds",
            "ended_at",
            "erasure_requested_at",
        ],
    },
    Source {
        table: "accounts",
        title: "The account, as the operator has reported it",
        by: KeptBy::Number,
        columns: &[
            "status",
            "account_type",
            "balance_minor",
            "currency",
            "activated_on",
            "changed_at_nanoseconds",
        ],
    },
    Source {
        table: "pais",
        title: "Links with partners",
        by: KeptBy::Subscriber,
        columns: &[
            "created_at",
            "pai",
            "partner",
            "state",
            "closed_reason",
            "closed_at",
            "dark_since",
            "cut_over_at",
            "paid_until",
        ],
    },
    Source {
        table: "signups",
        title: "Sign-ups",
        by: KeptBy::Pai,
        columns: &[
            "issued_at",
            "jti",
            "partner",
            "pai",
            "offer",
            "locale",
            "account_type",
            "partner_return_url",
            "return_url",
            "spent_at",
            "ext_reference",
        ],
    },
    Source {
        table: "partner_subscriptions",
        title: "Subscriptions",
        by: KeptBy::Pai,
        columns: &[
            "created_at",
            "partner_subscription_id",
            "partner",
            "ext_subscription_id",
            "pai",
            "origin",
            "plan",
            "status",
            "changed_at",
            "change_reason",
            "ended_at",
            "ended_by",
        ],
    },
    Source {
        table: "mandates",
        title: "Agreements",
        by: KeptBy::Pai,
        columns: &[
            "sequence",
            "mandate_id",
            "partner",
            "pai",
            "offer",
            "plan",
            "price_minor",
            "currency",
            "period",
            "terms_id",
            "locale",
            "proof",
            "proof_reference",
            "accepted_at",
            "recorded_at",
            "supersedes",
            "partner_subscription_id",
            "in_force_from",
            "change_id",
        ],
    },
    Source {
        table: "transactions",
        title: "Charges",
        by: KeptBy::Pai,
        columns: &[
            "created_at",
            "transaction_id",
            "partner",
            "ext_transaction_id",
            "pai",
            "amount_minor",
            "currency",
            "tax_minor",
            "tax_rate",
            "offer",
            "plan",
            "charge_code",
            "description",
            "period_from",
            "period_to",
            "status",
            "decline_reason",
            "raw_code",
            "raw_scope",
            "mandate_id",
            "billed_on",
            "settled_at",
            "refunded_minor",
            "billing_ref",
        ],
    },
    Source {
        table: "refunds",
        title: "Refunds",
        by: KeptBy::Charge,
        columns: &[
            "created_at",
            "refund_id",
            "partner",
            "ext_refund_id",
            "transaction_id",
            "amount_minor",
            "tax_minor",
            "reason",
            "status",
            "raw_code",
            "settled_at",
            "borne_by",
        ],
    },
    Source {
        table: "refund_requests",
        title: "Refunds that a second person decides about",
        by: KeptBy::Charge,
        columns: &[
            "asked_at",
            "request_id",
            "transaction_id",
            "amount_minor",
            "currency",
            "reason",
            "borne_by",
            "reference",
            "asked_role",
            "state",
            "decided_at",
        ],
    },
    Source {
        table: "disputes",
        title: "Disputes",
        by: KeptBy::Charge,
        columns: &["opened_at", "dispute_id", "transaction_id", "reference", "reason", "state", "decided_at"],
    },
    Source {
        table: "file_lines",
        title: "Lines of billing files",
        by: KeptBy::Charge,
        columns: &["file_id", "line", "transaction_id"],
    },
    Source {
        table: "spending",
        title: "What counts against the spending limits",
        by: KeptBy::Subscriber,
        columns: &["currency", "day", "day_minor", "month_minor"],
    },
    Source {
        table: "coupons",
        title: "Coupons",
        by: KeptBy::Pai,
        columns: &[
            "issued_at",
            "coupon_id",
            "ext_coupon_id",
            "pai",
            "plan",
            "months",
            "offer",
            "description",
            "locale",
            "amount_minor",
            "currency",
            "sms_count",
            "message_id",
            "expires_at",
            "sent_at",
            "delivered_at",
            "undelivered_at",
            "undelivered_reason",
            "undelivered_code",
            "voided_at",
            "redeemed_at",
            "transaction_id",
            "unpaid_at",
        ],
    },
    Source {
        table: "coupon_resends",
        title: "Coupons that were sent again",
        by: KeptBy::Coupon,
        columns: &["coupon_id", "resend_id"],
    },
    Source {
        table: "coupon_redemptions",
        title: "Months from coupons",
        by: KeptBy::Pai,
        columns: &[
            "period_from",
            "period_to",
            "transaction_id",
            "coupon_id",
            "partner",
            "ext_reference",
            "pai",
            "requested_pai",
            "outcome",
            "reminded_at",
        ],
    },
    Source {
        table: "notifications",
        title: "Messages of partners, without their text",
        by: KeptBy::Pai,
        columns: &["accepted_at", "notification_id", "partner", "ext_notification_id", "pai"],
    },
    Source {
        table: "account_events",
        title: "Events of the account",
        by: KeptBy::Subscriber,
        columns: &["occurred_at_nanoseconds", "event_id", "event", "recorded_at", "outcome"],
    },
    Source {
        table: "flows",
        title: "Visits of the last day",
        by: KeptBy::NumberSince("t.started_at"),
        columns: &[
            "started_at",
            "partner",
            "offer",
            "locale",
            "return_url",
            "expires_at",
            "proven_at",
            "pin_expires_at",
            "pin_tries",
            "pin_asked_by",
        ],
    },
    Source {
        table: "number_checks",
        title: "How often partners asked about the number",
        by: KeptBy::NumberSince("t.day * 86400"),
        columns: &["day", "partner", "counted"],
    },
    Source {
        table: "sim_swaps",
        title: "The latest change of the SIM",
        by: KeptBy::NumberSince("t.swapped_at"),
        columns: &["swapped_at"],
    },
    Source {
        table: "audit",
        title: "Who looked at it, and what they did",
        by: KeptBy::Handle,
        columns: &["sequence", "recorded_at", "role", "act", "outcome", "reason"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    const SCHEMA: &str = include_str!("../../../migrations/schema.sqlite.sql");

    /// What says nothing about the person, or nothing that a person could read: hashes, sealed values of
    /// what they know, the technology of a call, the place in a file that was loaded, and who of the
    /// operator's staff it was.
    const NOT_SHOWN: &[&str] = &[
        "fingerprint",
        "number_index",
        "number_sealed",
        "subscriber_id",
        "stored_response",
        "responding_until",
        "version",
        "dark_version",
        "ticket_hash",
        "flow_hash",
        "code_hash",
        "pin_mac",
        "pin_sent_to",
        "terms_sha256",
        "words_sha256",
        "correlator",
        "traceparent",
        "migration_file",
        "migration_line",
        "migration_fingerprint",
        "actor",
        "asked_by",
        "decided_by",
        "key_id",
        "subject",
        "previous",
        "hash",
    ];

    /// Columns that lead to a person.
    const LEADS_TO_PERSON: &[&str] =
        &["subscriber_id", "pai", "number_index", "handle", "transaction_id", "refund_id", "coupon_id"];

    /// The queue has work of minutes to days about what is in the other tables.
    const NO_SOURCE: &[&str] = &["outbox"];

    fn read_schema() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
        let mut tables = BTreeMap::new();
        for statement in SCHEMA.split("CREATE TABLE ").skip(1) {
            let (name, rest) = statement.split_once(" (\n").expect("has columns");
            let body = rest.split("\n)").next().expect("has an end");
            let columns = body
                .lines()
                .filter_map(|line| line.strip_prefix("    "))
                .filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
            let columns = columns.filter_map(|line| line.split_whitespace().next());
            tables.insert(name, columns.collect());
        }
        tables
    }

    #[test]
    fn every_table_that_leads_to_a_person_is_exported() {
        let sources: BTreeSet<&str> = SOURCES.iter().map(|source| source.table).collect();
        for (table, columns) in read_schema() {
            let leads = LEADS_TO_PERSON.iter().any(|column| columns.contains(column));
            assert_eq!(leads && !NO_SOURCE.contains(&table), sources.contains(table), "{table}");
        }
    }

    #[test]
    fn every_column_is_exported_or_left_out_on_purpose() {
        let schema = read_schema();
        for source in SOURCES {
            for column in &schema[source.table] {
                let is_left_out = NOT_SHOWN.contains(column)
                    || (source.table, *column) == ("audit", "reference")
                    || (source.table, *column) == ("audit", "handle")
                    || (source.table, *column) == ("file_lines", "refund_id");
                let is_shown = source.columns.contains(column);
                assert_ne!(is_shown, is_left_out, "{}.{column}", source.table);
            }
        }
    }
}
