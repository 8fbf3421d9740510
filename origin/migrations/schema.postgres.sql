-- The schema after all migrations, from the catalogs. Written by tests/store/schema.rs, not by hand.

CREATE TABLE account_events (
    event_id TEXT NOT NULL,
    event TEXT NOT NULL,
    occurred_at_nanoseconds BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    fingerprint BYTEA,
    number_index BYTEA,
    subscriber_id TEXT,
    PRIMARY KEY (event_id),
    FOREIGN KEY (subscriber_id) REFERENCES subscribers(subscriber_id),
    CHECK (outcome = ANY (ARRAY['APPLIED'::text, 'SUPERSEDED'::text, 'NO_SUBSCRIBER'::text, 'CONTRADICTORY'::text]))
);
CREATE INDEX account_events_by_number ON account_events (number_index, occurred_at_nanoseconds);
CREATE INDEX account_events_by_subscriber ON account_events (subscriber_id) WHERE subscriber_id IS NOT NULL;

CREATE TABLE accounts (
    number_index BYTEA NOT NULL,
    status TEXT NOT NULL,
    account_type TEXT NOT NULL,
    balance_minor BIGINT,
    currency TEXT,
    activated_on TEXT,
    changed_at_nanoseconds BIGINT,
    PRIMARY KEY (number_index),
    CHECK (account_type = ANY (ARRAY['postpaid'::text, 'prepaid'::text])),
    CHECK (status = ANY (ARRAY['active'::text, 'suspended'::text, 'ceased'::text]))
);

CREATE TABLE alarms (
    alarm TEXT NOT NULL,
    subject TEXT NOT NULL,
    instance TEXT NOT NULL,
    raised_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    counted BIGINT NOT NULL,
    ends_at BIGINT,
    cleared_at BIGINT,
    reported TEXT,
    PRIMARY KEY (alarm, subject, instance),
    CHECK (counted > 0),
    CHECK (reported = ANY (ARRAY['raised'::text, 'cleared'::text]))
);
CREATE INDEX alarms_by_end ON alarms (cleared_at) WHERE cleared_at IS NOT NULL;

CREATE TABLE audit (
    sequence BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    role TEXT NOT NULL,
    key_id TEXT NOT NULL,
    act TEXT NOT NULL,
    outcome TEXT NOT NULL,
    handle TEXT,
    subject TEXT,
    reason TEXT,
    reference TEXT,
    correlator TEXT,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (sequence),
    UNIQUE (previous),
    CHECK (sequence > 0)
);
CREATE INDEX audit_by_act ON audit (act, sequence);
CREATE INDEX audit_by_actor ON audit (actor, sequence);
CREATE INDEX audit_by_handle ON audit (handle, sequence) WHERE handle IS NOT NULL;

CREATE TABLE audit_end (
    chain TEXT NOT NULL,
    lines BIGINT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (chain),
    CHECK (chain = 'audit'::text)
);

CREATE TABLE charge_days (
    day TEXT NOT NULL,
    partner TEXT NOT NULL,
    currency TEXT NOT NULL,
    charge_code TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    counted BIGINT NOT NULL,
    amount_minor BIGINT NOT NULL,
    PRIMARY KEY (day, partner, currency, charge_code, outcome, reason),
    CHECK ((reason = ''::text) = (outcome <> 'declined'::text)),
    CHECK (outcome = ANY (ARRAY['approved'::text, 'declined'::text, 'refunded'::text]))
);

CREATE TABLE console_sessions (
    session_hash BYTEA NOT NULL,
    sign_in_hash BYTEA NOT NULL,
    actor TEXT NOT NULL,
    display_name TEXT NOT NULL,
    roles TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (session_hash),
    UNIQUE (sign_in_hash)
);
CREATE INDEX console_sessions_by_beginning ON console_sessions (created_at);

CREATE TABLE counted_days (
    day TEXT NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    counted_at BIGINT NOT NULL,
    PRIMARY KEY (day)
);

CREATE TABLE coupon_redemptions (
    transaction_id TEXT NOT NULL,
    coupon_id TEXT NOT NULL,
    partner TEXT NOT NULL,
    ext_reference TEXT,
    code_hash BYTEA NOT NULL,
    requested_pai TEXT,
    pai TEXT,
    period_from TEXT NOT NULL,
    period_to TEXT NOT NULL,
    outcome TEXT NOT NULL,
    responding_until BIGINT NOT NULL,
    reminded_at BIGINT,
    PRIMARY KEY (transaction_id),
    UNIQUE (partner, ext_reference),
    FOREIGN KEY (coupon_id) REFERENCES coupons(coupon_id),
    FOREIGN KEY (pai) REFERENCES pais(pai),
    FOREIGN KEY (transaction_id) REFERENCES transactions(transaction_id),
    CHECK (outcome = ANY (ARRAY['PENDING'::text, 'REDEEMED'::text, 'DECLINED'::text]))
);
CREATE INDEX coupon_redemptions_by_coupon ON coupon_redemptions (coupon_id);
CREATE INDEX coupon_redemptions_by_end ON coupon_redemptions (period_to) WHERE outcome = 'REDEEMED'::text AND reminded_at IS NULL;
CREATE INDEX coupon_redemptions_by_pai ON coupon_redemptions (pai, period_to) WHERE outcome <> 'DECLINED'::text;

CREATE TABLE coupon_resends (
    coupon_id TEXT NOT NULL,
    resend_id TEXT NOT NULL,
    PRIMARY KEY (coupon_id, resend_id),
    FOREIGN KEY (coupon_id) REFERENCES coupons(coupon_id)
);

CREATE TABLE coupons (
    coupon_id TEXT NOT NULL,
    ext_coupon_id TEXT NOT NULL,
    fingerprint BYTEA,
    pai TEXT NOT NULL,
    plan TEXT NOT NULL,
    months BIGINT NOT NULL,
    offer TEXT NOT NULL,
    description TEXT NOT NULL,
    locale TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    code_hash BYTEA NOT NULL,
    sms_count BIGINT NOT NULL,
    message_id TEXT,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    sent_at BIGINT,
    delivered_at BIGINT,
    undelivered_at BIGINT,
    undelivered_reason TEXT,
    undelivered_code TEXT,
    voided_at BIGINT,
    redeemed_at BIGINT,
    transaction_id TEXT,
    unpaid_at BIGINT,
    PRIMARY KEY (coupon_id),
    UNIQUE (code_hash),
    UNIQUE (ext_coupon_id),
    FOREIGN KEY (pai) REFERENCES pais(pai),
    FOREIGN KEY (transaction_id) REFERENCES transactions(transaction_id),
    CHECK ((redeemed_at IS NULL) = (transaction_id IS NULL)),
    CHECK ((undelivered_reason IS NULL) = (undelivered_at IS NULL)),
    CHECK (amount_minor > 0),
    CHECK (months > 0),
    CHECK (undelivered_code IS NULL OR undelivered_at IS NOT NULL),
    CHECK (voided_at IS NULL OR redeemed_at IS NULL)
);
CREATE INDEX coupons_by_message ON coupons (message_id) WHERE message_id IS NOT NULL AND delivered_at IS NULL;
CREATE INDEX coupons_by_pai ON coupons (pai);
CREATE INDEX coupons_open ON coupons (expires_at) WHERE voided_at IS NULL AND redeemed_at IS NULL;
CREATE INDEX coupons_undelivered ON coupons (ext_coupon_id) WHERE undelivered_at IS NOT NULL AND voided_at IS NULL AND redeemed_at IS NULL;
CREATE INDEX coupons_unpaid ON coupons (ext_coupon_id) WHERE unpaid_at IS NOT NULL;

CREATE TABLE disputes (
    dispute_id TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    reference TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    decided_at BIGINT,
    PRIMARY KEY (dispute_id),
    UNIQUE (transaction_id, reference),
    FOREIGN KEY (transaction_id) REFERENCES transactions(transaction_id),
    CHECK ((state = 'open'::text) = (decided_at IS NULL)),
    CHECK (state = ANY (ARRAY['open'::text, 'accepted'::text, 'rejected'::text, 'withdrawn'::text]))
);
CREATE INDEX disputes_by_opening ON disputes (opened_at, dispute_id);
CREATE INDEX disputes_by_state ON disputes (state, opened_at, dispute_id);
CREATE UNIQUE INDEX disputes_open ON disputes (transaction_id) WHERE state = 'open'::text;

CREATE TABLE erasures (
    erasure_id TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    found BIGINT NOT NULL,
    PRIMARY KEY (erasure_id)
);

CREATE TABLE file_lines (
    file_id TEXT NOT NULL,
    line BIGINT NOT NULL,
    transaction_id TEXT,
    refund_id TEXT,
    number_sealed BYTEA,
    correlator TEXT,
    traceparent TEXT,
    PRIMARY KEY (file_id, line),
    UNIQUE (refund_id),
    UNIQUE (transaction_id),
    FOREIGN KEY (file_id) REFERENCES files(file_id),
    FOREIGN KEY (refund_id) REFERENCES refunds(refund_id),
    FOREIGN KEY (transaction_id) REFERENCES transactions(transaction_id),
    CHECK ((transaction_id IS NULL) <> (refund_id IS NULL))
);

CREATE TABLE files (
    file_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    lines BIGINT NOT NULL,
    columns TEXT NOT NULL,
    sha256 BYTEA,
    written_at BIGINT,
    response_sha256 BYTEA,
    acknowledged_at BIGINT,
    PRIMARY KEY (file_id),
    CHECK ((written_at IS NULL) = (sha256 IS NULL)),
    CHECK (acknowledged_at IS NULL OR response_sha256 IS NOT NULL),
    CHECK (lines > 0)
);
CREATE INDEX files_by_time ON files (created_at);
CREATE INDEX files_unacknowledged ON files (created_at) WHERE acknowledged_at IS NULL;
CREATE INDEX files_unwritten ON files (created_at) WHERE written_at IS NULL AND response_sha256 IS NULL;

CREATE TABLE flows (
    flow_hash BYTEA NOT NULL,
    partner TEXT,
    number_index BYTEA NOT NULL,
    number_sealed BYTEA NOT NULL,
    offer TEXT,
    locale TEXT NOT NULL,
    return_url TEXT,
    started_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    proven_at BIGINT,
    pin_mac BYTEA,
    pin_expires_at BIGINT,
    pin_tries BIGINT NOT NULL DEFAULT 0,
    pin_asked_by TEXT,
    pin_sent_to BYTEA,
    PRIMARY KEY (flow_hash),
    CHECK ((partner IS NULL) = (return_url IS NOT NULL)),
    CHECK ((pin_mac IS NULL) = (pin_asked_by IS NULL)),
    CHECK (partner IS NULL OR offer IS NULL)
);
CREATE INDEX flows_by_number ON flows (number_index, started_at);
CREATE INDEX flows_by_start ON flows (started_at);

CREATE TABLE hourly_counts (
    subject TEXT NOT NULL,
    hour BIGINT NOT NULL,
    counted BIGINT NOT NULL,
    PRIMARY KEY (subject, hour)
);

CREATE TABLE kept_findings (
    partner TEXT NOT NULL,
    period_from TEXT NOT NULL,
    period_to TEXT NOT NULL,
    cause TEXT NOT NULL,
    place BIGINT NOT NULL,
    finding TEXT NOT NULL,
    PRIMARY KEY (partner, period_from, period_to, cause, place)
);

CREATE TABLE kept_reports (
    kind TEXT NOT NULL,
    partner TEXT NOT NULL,
    period_from TEXT NOT NULL,
    period_to TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    report TEXT NOT NULL,
    PRIMARY KEY (kind, partner, period_from, period_to),
    CHECK (kind = ANY (ARRAY['reconciliation'::text, 'settlement'::text]))
);

CREATE TABLE ledger_identity (
    fact TEXT NOT NULL,
    value BYTEA NOT NULL,
    PRIMARY KEY (fact)
);

CREATE TABLE mandates (
    sequence BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
    mandate_id TEXT NOT NULL,
    partner TEXT NOT NULL,
    pai TEXT NOT NULL,
    offer TEXT,
    plan TEXT NOT NULL,
    price_minor BIGINT,
    currency TEXT,
    period TEXT NOT NULL,
    terms_id TEXT,
    terms_sha256 BYTEA,
    words_sha256 BYTEA,
    locale TEXT,
    proof TEXT NOT NULL,
    proof_reference TEXT,
    accepted_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    supersedes TEXT,
    partner_subscription_id TEXT,
    in_force_from TEXT,
    change_id TEXT,
    PRIMARY KEY (sequence),
    UNIQUE (mandate_id),
    UNIQUE (partner, change_id),
    FOREIGN KEY (pai) REFERENCES pais(pai),
    FOREIGN KEY (partner_subscription_id) REFERENCES partner_subscriptions(partner_subscription_id),
    FOREIGN KEY (supersedes) REFERENCES mandates(mandate_id),
    CHECK ((partner_subscription_id IS NULL) = (in_force_from IS NULL)),
    CHECK ((price_minor IS NULL) = (currency IS NULL)),
    CHECK ((terms_id IS NULL) = (terms_sha256 IS NULL)),
    CHECK (change_id IS NULL OR supersedes IS NOT NULL),
    CHECK (period = 'month'::text),
    CHECK (price_minor > 0),
    CHECK (proof = ANY (ARRAY['pin'::text, 'session'::text, 'device-read'::text, 'imported'::text])),
    CHECK (words_sha256 IS NULL OR locale IS NOT NULL)
);
CREATE INDEX mandates_by_pai ON mandates (pai, in_force_from);
CREATE INDEX mandates_by_subscription ON mandates (partner_subscription_id) WHERE partner_subscription_id IS NOT NULL;
CREATE INDEX mandates_by_time ON mandates (recorded_at, sequence);

CREATE TABLE migration_files (
    file_id BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
    sha256 BYTEA NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    lines BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    state TEXT NOT NULL,
    loaded_through BIGINT NOT NULL,
    begun_at BIGINT NOT NULL,
    loaded_at BIGINT,
    PRIMARY KEY (file_id),
    UNIQUE (sha256),
    CHECK ((state = 'LOADED'::text) = (loaded_at IS NOT NULL)),
    CHECK (kind = ANY (ARRAY['pais'::text, 'charges'::text])),
    CHECK (lines >= 0),
    CHECK (loaded_through >= 0),
    CHECK (refused >= 0),
    CHECK (state = ANY (ARRAY['LOADING'::text, 'LOADED'::text]))
);

CREATE TABLE migrations (
    number BIGINT NOT NULL,
    served_from BIGINT NOT NULL,
    onbill TEXT NOT NULL,
    PRIMARY KEY (number)
);

CREATE TABLE nonces (
    key_id TEXT NOT NULL,
    nonce TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (key_id, nonce)
);
CREATE INDEX nonces_by_expiry ON nonces (expires_at);

CREATE TABLE notifications (
    notification_id TEXT NOT NULL,
    partner TEXT NOT NULL,
    ext_notification_id TEXT,
    fingerprint BYTEA,
    pai TEXT NOT NULL,
    accepted_at BIGINT NOT NULL,
    PRIMARY KEY (notification_id),
    UNIQUE (partner, ext_notification_id),
    FOREIGN KEY (pai) REFERENCES pais(pai),
    CHECK (fingerprint IS NULL OR ext_notification_id IS NOT NULL)
);
CREATE INDEX notifications_by_pai ON notifications (pai, accepted_at);
CREATE INDEX notifications_without_ext_id ON notifications (accepted_at) WHERE ext_notification_id IS NULL;

CREATE TABLE number_checks (
    number_index BYTEA NOT NULL,
    partner TEXT NOT NULL,
    day BIGINT NOT NULL,
    counted BIGINT NOT NULL,
    PRIMARY KEY (number_index, partner, day)
);
CREATE INDEX number_checks_by_day ON number_checks (day);

CREATE TABLE number_locks (
    number_index BYTEA NOT NULL,
    taken_at BIGINT NOT NULL,
    PRIMARY KEY (number_index)
);
CREATE INDEX number_locks_by_time ON number_locks (taken_at);

CREATE TABLE origins (
    instance TEXT NOT NULL,
    version TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (instance)
);

CREATE TABLE outbox (
    job_id BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    transaction_id TEXT,
    refund_id TEXT,
    pai TEXT,
    coupon_id TEXT,
    dispute_id TEXT,
    notification_id TEXT,
    payload BYTEA,
    correlator TEXT,
    traceparent TEXT,
    queued_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    dead_lettered_at BIGINT,
    answer_kind TEXT,
    answer_code TEXT,
    answer_text TEXT,
    PRIMARY KEY (job_id),
    UNIQUE (coupon_id, kind),
    UNIQUE (dispute_id),
    UNIQUE (notification_id),
    UNIQUE (pai, kind),
    UNIQUE (refund_id, kind),
    UNIQUE (transaction_id, kind),
    FOREIGN KEY (coupon_id) REFERENCES coupons(coupon_id),
    FOREIGN KEY (dispute_id) REFERENCES disputes(dispute_id),
    FOREIGN KEY (notification_id) REFERENCES notifications(notification_id),
    FOREIGN KEY (pai) REFERENCES pais(pai),
    FOREIGN KEY (refund_id) REFERENCES refunds(refund_id),
    FOREIGN KEY (transaction_id) REFERENCES transactions(transaction_id),
    CHECK ((kind = 'dispute-notice'::text) = (dispute_id IS NOT NULL)),
    CHECK ((kind = 'notification'::text) = (notification_id IS NOT NULL)),
    CHECK ((kind = ANY (ARRAY['charge'::text, 'charge-notice'::text])) = (transaction_id IS NOT NULL)),
    CHECK ((kind = ANY (ARRAY['coupon'::text, 'coupon-reminder'::text])) = (coupon_id IS NOT NULL)),
    CHECK ((kind = ANY (ARRAY['pai-notice'::text, 'pai-mapping'::text])) = (pai IS NOT NULL)),
    CHECK ((kind = ANY (ARRAY['pin'::text, 'coupon'::text, 'coupon-reminder'::text, 'notification'::text])) = (payload IS NOT NULL)),
    CHECK ((kind = ANY (ARRAY['refund'::text, 'refund-notice'::text])) = (refund_id IS NOT NULL)),
    CHECK (answer_kind = ANY (ARRAY['no-answer'::text, 'http'::text, 'sms-gateway'::text])),
    CHECK (kind = ANY (ARRAY['charge'::text, 'refund'::text, 'charge-notice'::text, 'refund-notice'::text, 'dispute-notice'::text, 'pai-notice'::text, 'pai-mapping'::text, 'pin'::text, 'coupon'::text, 'coupon-reminder'::text, 'notification'::text]))
);
CREATE INDEX outbox_by_kind_and_due ON outbox (kind, due_at) WHERE dead_lettered_at IS NULL;
CREATE INDEX outbox_dead_letters ON outbox (job_id) WHERE dead_lettered_at IS NOT NULL;

CREATE TABLE pais (
    pai TEXT NOT NULL,
    partner TEXT NOT NULL,
    subscriber_id TEXT NOT NULL,
    state TEXT NOT NULL,
    closed_reason TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    closed_at BIGINT,
    dark_since BIGINT,
    dark_version BIGINT,
    cut_over_at BIGINT,
    paid_until TEXT,
    migration_file BIGINT,
    migration_line BIGINT,
    migration_fingerprint BYTEA,
    PRIMARY KEY (pai),
    FOREIGN KEY (migration_file) REFERENCES migration_files(file_id),
    FOREIGN KEY (subscriber_id) REFERENCES subscribers(subscriber_id),
    CHECK ((migration_file IS NULL) = (migration_line IS NULL) AND (migration_file IS NULL) = (migration_fingerprint IS NULL)),
    CHECK ((state = 'CLOSED'::text) = (closed_reason IS NOT NULL)),
    CHECK (closed_at IS NULL OR state = 'CLOSED'::text),
    CHECK (dark_since IS NULL OR dark_version IS NOT NULL),
    CHECK (migration_file IS NOT NULL OR paid_until IS NULL),
    CHECK (migration_file IS NULL OR dark_since IS NOT NULL OR cut_over_at IS NOT NULL),
    CHECK (state = ANY (ARRAY['ACTIVE'::text, 'SUSPENDED'::text, 'CLOSED'::text]))
);
CREATE INDEX pais_by_subscriber ON pais (subscriber_id);
CREATE INDEX pais_dark ON pais (partner, pai) WHERE dark_since IS NOT NULL;
CREATE UNIQUE INDEX pais_one_open ON pais (partner, subscriber_id) WHERE state <> 'CLOSED'::text;

CREATE TABLE partner_subscriptions (
    partner_subscription_id TEXT NOT NULL,
    partner TEXT NOT NULL,
    ext_subscription_id TEXT NOT NULL,
    pai TEXT NOT NULL,
    origin TEXT NOT NULL,
    plan TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT,
    change_reason TEXT,
    ended_at BIGINT,
    ended_by TEXT,
    PRIMARY KEY (partner_subscription_id),
    UNIQUE (partner, ext_subscription_id),
    FOREIGN KEY (pai) REFERENCES pais(pai),
    CHECK ((status = 'CANCELLED'::text) = (ended_at IS NOT NULL)),
    CHECK (ended_by IS NULL OR ended_at IS NOT NULL),
    CHECK (origin = ANY (ARRAY['NEW_ACCOUNT'::text, 'EXISTING_ACCOUNT'::text])),
    CHECK (status = ANY (ARRAY['ACTIVE'::text, 'SUSPENDED'::text, 'CANCELLED'::text]))
);
CREATE INDEX partner_subscriptions_by_pai ON partner_subscriptions (pai);
CREATE UNIQUE INDEX partner_subscriptions_one_live ON partner_subscriptions (pai) WHERE status <> 'CANCELLED'::text;

CREATE TABLE refund_requests (
    request_id TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    amount_minor BIGINT,
    currency TEXT,
    reason TEXT NOT NULL,
    borne_by TEXT NOT NULL,
    reference TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked_role TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    decided_by TEXT,
    decided_at BIGINT,
    PRIMARY KEY (request_id),
    FOREIGN KEY (transaction_id) REFERENCES transactions(transaction_id),
    CHECK ((amount_minor IS NULL) = (currency IS NULL)),
    CHECK ((state = 'waiting'::text) = (decided_at IS NULL)),
    CHECK ((state = 'waiting'::text) = (decided_by IS NULL)),
    CHECK (amount_minor > 0),
    CHECK (borne_by = ANY (ARRAY['partner'::text, 'operator'::text])),
    CHECK (state = ANY (ARRAY['waiting'::text, 'approved'::text, 'rejected'::text, 'posted'::text, 'failed'::text]))
);
CREATE INDEX refund_requests_by_charge ON refund_requests (transaction_id);
CREATE INDEX refund_requests_open ON refund_requests (asked_at, request_id) WHERE state = ANY (ARRAY['waiting'::text, 'approved'::text]);

CREATE TABLE refunds (
    refund_id TEXT NOT NULL,
    partner TEXT NOT NULL,
    ext_refund_id TEXT NOT NULL,
    fingerprint BYTEA,
    transaction_id TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    tax_minor BIGINT,
    reason TEXT NOT NULL,
    status TEXT NOT NULL,
    raw_code TEXT,
    stored_response BYTEA,
    responding_until BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    settled_at BIGINT,
    borne_by TEXT,
    PRIMARY KEY (refund_id),
    UNIQUE (partner, ext_refund_id),
    FOREIGN KEY (transaction_id) REFERENCES transactions(transaction_id),
    CHECK (amount_minor > 0),
    CHECK (borne_by = ANY (ARRAY['partner'::text, 'operator'::text])),
    CHECK (status = ANY (ARRAY['PENDING'::text, 'APPROVED'::text, 'DECLINED'::text]))
);
CREATE INDEX refunds_by_charge ON refunds (transaction_id);
CREATE INDEX refunds_by_creation ON refunds (partner, created_at, refund_id);
CREATE INDEX refunds_by_settlement ON refunds (partner, settled_at, refund_id) WHERE settled_at IS NOT NULL;
CREATE INDEX refunds_pending ON refunds (partner, created_at, refund_id) WHERE status = 'PENDING'::text;

CREATE TABLE schema_version (
    only_row BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (only_row),
    CHECK (only_row)
);

CREATE TABLE session_assertions (
    assertion_hash BYTEA NOT NULL,
    frame_hash BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (assertion_hash)
);
CREATE INDEX session_assertions_by_expiry ON session_assertions (expires_at);

CREATE TABLE signups (
    jti TEXT NOT NULL,
    ticket_hash BYTEA NOT NULL,
    partner TEXT NOT NULL,
    pai TEXT NOT NULL,
    offer TEXT NOT NULL,
    locale TEXT NOT NULL,
    account_type TEXT NOT NULL,
    partner_return_url TEXT NOT NULL,
    return_url TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    spent_at BIGINT,
    ext_reference TEXT,
    PRIMARY KEY (jti),
    UNIQUE (ticket_hash),
    FOREIGN KEY (pai) REFERENCES pais(pai)
);

CREATE TABLE sim_swaps (
    number_index BYTEA NOT NULL,
    swapped_at BIGINT NOT NULL,
    PRIMARY KEY (number_index)
);
CREATE INDEX sim_swaps_by_time ON sim_swaps (swapped_at);

CREATE TABLE sms_receipts (
    message_id TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    reason TEXT,
    code TEXT,
    PRIMARY KEY (message_id),
    CHECK (code IS NULL OR reason IS NOT NULL)
);
CREATE INDEX sms_receipts_by_time ON sms_receipts (received_at);

CREATE TABLE spending (
    subscriber_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    day TEXT NOT NULL,
    day_minor BIGINT NOT NULL,
    month_minor BIGINT NOT NULL,
    PRIMARY KEY (subscriber_id, currency),
    FOREIGN KEY (subscriber_id) REFERENCES subscribers(subscriber_id)
);

CREATE TABLE subscribers (
    subscriber_id TEXT NOT NULL,
    handle TEXT NOT NULL,
    number_index BYTEA,
    number_sealed BYTEA,
    subscriber_ref TEXT,
    created_at BIGINT NOT NULL,
    number_since_nanoseconds BIGINT,
    last_event_at_nanoseconds BIGINT,
    ended_at BIGINT,
    erasure_requested_at BIGINT,
    PRIMARY KEY (subscriber_id),
    UNIQUE (handle),
    CHECK ((number_index IS NULL) = (number_sealed IS NULL) AND (number_index IS NULL) = (subscriber_ref IS NULL) AND (number_index IS NOT NULL OR erasure_requested_at IS NOT NULL) AND (erasure_requested_at IS NULL OR ended_at IS NOT NULL))
);
CREATE INDEX subscribers_being_erased ON subscribers (subscriber_id) WHERE erasure_requested_at IS NOT NULL AND number_index IS NOT NULL;
CREATE INDEX subscribers_by_number ON subscribers (number_index);
CREATE UNIQUE INDEX subscribers_one_present ON subscribers (number_index) WHERE ended_at IS NULL;

CREATE TABLE transactions (
    transaction_id TEXT NOT NULL,
    partner TEXT NOT NULL,
    ext_transaction_id TEXT NOT NULL,
    fingerprint BYTEA,
    pai TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    tax_minor BIGINT,
    tax_rate TEXT,
    offer TEXT,
    plan TEXT,
    charge_code TEXT,
    description TEXT NOT NULL,
    period_from TEXT NOT NULL,
    period_to TEXT NOT NULL,
    status TEXT NOT NULL,
    decline_reason TEXT,
    raw_code TEXT,
    raw_scope TEXT,
    mandate_id TEXT,
    billed_on TEXT,
    stored_response BYTEA,
    responding_until BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    settled_at BIGINT,
    refunded_minor BIGINT NOT NULL DEFAULT 0,
    billing_ref TEXT,
    migration_file BIGINT,
    migration_line BIGINT,
    migration_fingerprint BYTEA,
    PRIMARY KEY (transaction_id),
    UNIQUE (partner, ext_transaction_id),
    FOREIGN KEY (migration_file) REFERENCES migration_files(file_id),
    FOREIGN KEY (pai) REFERENCES pais(pai),
    CHECK ((migration_file IS NULL) = (migration_line IS NULL) AND (migration_file IS NULL) = (migration_fingerprint IS NULL)),
    CHECK (amount_minor > 0),
    CHECK (billing_ref IS NULL OR migration_file IS NOT NULL),
    CHECK (migration_file IS NULL OR status <> 'APPROVED'::text OR billing_ref IS NOT NULL),
    CHECK (raw_scope = ANY (ARRAY['mandate'::text, 'coupon'::text, 'account'::text])),
    CHECK (raw_scope IS NULL OR raw_code IS NOT NULL AND status = 'DECLINED'::text),
    CHECK (refunded_minor >= 0 AND refunded_minor <= amount_minor),
    CHECK (status <> 'DECLINED'::text OR decline_reason IS NOT NULL OR migration_file IS NOT NULL),
    CHECK (status = 'DECLINED'::text OR decline_reason IS NULL),
    CHECK (status = ANY (ARRAY['PENDING'::text, 'APPROVED'::text, 'DECLINED'::text]))
);
CREATE INDEX transactions_by_creation ON transactions (partner, created_at, transaction_id) WHERE migration_file IS NULL;
CREATE INDEX transactions_by_pai ON transactions (pai, created_at, transaction_id);
CREATE INDEX transactions_by_period ON transactions (pai, period_to) WHERE status <> 'DECLINED'::text;
CREATE INDEX transactions_by_settlement ON transactions (partner, settled_at, transaction_id) WHERE settled_at IS NOT NULL AND migration_file IS NULL;
CREATE INDEX transactions_claims ON transactions (partner, created_at, transaction_id) WHERE migration_file IS NOT NULL;
CREATE INDEX transactions_declined ON transactions (partner, created_at, transaction_id) WHERE status = 'DECLINED'::text AND migration_file IS NULL;
CREATE INDEX transactions_pending ON transactions (partner, created_at, transaction_id) WHERE status = 'PENDING'::text;

CREATE TABLE visit_days (
    day TEXT NOT NULL,
    channel TEXT NOT NULL,
    locale TEXT NOT NULL,
    proof TEXT NOT NULL,
    step TEXT NOT NULL,
    refusal TEXT NOT NULL,
    counted BIGINT NOT NULL,
    PRIMARY KEY (day, channel, locale, proof, step, refusal),
    CHECK ((refusal = ''::text) = (step <> 'refused'::text)),
    CHECK (channel = ANY (ARRAY['widget'::text, 'app'::text])),
    CHECK (step = ANY (ARRAY['validated'::text, 'pin-issued'::text, 'pin-right'::text, 'sign-up-begun'::text, 'token-spent'::text, 'subscribed'::text, 'refused'::text]))
);
