//! The columns of each file, in the order of its first line.

/// Those of `pais.csv`.
pub const PAIS_HEADER: [&str; 14] = [
    "partner",
    "pai",
    "msisdn",
    "subscriber_ref",
    "state",
    "since",
    "ext_subscription_id",
    "origin",
    "plan",
    "price",
    "currency",
    "paid_until",
    "consent_at",
    "consent_by",
];

/// Those of `charges.csv`.
pub const CHARGES_HEADER: [&str; 11] = [
    "partner",
    "ext_transaction_id",
    "pai",
    "amount",
    "currency",
    "refunded",
    "status",
    "billing_ref",
    "posted_at",
    "period_from",
    "period_to",
];
