-- The schema after all migrations, from sqlite_master, without comments. Written by tests/store/schema.rs, not by hand.

CREATE TABLE account_events (
    event_id      TEXT PRIMARY KEY,
    event         TEXT NOT NULL,
    occurred_at_nanoseconds INTEGER NOT NULL,
    recorded_at   INTEGER NOT NULL,
    outcome       TEXT NOT NULL
        CHECK (outcome IN ('APPLIED', 'SUPERSEDED', 'NO_SUBSCRIBER', 'CONTRADICTORY')),
    fingerprint   BLOB,
    number_index  BLOB,
    subscriber_id TEXT REFERENCES subscribers
) STRICT, WITHOUT ROWID;
CREATE INDEX account_events_by_number ON account_events (number_index, occurred_at_nanoseconds);
CREATE INDEX account_events_by_subscriber ON account_events (subscriber_id)
    WHERE subscriber_id IS NOT NULL;

CREATE TABLE accounts (
    number_index  BLOB PRIMARY KEY,
    status        TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'ceased')),
    account_type  TEXT NOT NULL CHECK (account_type IN ('postpaid', 'prepaid')),
    balance_minor INTEGER,
    currency      TEXT,
    activated_on  TEXT,
    changed_at_nanoseconds INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE alarms (
    alarm        TEXT NOT NULL,
    subject      TEXT NOT NULL,
    instance     TEXT NOT NULL,
    raised_at    INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    counted      INTEGER NOT NULL CHECK (counted > 0),
    ends_at      INTEGER,
    cleared_at   INTEGER,
    reported     TEXT CHECK (reported IN ('raised', 'cleared')),
    PRIMARY KEY (alarm, subject, instance)
) STRICT, WITHOUT ROWID;
CREATE INDEX alarms_by_end ON alarms (cleared_at) WHERE cleared_at IS NOT NULL;

CREATE TABLE audit (
    sequence    INTEGER PRIMARY KEY CHECK (sequence > 0),
    recorded_at INTEGER NOT NULL,
    actor       TEXT NOT NULL,
    role        TEXT NOT NULL,
    key_id      TEXT NOT NULL,
    act         TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    handle      TEXT,
    subject     TEXT,
    reason      TEXT,
    reference   TEXT,
    correlator  TEXT,
    previous    TEXT NOT NULL UNIQUE,
    hash        TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_act ON audit (act, sequence);
CREATE INDEX audit_by_actor ON audit (actor, sequence);
CREATE INDEX audit_by_handle ON audit (handle, sequence) WHERE handle IS NOT NULL;

CREATE TABLE audit_end (
    chain TEXT PRIMARY KEY CHECK (chain = 'audit'),
    lines INTEGER NOT NULL,
    hash  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE charge_days (
    day          TEXT NOT NULL,
    partner      TEXT NOT NULL,
    currency     TEXT NOT NULL,
    charge_code  TEXT NOT NULL,
    outcome      TEXT NOT NULL CHECK (outcome IN ('approved', 'declined', 'refunded')),
    reason       TEXT NOT NULL CHECK ((reason = '') = (outcome <> 'declined')),
    counted      INTEGER NOT NULL,
    amount_minor INTEGER NOT NULL,
    PRIMARY KEY (day, partner, currency, charge_code, outcome, reason)
) STRICT, WITHOUT ROWID;

CREATE TABLE console_sessions (
    session_hash BLOB PRIMARY KEY,
    sign_in_hash BLOB NOT NULL UNIQUE,
    actor        TEXT NOT NULL,
    display_name TEXT NOT NULL,
    roles        TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    ended_at     INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX console_sessions_by_beginning ON console_sessions (created_at);

CREATE TABLE counted_days (
    day        TEXT PRIMARY KEY,
    starts_at  INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL,
    counted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE coupon_redemptions (
    transaction_id   TEXT PRIMARY KEY REFERENCES transactions,
    coupon_id        TEXT NOT NULL REFERENCES coupons,
    partner          TEXT NOT NULL,
    ext_reference    TEXT,
    code_hash        BLOB NOT NULL,
    requested_pai    TEXT,
    pai              TEXT REFERENCES pais,
    period_from      TEXT NOT NULL,
    period_to        TEXT NOT NULL,
    outcome          TEXT NOT NULL CHECK (outcome IN ('PENDING', 'REDEEMED', 'DECLINED')),
    responding_until INTEGER NOT NULL,
    reminded_at      INTEGER,
    UNIQUE (partner, ext_reference)
) STRICT, WITHOUT ROWID;
CREATE INDEX coupon_redemptions_by_coupon ON coupon_redemptions (coupon_id);
CREATE INDEX coupon_redemptions_by_end ON coupon_redemptions (period_to)
    WHERE outcome = 'REDEEMED' AND reminded_at IS NULL;
CREATE INDEX coupon_redemptions_by_pai ON coupon_redemptions (pai, period_to)
    WHERE outcome <> 'DECLINED';

CREATE TABLE coupon_resends (
    coupon_id TEXT NOT NULL REFERENCES coupons,
    resend_id TEXT NOT NULL,
    PRIMARY KEY (coupon_id, resend_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE coupons (
    coupon_id          TEXT PRIMARY KEY,
    ext_coupon_id      TEXT NOT NULL UNIQUE,
    fingerprint        BLOB,
    pai                TEXT NOT NULL REFERENCES pais,
    plan               TEXT NOT NULL,
    months             INTEGER NOT NULL CHECK (months > 0),
    offer              TEXT NOT NULL,
    description        TEXT NOT NULL,
    locale             TEXT NOT NULL,
    amount_minor       INTEGER NOT NULL CHECK (amount_minor > 0),
    currency           TEXT NOT NULL,
    code_hash          BLOB NOT NULL UNIQUE,
    sms_count          INTEGER NOT NULL,
    message_id         TEXT,
    issued_at          INTEGER NOT NULL,
    expires_at         INTEGER NOT NULL,
    sent_at            INTEGER,
    delivered_at       INTEGER,
    undelivered_at     INTEGER,
    undelivered_reason TEXT CHECK ((undelivered_reason IS NULL) = (undelivered_at IS NULL)),
    undelivered_code   TEXT CHECK (undelivered_code IS NULL OR undelivered_at IS NOT NULL),
    voided_at          INTEGER,
    redeemed_at        INTEGER,
    transaction_id     TEXT REFERENCES transactions,
    unpaid_at          INTEGER,
    CHECK ((redeemed_at IS NULL) = (transaction_id IS NULL)),
    CHECK (voided_at IS NULL OR redeemed_at IS NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX coupons_by_message ON coupons (message_id)
    WHERE message_id IS NOT NULL AND delivered_at IS NULL;
CREATE INDEX coupons_by_pai ON coupons (pai);
CREATE INDEX coupons_open
    ON coupons (expires_at, undelivered_at, delivered_at, sent_at, voided_at, redeemed_at)
    WHERE voided_at IS NULL AND redeemed_at IS NULL;
CREATE INDEX coupons_undelivered ON coupons (ext_coupon_id)
    WHERE undelivered_at IS NOT NULL AND voided_at IS NULL AND redeemed_at IS NULL;
CREATE INDEX coupons_unpaid ON coupons (ext_coupon_id) WHERE unpaid_at IS NOT NULL;

CREATE TABLE disputes (
    dispute_id     TEXT PRIMARY KEY,
    transaction_id TEXT NOT NULL REFERENCES transactions,
    reference      TEXT NOT NULL,
    reason         TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('open', 'accepted', 'rejected', 'withdrawn')),
    opened_at      INTEGER NOT NULL,
    decided_at     INTEGER,
    UNIQUE (transaction_id, reference),
    CHECK ((state = 'open') = (decided_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX disputes_by_opening ON disputes (opened_at, dispute_id);
CREATE INDEX disputes_by_state ON disputes (state, opened_at, dispute_id);
CREATE UNIQUE INDEX disputes_open ON disputes (transaction_id) WHERE state = 'open';

CREATE TABLE erasures (
    erasure_id   TEXT PRIMARY KEY,
    requested_at INTEGER NOT NULL,
    found        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE file_lines (
    file_id        TEXT NOT NULL REFERENCES files,
    line           INTEGER NOT NULL,
    transaction_id TEXT UNIQUE REFERENCES transactions,
    refund_id      TEXT UNIQUE REFERENCES refunds,
    number_sealed  BLOB,
    correlator     TEXT,
    traceparent    TEXT,
    PRIMARY KEY (file_id, line),
    CHECK ((transaction_id IS NULL) <> (refund_id IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE files (
    file_id         TEXT PRIMARY KEY,
    created_at      INTEGER NOT NULL,
    lines           INTEGER NOT NULL CHECK (lines > 0),
    columns         TEXT NOT NULL,
    sha256          BLOB,
    written_at      INTEGER,
    response_sha256 BLOB,
    acknowledged_at INTEGER,
    CHECK ((written_at IS NULL) = (sha256 IS NULL)),
    CHECK (acknowledged_at IS NULL OR response_sha256 IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX files_by_time ON files (created_at);
CREATE INDEX files_unacknowledged ON files (created_at) WHERE acknowledged_at IS NULL;
CREATE INDEX files_unwritten ON files (created_at)
    WHERE written_at IS NULL AND response_sha256 IS NULL;

CREATE TABLE flows (
    flow_hash      BLOB PRIMARY KEY,
    partner        TEXT,
    number_index   BLOB NOT NULL,
    number_sealed  BLOB NOT NULL,
    offer          TEXT,
    locale         TEXT NOT NULL,
    return_url     TEXT,
    started_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    proven_at      INTEGER,
    pin_mac        BLOB,
    pin_expires_at INTEGER,
    pin_tries      INTEGER NOT NULL DEFAULT 0,
    pin_asked_by   TEXT,
    pin_sent_to    BLOB,
    CHECK (partner IS NULL OR offer IS NULL),
    CHECK ((partner IS NULL) = (return_url IS NOT NULL)),
    CHECK ((pin_mac IS NULL) = (pin_asked_by IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX flows_by_number ON flows (number_index, started_at);
CREATE INDEX flows_by_start ON flows (started_at, partner, offer, locale, pin_asked_by, proven_at);

CREATE TABLE hourly_counts (
    subject TEXT NOT NULL,
    hour    INTEGER NOT NULL,
    counted INTEGER NOT NULL,
    PRIMARY KEY (subject, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE kept_findings (
    partner     TEXT NOT NULL,
    period_from TEXT NOT NULL,
    period_to   TEXT NOT NULL,
    cause       TEXT NOT NULL,
    place       INTEGER NOT NULL,
    finding     TEXT NOT NULL,
    PRIMARY KEY (partner, period_from, period_to, cause, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE kept_reports (
    kind        TEXT NOT NULL CHECK (kind IN ('reconciliation', 'settlement')),
    partner     TEXT NOT NULL,
    period_from TEXT NOT NULL,
    period_to   TEXT NOT NULL,
    made_at     INTEGER NOT NULL,
    report      TEXT NOT NULL,
    PRIMARY KEY (kind, partner, period_from, period_to)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_identity (
    fact  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE mandates (
    sequence                INTEGER PRIMARY KEY AUTOINCREMENT,
    mandate_id              TEXT NOT NULL UNIQUE,
    partner                 TEXT NOT NULL,
    pai                     TEXT NOT NULL REFERENCES pais,
    offer                   TEXT,
    plan                    TEXT NOT NULL,
    price_minor             INTEGER CHECK (price_minor > 0),
    currency                TEXT,
    period                  TEXT NOT NULL CHECK (period IN ('month')),
    terms_id                TEXT,
    terms_sha256            BLOB,
    words_sha256            BLOB,
    locale                  TEXT,
    proof                   TEXT NOT NULL CHECK (proof IN ('pin', 'session', 'device-read', 'imported')),
    proof_reference         TEXT,
    accepted_at             INTEGER NOT NULL,
    recorded_at             INTEGER NOT NULL,
    supersedes              TEXT REFERENCES mandates (mandate_id),
    partner_subscription_id TEXT REFERENCES partner_subscriptions,
    in_force_from           TEXT,
    change_id               TEXT,
    UNIQUE (partner, change_id),
    CHECK ((price_minor IS NULL) = (currency IS NULL)),
    CHECK ((terms_id IS NULL) = (terms_sha256 IS NULL)),
    CHECK (words_sha256 IS NULL OR locale IS NOT NULL),
    CHECK ((partner_subscription_id IS NULL) = (in_force_from IS NULL)),
    CHECK (change_id IS NULL OR supersedes IS NOT NULL)
) STRICT;
CREATE INDEX mandates_by_pai ON mandates (pai, in_force_from);
CREATE INDEX mandates_by_subscription ON mandates (partner_subscription_id)
    WHERE partner_subscription_id IS NOT NULL;
CREATE INDEX mandates_by_time ON mandates (recorded_at, sequence);

CREATE TABLE migration_files (
    file_id        INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256         BLOB NOT NULL UNIQUE,
    kind           TEXT NOT NULL CHECK (kind IN ('pais', 'charges')),
    name           TEXT NOT NULL,
    lines          INTEGER NOT NULL CHECK (lines >= 0),
    refused        INTEGER NOT NULL CHECK (refused >= 0),
    state          TEXT NOT NULL CHECK (state IN ('LOADING', 'LOADED')),
    loaded_through INTEGER NOT NULL CHECK (loaded_through >= 0),
    begun_at       INTEGER NOT NULL,
    loaded_at      INTEGER,
    CHECK ((state = 'LOADED') = (loaded_at IS NOT NULL))
) STRICT;

CREATE TABLE migrations (
    number      INTEGER PRIMARY KEY,
    served_from INTEGER NOT NULL,
    onbill      TEXT NOT NULL
) STRICT;

CREATE TABLE nonces (
    key_id     TEXT NOT NULL,
    nonce      TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (key_id, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_by_expiry ON nonces (expires_at);

CREATE TABLE notifications (
    notification_id     TEXT PRIMARY KEY,
    partner             TEXT NOT NULL,
    ext_notification_id TEXT,
    fingerprint         BLOB,
    pai                 TEXT NOT NULL REFERENCES pais,
    accepted_at         INTEGER NOT NULL,
    UNIQUE (partner, ext_notification_id),
    CHECK (fingerprint IS NULL OR ext_notification_id IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX notifications_by_pai ON notifications (pai, accepted_at);
CREATE INDEX notifications_without_ext_id ON notifications (accepted_at)
    WHERE ext_notification_id IS NULL;

CREATE TABLE number_checks (
    number_index BLOB NOT NULL,
    partner      TEXT NOT NULL,
    day          INTEGER NOT NULL,
    counted      INTEGER NOT NULL,
    PRIMARY KEY (number_index, partner, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX number_checks_by_day ON number_checks (day);

CREATE TABLE origins (
    instance   TEXT PRIMARY KEY,
    version    TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    job_id           INTEGER PRIMARY KEY AUTOINCREMENT,
    kind             TEXT NOT NULL
        CHECK (kind IN ('charge', 'refund', 'charge-notice', 'refund-notice', 'dispute-notice', 'pai-notice',
            'pai-mapping', 'pin', 'coupon', 'coupon-reminder', 'notification')),
    transaction_id   TEXT REFERENCES transactions,
    refund_id        TEXT REFERENCES refunds,
    pai              TEXT REFERENCES pais,
    coupon_id        TEXT REFERENCES coupons,
    dispute_id       TEXT UNIQUE REFERENCES disputes,
    notification_id  TEXT UNIQUE REFERENCES notifications,
    payload          BLOB,
    correlator       TEXT,
    traceparent      TEXT,
    queued_at        INTEGER NOT NULL,
    due_at           INTEGER NOT NULL,
    attempts         INTEGER NOT NULL,
    dead_lettered_at INTEGER,
    answer_kind      TEXT CHECK (answer_kind IN ('no-answer', 'http', 'sms-gateway')),
    answer_code      TEXT,
    answer_text      TEXT,
    UNIQUE (transaction_id, kind),
    UNIQUE (refund_id, kind),
    UNIQUE (pai, kind),
    UNIQUE (coupon_id, kind),
    CHECK ((kind IN ('charge', 'charge-notice')) = (transaction_id IS NOT NULL)),
    CHECK ((kind IN ('refund', 'refund-notice')) = (refund_id IS NOT NULL)),
    CHECK ((kind IN ('pai-notice', 'pai-mapping')) = (pai IS NOT NULL)),
    CHECK ((kind IN ('coupon', 'coupon-reminder')) = (coupon_id IS NOT NULL)),
    CHECK ((kind = 'dispute-notice') = (dispute_id IS NOT NULL)),
    CHECK ((kind = 'notification') = (notification_id IS NOT NULL)),
    CHECK ((kind IN ('pin', 'coupon', 'coupon-reminder', 'notification')) = (payload IS NOT NULL))
) STRICT;
CREATE INDEX outbox_by_kind_and_due ON outbox (kind, due_at, queued_at, dead_lettered_at)
    WHERE dead_lettered_at IS NULL;
CREATE INDEX outbox_dead_letters ON outbox (job_id, kind, dead_lettered_at) WHERE dead_lettered_at IS NOT NULL;

CREATE TABLE pais (
    pai           TEXT PRIMARY KEY,
    partner       TEXT NOT NULL,
    subscriber_id TEXT NOT NULL REFERENCES subscribers,
    state         TEXT NOT NULL CHECK (state IN ('ACTIVE', 'SUSPENDED', 'CLOSED')),
    closed_reason TEXT,
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    closed_at     INTEGER CHECK (closed_at IS NULL OR state = 'CLOSED'),
    dark_since    INTEGER,
    dark_version  INTEGER,
    cut_over_at   INTEGER,
    paid_until    TEXT,
    migration_file        INTEGER REFERENCES migration_files,
    migration_line        INTEGER,
    migration_fingerprint BLOB,
    CHECK ((state = 'CLOSED') = (closed_reason IS NOT NULL)),
    CHECK ((migration_file IS NULL) = (migration_line IS NULL)
        AND (migration_file IS NULL) = (migration_fingerprint IS NULL)),
    CHECK (dark_since IS NULL OR dark_version IS NOT NULL),
    CHECK (migration_file IS NOT NULL OR paid_until IS NULL),
    CHECK (migration_file IS NULL OR dark_since IS NOT NULL OR cut_over_at IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX pais_by_subscriber ON pais (subscriber_id);
CREATE INDEX pais_dark ON pais (partner, pai) WHERE dark_since IS NOT NULL;
CREATE UNIQUE INDEX pais_one_open ON pais (partner, subscriber_id) WHERE state <> 'CLOSED';

CREATE TABLE partner_subscriptions (
    partner_subscription_id TEXT PRIMARY KEY,
    partner                 TEXT NOT NULL,
    ext_subscription_id     TEXT NOT NULL,
    pai                     TEXT NOT NULL REFERENCES pais,
    origin                  TEXT NOT NULL CHECK (origin IN ('NEW_ACCOUNT', 'EXISTING_ACCOUNT')),
    plan                    TEXT NOT NULL,
    status                  TEXT NOT NULL CHECK (status IN ('ACTIVE', 'SUSPENDED', 'CANCELLED')),
    created_at              INTEGER NOT NULL,
    changed_at              INTEGER,
    change_reason           TEXT,
    ended_at                INTEGER,
    ended_by                TEXT,
    UNIQUE (partner, ext_subscription_id),
    CHECK ((status = 'CANCELLED') = (ended_at IS NOT NULL)),
    CHECK (ended_by IS NULL OR ended_at IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX partner_subscriptions_by_pai ON partner_subscriptions (pai);
CREATE UNIQUE INDEX partner_subscriptions_one_live ON partner_subscriptions (pai)
    WHERE status <> 'CANCELLED';

CREATE TABLE refund_requests (
    request_id     TEXT PRIMARY KEY,
    transaction_id TEXT NOT NULL REFERENCES transactions,
    amount_minor   INTEGER CHECK (amount_minor > 0),
    currency       TEXT,
    reason         TEXT NOT NULL,
    borne_by       TEXT NOT NULL CHECK (borne_by IN ('partner', 'operator')),
    reference      TEXT NOT NULL,
    asked_by       TEXT NOT NULL,
    asked_role     TEXT NOT NULL,
    asked_at       INTEGER NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('waiting', 'approved', 'rejected', 'posted', 'failed')),
    decided_by     TEXT,
    decided_at     INTEGER,
    CHECK ((amount_minor IS NULL) = (currency IS NULL)),
    CHECK ((state = 'waiting') = (decided_by IS NULL)),
    CHECK ((state = 'waiting') = (decided_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX refund_requests_by_charge ON refund_requests (transaction_id);
CREATE INDEX refund_requests_open ON refund_requests (asked_at, request_id) WHERE state IN ('waiting', 'approved');

CREATE TABLE refunds (
    refund_id        TEXT PRIMARY KEY,
    partner          TEXT NOT NULL,
    ext_refund_id    TEXT NOT NULL,
    fingerprint      BLOB,
    transaction_id   TEXT NOT NULL REFERENCES transactions,
    amount_minor     INTEGER NOT NULL CHECK (amount_minor > 0),
    tax_minor        INTEGER,
    reason           TEXT NOT NULL,
    status           TEXT NOT NULL CHECK (status IN ('PENDING', 'APPROVED', 'DECLINED')),
    raw_code         TEXT,
    stored_response  BLOB,
    responding_until INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    settled_at       INTEGER,
    borne_by         TEXT CHECK (borne_by IN ('partner', 'operator')),
    UNIQUE (partner, ext_refund_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX refunds_by_charge ON refunds (transaction_id);
CREATE INDEX refunds_by_creation ON refunds (partner, created_at, refund_id);
CREATE INDEX refunds_by_settlement ON refunds (partner, settled_at, refund_id)
    WHERE settled_at IS NOT NULL;
CREATE INDEX refunds_pending ON refunds (partner, created_at, refund_id) WHERE status = 'PENDING';

CREATE TABLE session_assertions (
    assertion_hash BLOB PRIMARY KEY,
    frame_hash     BLOB NOT NULL,
    expires_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_assertions_by_expiry ON session_assertions (expires_at);

CREATE TABLE signups (
    jti                TEXT PRIMARY KEY,
    ticket_hash        BLOB NOT NULL UNIQUE,
    partner            TEXT NOT NULL,
    pai                TEXT NOT NULL REFERENCES pais,
    offer              TEXT NOT NULL,
    locale             TEXT NOT NULL,
    account_type       TEXT NOT NULL,
    partner_return_url TEXT NOT NULL,
    return_url         TEXT NOT NULL,
    issued_at          INTEGER NOT NULL,
    spent_at           INTEGER,
    ext_reference      TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE sim_swaps (
    number_index BLOB PRIMARY KEY,
    swapped_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sim_swaps_by_time ON sim_swaps (swapped_at);

CREATE TABLE sms_receipts (
    message_id  TEXT PRIMARY KEY,
    received_at INTEGER NOT NULL,
    reason      TEXT,
    code        TEXT CHECK (code IS NULL OR reason IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX sms_receipts_by_time ON sms_receipts (received_at);

CREATE TABLE spending (
    subscriber_id TEXT NOT NULL REFERENCES subscribers,
    currency      TEXT NOT NULL,
    day           TEXT NOT NULL,
    day_minor     INTEGER NOT NULL,
    month_minor   INTEGER NOT NULL,
    PRIMARY KEY (subscriber_id, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE subscribers (
    subscriber_id        TEXT PRIMARY KEY,
    handle               TEXT NOT NULL UNIQUE,
    number_index         BLOB,
    number_sealed        BLOB,
    subscriber_ref       TEXT,
    created_at           INTEGER NOT NULL,
    number_since_nanoseconds INTEGER,
    last_event_at_nanoseconds INTEGER,
    ended_at             INTEGER,
    erasure_requested_at INTEGER,
    CHECK ((number_index IS NULL) = (number_sealed IS NULL)
        AND (number_index IS NULL) = (subscriber_ref IS NULL)
        AND (number_index IS NOT NULL OR erasure_requested_at IS NOT NULL)
        AND (erasure_requested_at IS NULL OR ended_at IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX subscribers_being_erased ON subscribers (subscriber_id)
    WHERE erasure_requested_at IS NOT NULL AND number_index IS NOT NULL;
CREATE INDEX subscribers_by_number ON subscribers (number_index);
CREATE UNIQUE INDEX subscribers_one_present ON subscribers (number_index) WHERE ended_at IS NULL;

CREATE TABLE transactions (
    transaction_id     TEXT PRIMARY KEY,
    partner            TEXT NOT NULL,
    ext_transaction_id TEXT NOT NULL,
    fingerprint        BLOB,
    pai                TEXT NOT NULL REFERENCES pais,
    amount_minor       INTEGER NOT NULL CHECK (amount_minor > 0),
    currency           TEXT NOT NULL,
    tax_minor          INTEGER,
    tax_rate           TEXT,
    offer              TEXT,
    plan               TEXT,
    charge_code        TEXT,
    description        TEXT NOT NULL,
    period_from        TEXT NOT NULL,
    period_to          TEXT NOT NULL,
    status             TEXT NOT NULL CHECK (status IN ('PENDING', 'APPROVED', 'DECLINED')),
    decline_reason     TEXT,
    raw_code           TEXT,
    raw_scope          TEXT CHECK (raw_scope IN ('mandate', 'coupon', 'account')),
    mandate_id         TEXT,
    billed_on          TEXT,
    stored_response    BLOB,
    responding_until   INTEGER NOT NULL,
    created_at         INTEGER NOT NULL,
    settled_at         INTEGER,
    refunded_minor     INTEGER NOT NULL DEFAULT 0 CHECK (refunded_minor BETWEEN 0 AND amount_minor),
    billing_ref           TEXT,
    migration_file        INTEGER REFERENCES migration_files,
    migration_line        INTEGER,
    migration_fingerprint BLOB,
    UNIQUE (partner, ext_transaction_id),
    CHECK (status = 'DECLINED' OR decline_reason IS NULL),
    CHECK (status <> 'DECLINED' OR decline_reason IS NOT NULL OR migration_file IS NOT NULL),
    CHECK ((migration_file IS NULL) = (migration_line IS NULL)
        AND (migration_file IS NULL) = (migration_fingerprint IS NULL)),
    CHECK (billing_ref IS NULL OR migration_file IS NOT NULL),
    CHECK (migration_file IS NULL OR status <> 'APPROVED' OR billing_ref IS NOT NULL),
    CHECK (raw_scope IS NULL OR (raw_code IS NOT NULL AND status = 'DECLINED'))
) STRICT, WITHOUT ROWID;
CREATE INDEX transactions_by_creation ON transactions (partner, created_at, transaction_id)
    WHERE migration_file IS NULL;
CREATE INDEX transactions_by_pai ON transactions (pai, created_at, transaction_id);
CREATE INDEX transactions_by_period ON transactions (pai, period_to) WHERE status <> 'DECLINED';
CREATE INDEX transactions_by_settlement ON transactions (partner, settled_at, transaction_id)
    WHERE settled_at IS NOT NULL AND migration_file IS NULL;
CREATE INDEX transactions_claims ON transactions (partner, created_at, transaction_id)
    WHERE migration_file IS NOT NULL;
CREATE INDEX transactions_declined ON transactions (partner, created_at, transaction_id)
    WHERE status = 'DECLINED' AND migration_file IS NULL;
CREATE INDEX transactions_pending ON transactions (partner, created_at, transaction_id)
    WHERE status = 'PENDING';

CREATE TABLE visit_days (
    day     TEXT NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('widget', 'app')),
    locale  TEXT NOT NULL,
    proof   TEXT NOT NULL,
    step    TEXT NOT NULL CHECK (step IN ('validated', 'pin-issued', 'pin-right', 'sign-up-begun', 'token-spent',
        'subscribed', 'refused')),
    refusal TEXT NOT NULL CHECK ((refusal = '') = (step <> 'refused')),
    counted INTEGER NOT NULL,
    PRIMARY KEY (day, channel, locale, proof, step, refusal)
) STRICT, WITHOUT ROWID;
