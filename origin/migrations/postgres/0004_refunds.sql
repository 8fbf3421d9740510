-- What has been given back of a charge, or is on its way back. Never more than it was.
ALTER TABLE transactions ADD COLUMN refunded_minor BIGINT NOT NULL DEFAULT 0
    CHECK (refunded_minor BETWEEN 0 AND amount_minor);

-- Every refund, for ever. It is in the currency of its charge.
CREATE TABLE refunds (
    refund_id       TEXT PRIMARY KEY,
    partner         TEXT NOT NULL,
    ext_refund_id   TEXT NOT NULL,
    fingerprint     BYTEA NOT NULL,
    transaction_id  TEXT NOT NULL REFERENCES transactions,
    amount_minor    BIGINT NOT NULL CHECK (amount_minor > 0),
    reason          TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('PENDING', 'APPROVED', 'DECLINED')),
    raw_code        TEXT,
    answer          BYTEA,
    answering_until BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    settled_at      BIGINT,
    UNIQUE (partner, ext_refund_id)
);

-- What one holder of a number was charged on the latest day with a charge, and in that day's month.
CREATE TABLE spending (
    subscriber_id TEXT NOT NULL REFERENCES subscribers,
    currency      TEXT NOT NULL,
    day           TEXT NOT NULL,
    day_minor     BIGINT NOT NULL,
    month_minor   BIGINT NOT NULL,
    PRIMARY KEY (subscriber_id, currency)
);

-- The outbox also takes refunds, and what the partner is told of a charge or a refund that was settled after its answer.
-- Who leases an entry moves the time at which it is due: one column says when anybody may take it, and an index finds it.
UPDATE outbox SET due_at = greatest(due_at, leased_until);
ALTER TABLE outbox
    DROP COLUMN leased_until,
    ADD COLUMN refund_id TEXT REFERENCES refunds,
    DROP CONSTRAINT outbox_kind_check,
    DROP CONSTRAINT outbox_transaction_id_key,
    DROP CONSTRAINT outbox_check,
    ADD CHECK (kind IN ('charge', 'refund', 'charge-notice', 'refund-notice', 'pin')),
    ADD UNIQUE (transaction_id, kind),
    ADD UNIQUE (refund_id, kind),
    ADD CHECK ((kind IN ('charge', 'charge-notice')) = (transaction_id IS NOT NULL)),
    ADD CHECK ((kind IN ('refund', 'refund-notice')) = (refund_id IS NOT NULL));
