-- The origin's books. Times are Unix seconds, money is minor units, numbers are sealed and found by a keyed index.

-- What the operator's import file says of each number.
CREATE TABLE accounts (
    number_index  BYTEA PRIMARY KEY,
    status        TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'ceased')),
    account_type  TEXT NOT NULL CHECK (account_type IN ('postpaid', 'prepaid')),
    balance_minor BIGINT,
    currency      TEXT,
    activated_on  TEXT
);

-- A visit to the widget, from entering a number to leaving for the partner.
CREATE TABLE flows (
    flow_hash      BYTEA PRIMARY KEY,
    number_index   BYTEA NOT NULL,
    number_sealed  BYTEA NOT NULL,
    offer          TEXT NOT NULL,
    locale         TEXT NOT NULL,
    return_url     TEXT NOT NULL,
    started_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    proven_at      BIGINT,
    pin_mac        BYTEA,
    pin_expires_at BIGINT,
    pin_tries      BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX flows_by_number ON flows (number_index, started_at);
CREATE INDEX flows_by_start ON flows (started_at);

-- Whoever decides about a number (its codes of the day, its holder) takes its row first and keeps it until the commit.
-- SQLite has no such table: there, one writer at a time decides about anything. Old rows are swept.
CREATE TABLE number_turns (
    number_index BYTEA PRIMARY KEY,
    taken_at     BIGINT NOT NULL
);
CREATE INDEX number_turns_by_time ON number_turns (taken_at);

-- One person holding one number: the generation of that number. The next holder is another row.
CREATE TABLE subscribers (
    subscriber_id TEXT PRIMARY KEY,
    handle        TEXT NOT NULL UNIQUE,
    number_index  BYTEA NOT NULL,
    number_sealed BYTEA NOT NULL,
    generation    TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    ended_at      BIGINT
);
CREATE UNIQUE INDEX subscribers_one_holder ON subscribers (number_index) WHERE ended_at IS NULL;

CREATE TABLE pais (
    pai           TEXT PRIMARY KEY,
    partner       TEXT NOT NULL,
    subscriber_id TEXT NOT NULL REFERENCES subscribers,
    state         TEXT NOT NULL CHECK (state IN ('ACTIVE', 'SUSPENDED', 'CLOSED')),
    closed_reason TEXT,
    version       BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    CHECK ((state = 'CLOSED') = (closed_reason IS NOT NULL))
);
CREATE UNIQUE INDEX pais_one_open ON pais (partner, subscriber_id) WHERE state <> 'CLOSED';

-- A sign-up token, and how the visit that it was minted for went.
CREATE TABLE signups (
    jti           TEXT PRIMARY KEY,
    ticket_hash   BYTEA NOT NULL UNIQUE,
    partner       TEXT NOT NULL,
    pai           TEXT NOT NULL REFERENCES pais,
    offer         TEXT NOT NULL,
    locale        TEXT NOT NULL,
    account_type  TEXT NOT NULL,
    partner_return_url TEXT NOT NULL,
    return_url    TEXT NOT NULL,
    issued_at     BIGINT NOT NULL,
    spent_at      BIGINT,
    ext_reference TEXT
);

CREATE TABLE partner_subscriptions (
    partner_subscription_id TEXT PRIMARY KEY,
    partner             TEXT NOT NULL,
    ext_subscription_id TEXT NOT NULL,
    pai                 TEXT NOT NULL REFERENCES pais,
    origin              TEXT NOT NULL CHECK (origin IN ('NEW_ACCOUNT', 'EXISTING_ACCOUNT')),
    plan                TEXT NOT NULL,
    status              TEXT NOT NULL CHECK (status IN ('ACTIVE', 'SUSPENDED', 'CANCELLED')),
    created_at          BIGINT NOT NULL,
    UNIQUE (partner, ext_subscription_id)
);
CREATE UNIQUE INDEX partner_subscriptions_one_live ON partner_subscriptions (pai) WHERE status <> 'CANCELLED';

-- Every charge, for ever.
CREATE TABLE transactions (
    transaction_id     TEXT PRIMARY KEY,
    partner            TEXT NOT NULL,
    ext_transaction_id TEXT NOT NULL,
    fingerprint        BYTEA NOT NULL,
    pai                TEXT NOT NULL REFERENCES pais,
    amount_minor       BIGINT NOT NULL CHECK (amount_minor > 0),
    currency           TEXT NOT NULL,
    tax_minor          BIGINT,
    description        TEXT NOT NULL,
    period_from        TEXT NOT NULL,
    period_to          TEXT NOT NULL,
    status             TEXT NOT NULL CHECK (status IN ('PENDING', 'APPROVED', 'DECLINED')),
    decline_reason     TEXT,
    raw_code           TEXT,
    answer             BYTEA,
    answering_until    BIGINT NOT NULL,
    created_at         BIGINT NOT NULL,
    settled_at         BIGINT,
    UNIQUE (partner, ext_transaction_id),
    CHECK ((status = 'DECLINED') = (decline_reason IS NOT NULL))
);

-- What still has to reach the operator's systems. A row goes when it has arrived. All that counts of an entry_id is that
-- no other row has it: gaps and the order among several origins mean nothing.
CREATE TABLE outbox (
    entry_id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           TEXT NOT NULL CHECK (kind IN ('charge', 'pin')),
    transaction_id TEXT UNIQUE REFERENCES transactions,
    payload        BYTEA,
    due_at         BIGINT NOT NULL,
    leased_until   BIGINT NOT NULL,
    attempts       BIGINT NOT NULL,
    parked_at      BIGINT,
    CHECK ((kind = 'charge') = (transaction_id IS NOT NULL)),
    CHECK ((kind = 'pin') = (payload IS NOT NULL))
);
CREATE INDEX outbox_by_due ON outbox (due_at) WHERE parked_at IS NULL;

-- Nonces of signatures that were acted on, until the signature would be stale anyway.
CREATE TABLE nonces (
    key_id     TEXT NOT NULL,
    nonce      TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (key_id, nonce)
);
CREATE INDEX nonces_by_expiry ON nonces (expires_at);
