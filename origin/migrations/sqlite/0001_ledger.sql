-- The origin's books. Times are Unix seconds, money is minor units, numbers are sealed and found by a keyed index.

-- What the operator's import file says of each number.
CREATE TABLE accounts (
    number_index  BLOB PRIMARY KEY,
    status        TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'ceased')),
    account_type  TEXT NOT NULL CHECK (account_type IN ('postpaid', 'prepaid')),
    balance_minor INTEGER,
    currency      TEXT,
    activated_on  TEXT
) STRICT, WITHOUT ROWID;

-- A visit to the widget, from entering a number to leaving for the partner.
CREATE TABLE flows (
    flow_hash      BLOB PRIMARY KEY,
    number_index   BLOB NOT NULL,
    number_sealed  BLOB NOT NULL,
    offer          TEXT NOT NULL,
    locale         TEXT NOT NULL,
    return_url     TEXT NOT NULL,
    started_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    proven_at      INTEGER,
    pin_mac        BLOB,
    pin_expires_at INTEGER,
    pin_tries      INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX flows_by_number ON flows (number_index, started_at);
CREATE INDEX flows_by_start ON flows (started_at);

-- One person holding one number: the generation of that number. The next holder is another row.
CREATE TABLE subscribers (
    subscriber_id TEXT PRIMARY KEY,
    handle        TEXT NOT NULL UNIQUE,
    number_index  BLOB NOT NULL,
    number_sealed BLOB NOT NULL,
    generation    TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    ended_at      INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX subscribers_one_holder ON subscribers (number_index) WHERE ended_at IS NULL;

CREATE TABLE pais (
    pai           TEXT PRIMARY KEY,
    partner       TEXT NOT NULL,
    subscriber_id TEXT NOT NULL REFERENCES subscribers,
    state         TEXT NOT NULL CHECK (state IN ('ACTIVE', 'SUSPENDED', 'CLOSED')),
    closed_reason TEXT,
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    CHECK ((state = 'CLOSED') = (closed_reason IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX pais_one_open ON pais (partner, subscriber_id) WHERE state <> 'CLOSED';

-- A sign-up token, and how the visit that it was minted for went.
CREATE TABLE signups (
    jti           TEXT PRIMARY KEY,
    ticket_hash   BLOB NOT NULL UNIQUE,
    partner       TEXT NOT NULL,
    pai           TEXT NOT NULL REFERENCES pais,
    offer         TEXT NOT NULL,
    locale        TEXT NOT NULL,
    account_type  TEXT NOT NULL,
    partner_return_url TEXT NOT NULL,
    return_url    TEXT NOT NULL,
    issued_at     INTEGER NOT NULL,
    spent_at      INTEGER,
    ext_reference TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE partner_subscriptions (
    partner_subscription_id TEXT PRIMARY KEY,
    partner             TEXT NOT NULL,
    ext_subscription_id TEXT NOT NULL,
    pai                 TEXT NOT NULL REFERENCES pais,
    origin              TEXT NOT NULL CHECK (origin IN ('NEW_ACCOUNT', 'EXISTING_ACCOUNT')),
    plan                TEXT NOT NULL,
    status              TEXT NOT NULL CHECK (status IN ('ACTIVE', 'SUSPENDED', 'CANCELLED')),
    created_at          INTEGER NOT NULL,
    UNIQUE (partner, ext_subscription_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX partner_subscriptions_one_live ON partner_subscriptions (pai) WHERE status <> 'CANCELLED';

-- Every charge, for ever.
CREATE TABLE transactions (
    transaction_id     TEXT PRIMARY KEY,
    partner            TEXT NOT NULL,
    ext_transaction_id TEXT NOT NULL,
    fingerprint        BLOB NOT NULL,
    pai                TEXT NOT NULL REFERENCES pais,
    amount_minor       INTEGER NOT NULL CHECK (amount_minor > 0),
    currency           TEXT NOT NULL,
    tax_minor          INTEGER,
    description        TEXT NOT NULL,
    period_from        TEXT NOT NULL,
    period_to          TEXT NOT NULL,
    status             TEXT NOT NULL CHECK (status IN ('PENDING', 'APPROVED', 'DECLINED')),
    decline_reason     TEXT,
    raw_code           TEXT,
    answer             BLOB,
    answering_until    INTEGER NOT NULL,
    created_at         INTEGER NOT NULL,
    settled_at         INTEGER,
    UNIQUE (partner, ext_transaction_id),
    CHECK ((status = 'DECLINED') = (decline_reason IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- What still has to reach the operator's systems. A row goes when it has arrived.
CREATE TABLE outbox (
    entry_id       INTEGER PRIMARY KEY AUTOINCREMENT,
    kind           TEXT NOT NULL CHECK (kind IN ('charge', 'pin')),
    transaction_id TEXT UNIQUE REFERENCES transactions,
    payload        BLOB,
    due_at         INTEGER NOT NULL,
    leased_until   INTEGER NOT NULL,
    attempts       INTEGER NOT NULL,
    parked_at      INTEGER,
    CHECK ((kind = 'charge') = (transaction_id IS NOT NULL)),
    CHECK ((kind = 'pin') = (payload IS NOT NULL))
) STRICT;
CREATE INDEX outbox_by_due ON outbox (due_at) WHERE parked_at IS NULL;

-- Nonces of signatures that were acted on, until the signature would be stale anyway.
CREATE TABLE nonces (
    key_id     TEXT NOT NULL,
    nonce      TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (key_id, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_by_expiry ON nonces (expires_at);
