-- What the operator reported of accounts. Every event, for ever; numbers are found by their keyed index only.
CREATE TABLE account_events (
    event_id     TEXT PRIMARY KEY,
    fingerprint  BLOB NOT NULL,
    event        TEXT NOT NULL,
    number_index BLOB NOT NULL,
    occurred_at  INTEGER NOT NULL,
    recorded_at  INTEGER NOT NULL,
    outcome      TEXT NOT NULL CHECK (outcome IN ('APPLIED', 'SUPERSEDED', 'NO_SUBSCRIBER', 'CONTRADICTORY'))
) STRICT, WITHOUT ROWID;
CREATE INDEX account_events_by_number ON account_events (number_index, occurred_at);

-- Nothing that happened before this moment changes the subscriber, or the account in the embedded table, any more.
ALTER TABLE subscribers ADD COLUMN last_event_at INTEGER;
ALTER TABLE accounts ADD COLUMN changed_at INTEGER;

-- When a number was last put on another SIM, whoever has it.
CREATE TABLE sim_swaps (
    number_index BLOB PRIMARY KEY,
    swapped_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The outbox also takes what the partner and the edge have yet to hear of a PAI: one entry for each of them, which tells
-- how the PAI stands when it is delivered.
CREATE TABLE new_outbox (
    entry_id       INTEGER PRIMARY KEY AUTOINCREMENT,
    kind           TEXT NOT NULL CHECK (kind IN
        ('charge', 'refund', 'charge-notice', 'refund-notice', 'pai-notice', 'pai-mapping', 'pin')),
    transaction_id TEXT REFERENCES transactions,
    refund_id      TEXT REFERENCES refunds,
    pai            TEXT REFERENCES pais,
    payload        BLOB,
    due_at         INTEGER NOT NULL,
    attempts       INTEGER NOT NULL,
    parked_at      INTEGER,
    UNIQUE (transaction_id, kind),
    UNIQUE (refund_id, kind),
    UNIQUE (pai, kind),
    CHECK ((kind IN ('charge', 'charge-notice')) = (transaction_id IS NOT NULL)),
    CHECK ((kind IN ('refund', 'refund-notice')) = (refund_id IS NOT NULL)),
    CHECK ((kind IN ('pai-notice', 'pai-mapping')) = (pai IS NOT NULL)),
    CHECK ((kind = 'pin') = (payload IS NOT NULL))
) STRICT;
INSERT INTO new_outbox (entry_id, kind, transaction_id, refund_id, payload, due_at, attempts, parked_at)
SELECT entry_id, kind, transaction_id, refund_id, payload, due_at, attempts, parked_at FROM outbox;
DROP TABLE outbox;
ALTER TABLE new_outbox RENAME TO outbox;
CREATE INDEX outbox_by_kind_and_due ON outbox (kind, due_at) WHERE parked_at IS NULL;
CREATE INDEX outbox_parked ON outbox (entry_id) WHERE parked_at IS NOT NULL;

-- Whether a partner has ever had a subscription for a PAI, and so has to hear of it.
CREATE INDEX partner_subscriptions_by_pai ON partner_subscriptions (pai);

-- The number that a charge went out with in a file that is still being written, when its subscriber has another one since:
-- a file is the same bytes however often it is written.
ALTER TABLE file_lines ADD COLUMN number_sealed BLOB;
