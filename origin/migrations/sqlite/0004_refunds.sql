-- What has been given back of a charge, or is on its way back. Never more than it was.
ALTER TABLE transactions ADD COLUMN refunded_minor INTEGER NOT NULL DEFAULT 0
    CHECK (refunded_minor BETWEEN 0 AND amount_minor);

-- Every refund, for ever. It is in the currency of its charge.
CREATE TABLE refunds (
    refund_id       TEXT PRIMARY KEY,
    partner         TEXT NOT NULL,
    ext_refund_id   TEXT NOT NULL,
    fingerprint     BLOB NOT NULL,
    transaction_id  TEXT NOT NULL REFERENCES transactions,
    amount_minor    INTEGER NOT NULL CHECK (amount_minor > 0),
    reason          TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('PENDING', 'APPROVED', 'DECLINED')),
    raw_code        TEXT,
    answer          BLOB,
    answering_until INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    settled_at      INTEGER,
    UNIQUE (partner, ext_refund_id)
) STRICT, WITHOUT ROWID;

-- What one holder of a number was charged on the latest day with a charge, and in that day's month.
CREATE TABLE spending (
    subscriber_id TEXT NOT NULL REFERENCES subscribers,
    currency      TEXT NOT NULL,
    day           TEXT NOT NULL,
    day_minor     INTEGER NOT NULL,
    month_minor   INTEGER NOT NULL,
    PRIMARY KEY (subscriber_id, currency)
) STRICT, WITHOUT ROWID;

-- The outbox also takes refunds, and what the partner is told of a charge or a refund that was settled after its answer.
-- Who leases an entry moves the time at which it is due: one column says when anybody may take it, and an index finds it.
CREATE TABLE new_outbox (
    entry_id       INTEGER PRIMARY KEY AUTOINCREMENT,
    kind           TEXT NOT NULL CHECK (kind IN ('charge', 'refund', 'charge-notice', 'refund-notice', 'pin')),
    transaction_id TEXT REFERENCES transactions,
    refund_id      TEXT REFERENCES refunds,
    payload        BLOB,
    due_at         INTEGER NOT NULL,
    attempts       INTEGER NOT NULL,
    parked_at      INTEGER,
    UNIQUE (transaction_id, kind),
    UNIQUE (refund_id, kind),
    CHECK ((kind IN ('charge', 'charge-notice')) = (transaction_id IS NOT NULL)),
    CHECK ((kind IN ('refund', 'refund-notice')) = (refund_id IS NOT NULL)),
    CHECK ((kind = 'pin') = (payload IS NOT NULL))
) STRICT;
INSERT INTO new_outbox (entry_id, kind, transaction_id, payload, due_at, attempts, parked_at)
SELECT entry_id, kind, transaction_id, payload, max(due_at, leased_until), attempts, parked_at FROM outbox;
DROP TABLE outbox;
ALTER TABLE new_outbox RENAME TO outbox;
CREATE INDEX outbox_by_kind_and_due ON outbox (kind, due_at) WHERE parked_at IS NULL;
