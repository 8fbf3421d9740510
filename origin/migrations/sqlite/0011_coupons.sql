-- Coupons, each for the subscriber that bought it; without what was asked for once that subscriber was erased. Of a code only
-- a keyed hash is kept. How a coupon stands follows from its times: a state of its own could contradict them.
CREATE TABLE coupons (
    coupon_id      TEXT PRIMARY KEY,
    ext_coupon_id  TEXT NOT NULL UNIQUE,
    fingerprint    BLOB,
    pai            TEXT NOT NULL REFERENCES pais,
    plan           TEXT NOT NULL,
    months         INTEGER NOT NULL CHECK (months > 0),
    offer          TEXT NOT NULL,
    description    TEXT NOT NULL,
    locale         TEXT NOT NULL,
    amount_minor   INTEGER NOT NULL CHECK (amount_minor > 0),
    currency       TEXT NOT NULL,
    code_hash      BLOB NOT NULL UNIQUE,
    texts          INTEGER NOT NULL,
    message_id     TEXT,
    issued_at      INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    sent_at        INTEGER,
    delivered_at   INTEGER,
    voided_at      INTEGER,
    redeemed_at    INTEGER,
    transaction_id TEXT REFERENCES transactions,
    unpaid_at      INTEGER,
    CHECK ((redeemed_at IS NULL) = (transaction_id IS NULL)),
    CHECK (voided_at IS NULL OR redeemed_at IS NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX coupons_by_pai ON coupons (pai);
CREATE INDEX coupons_by_message ON coupons (message_id) WHERE message_id IS NOT NULL AND delivered_at IS NULL;
CREATE INDEX coupons_unpaid ON coupons (ext_coupon_id) WHERE unpaid_at IS NOT NULL;

-- Every attempt at redeeming a coupon that was its own code, for ever. The days are those of `pai`, who need not be the
-- one that pays.
CREATE TABLE coupon_redemptions (
    transaction_id  TEXT PRIMARY KEY REFERENCES transactions,
    coupon_id       TEXT NOT NULL REFERENCES coupons,
    partner         TEXT NOT NULL,
    ext_reference   TEXT NOT NULL,
    code_hash       BLOB NOT NULL,
    asked_pai       TEXT,
    pai             TEXT NOT NULL REFERENCES pais,
    period_from     TEXT NOT NULL,
    period_to       TEXT NOT NULL,
    outcome         TEXT NOT NULL CHECK (outcome IN ('PENDING', 'REDEEMED', 'DECLINED')),
    answering_until INTEGER NOT NULL,
    reminded_at     INTEGER,
    UNIQUE (partner, ext_reference)
) STRICT, WITHOUT ROWID;
CREATE INDEX coupon_redemptions_by_pai ON coupon_redemptions (pai, period_to) WHERE outcome <> 'DECLINED';
CREATE INDEX coupon_redemptions_by_end ON coupon_redemptions (period_to)
    WHERE outcome = 'REDEEMED' AND reminded_at IS NULL;

-- Until when charges have paid for a PAI.
CREATE INDEX transactions_by_period ON transactions (pai, period_to) WHERE status <> 'DECLINED';

-- Codes that were nobody's, for each partner and hour since 1970.
CREATE TABLE coupon_guesses (
    partner TEXT NOT NULL,
    hour    INTEGER NOT NULL,
    wrong   INTEGER NOT NULL,
    PRIMARY KEY (partner, hour)
) STRICT, WITHOUT ROWID;

-- What the message centre has reported of messages that are not known yet, as it may be quicker than we are.
CREATE TABLE text_receipts (
    message_id  TEXT PRIMARY KEY,
    received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX text_receipts_by_time ON text_receipts (received_at);

-- The outbox also takes the text messages of coupons.
CREATE TABLE new_outbox (
    entry_id       INTEGER PRIMARY KEY AUTOINCREMENT,
    kind           TEXT NOT NULL CHECK (kind IN ('charge', 'refund', 'charge-notice', 'refund-notice', 'pai-notice',
        'pai-mapping', 'pin', 'coupon', 'coupon-reminder')),
    transaction_id TEXT REFERENCES transactions,
    refund_id      TEXT REFERENCES refunds,
    pai            TEXT REFERENCES pais,
    coupon_id      TEXT REFERENCES coupons,
    payload        BLOB,
    due_at         INTEGER NOT NULL,
    attempts       INTEGER NOT NULL,
    parked_at      INTEGER,
    UNIQUE (transaction_id, kind),
    UNIQUE (refund_id, kind),
    UNIQUE (pai, kind),
    UNIQUE (coupon_id, kind),
    CHECK ((kind IN ('charge', 'charge-notice')) = (transaction_id IS NOT NULL)),
    CHECK ((kind IN ('refund', 'refund-notice')) = (refund_id IS NOT NULL)),
    CHECK ((kind IN ('pai-notice', 'pai-mapping')) = (pai IS NOT NULL)),
    CHECK ((kind IN ('coupon', 'coupon-reminder')) = (coupon_id IS NOT NULL)),
    CHECK ((kind IN ('pin', 'coupon', 'coupon-reminder')) = (payload IS NOT NULL))
) STRICT;
INSERT INTO new_outbox (entry_id, kind, transaction_id, refund_id, pai, payload, due_at, attempts, parked_at)
SELECT entry_id, kind, transaction_id, refund_id, pai, payload, due_at, attempts, parked_at FROM outbox;
DROP TABLE outbox;
ALTER TABLE new_outbox RENAME TO outbox;
CREATE INDEX outbox_by_kind_and_due ON outbox (kind, due_at) WHERE parked_at IS NULL;
CREATE INDEX outbox_parked ON outbox (entry_id) WHERE parked_at IS NOT NULL;
