-- The origin's database. docs/data-model.md explains the tables; schema.*.sql shows them as they
-- are after all migrations.
--
-- Units:   *_at and *_until are Unix seconds. Days are text, YYYY-MM-DD, of UTC. *_minor is money
--          in minor units of the row's currency (ISO 4217).
-- Secrets: *_sealed and outbox.payload are AES-256-GCM-SIV ciphertexts, which name their key.
--          number_index is the HMAC-SHA-256 of a number, by which it is found. *_hash and
--          fingerprint are SHA-256 hashes, keyed where the comment says so.
-- Ids:     ext_* is the other party's id for something, unique for that party. The other ids are
--          the origin's own.

-- What the ledger depends on: the operator, the key that numbers are found by, the source of
-- accounts. With another value no subscriber would be recognized and every charge would close its
-- PAI, so the origin compares them when it starts. The name of the newest sealing key is here too,
-- and the marks of a ledger that is a copy or is being recovered.
CREATE TABLE ledger_identity (
    fact  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The migrations that were applied, this one included: each onbill that opens the database finds
-- out here whether it may serve on a schema that is newer than it knows.
CREATE TABLE migrations (
    number      INTEGER PRIMARY KEY,
    -- The oldest schema whose onbill may go on after this migration.
    served_from INTEGER NOT NULL,
    -- The version of the onbill that applied it.
    onbill      TEXT NOT NULL
) STRICT;

-- The embedded account table: a row is a number in the operator's import file.
CREATE TABLE accounts (
    number_index  BLOB PRIMARY KEY,
    status        TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'ceased')),
    account_type  TEXT NOT NULL CHECK (account_type IN ('postpaid', 'prepaid')),
    -- Both NULL if the file gives no balance, which it may omit for postpaid accounts only.
    balance_minor INTEGER,
    currency      TEXT,
    -- The day since which the present subscriber has the number: it identifies them.
    activated_on  TEXT,
    -- When the latest account event occurred; NULL if only imports have written the row.
    changed_at_nanoseconds INTEGER
) STRICT, WITHOUT ROWID;

-- The latest change of a number's SIM card, whether the number has a subscriber or not.
CREATE TABLE sim_swaps (
    number_index BLOB PRIMARY KEY,
    swapped_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sim_swaps_by_time ON sim_swaps (swapped_at);

-- A visit, from entering a number to leaving for the partner, and the PIN that proves the number.
CREATE TABLE flows (
    -- The hash of the flow's secret, which the browser or the partner has.
    flow_hash      BLOB PRIMARY KEY,
    -- The partner whose app began the flow on a device; NULL for a flow of the widget.
    partner        TEXT,
    number_index   BLOB NOT NULL,
    number_sealed  BLOB NOT NULL,
    -- NULL on a device, and for a visit to the customer's own page.
    offer          TEXT,
    locale         TEXT NOT NULL,
    -- NULL on a device.
    return_url     TEXT,
    started_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    -- When the number was proven; NULL until then.
    proven_at      INTEGER,
    -- A keyed hash of flow and PIN. NULL if a session assertion has proven the number.
    pin_mac        BLOB,
    pin_expires_at INTEGER,
    pin_tries      INTEGER NOT NULL DEFAULT 0,
    -- Who has asked for the PIN, each with PINs of their own: `widget`, `session` for a customer with
    -- a session of the dashboard, or `partner:` and its id. NULL without a PIN.
    pin_asked_by   TEXT,
    -- A keyed hash of the subscriber to whom the PIN was sent. NULL until then.
    pin_sent_to    BLOB,
    CHECK (partner IS NULL OR offer IS NULL),
    CHECK ((partner IS NULL) = (return_url IS NOT NULL)),
    CHECK ((pin_mac IS NULL) = (pin_asked_by IS NULL))
) STRICT, WITHOUT ROWID;
-- The PINs of a number in the last 24 hours.
CREATE INDEX flows_by_number ON flows (number_index, started_at);
-- Clean-up, and what a chart counts of the visits of a day: it reads the index alone, because each row
-- would be a page of the disk.
CREATE INDEX flows_by_start ON flows (started_at, partner, offer, locale, pin_asked_by, proven_at);

-- How often something happened in an hour, against a ceiling.
CREATE TABLE hourly_counts (
    -- What is counted, and of whom: such as `pins widget` or `number-checks netflix`.
    subject TEXT NOT NULL,
    -- Hours since 1970-01-01T00:00Z.
    hour    INTEGER NOT NULL,
    counted INTEGER NOT NULL,
    PRIMARY KEY (subject, hour)
) STRICT, WITHOUT ROWID;

-- How often a partner has asked about a number in a day.
CREATE TABLE number_checks (
    number_index BLOB NOT NULL,
    partner      TEXT NOT NULL,
    -- Days since 1970-01-01, of UTC.
    day          INTEGER NOT NULL,
    counted      INTEGER NOT NULL,
    PRIMARY KEY (number_index, partner, day)
) STRICT, WITHOUT ROWID;
-- Clean-up.
CREATE INDEX number_checks_by_day ON number_checks (day);

-- One person for as long as they have a line. The next person with that number is another row.
CREATE TABLE subscribers (
    subscriber_id        TEXT PRIMARY KEY,
    -- What the edge knows the subscriber by.
    handle               TEXT NOT NULL UNIQUE,
    -- These three are NULL once the subscriber is erased.
    number_index         BLOB,
    number_sealed        BLOB,
    -- The operator's opaque id of the subscriber, or the account's activated_on.
    subscriber_ref       TEXT,
    created_at           INTEGER NOT NULL,
    -- When their last number became theirs; NULL while they have the one they signed up with.
    number_since_nanoseconds INTEGER,
    -- When their latest account event occurred. Earlier ones change nothing any more.
    last_event_at_nanoseconds INTEGER,
    -- When they gave up the line, or were erased.
    ended_at             INTEGER,
    erasure_requested_at INTEGER,
    CHECK ((number_index IS NULL) = (number_sealed IS NULL)
        AND (number_index IS NULL) = (subscriber_ref IS NULL)
        AND (number_index IS NOT NULL OR erasure_requested_at IS NOT NULL)
        AND (erasure_requested_at IS NULL OR ended_at IS NOT NULL))
) STRICT, WITHOUT ROWID;
-- A number has one present subscriber.
CREATE UNIQUE INDEX subscribers_one_present ON subscribers (number_index) WHERE ended_at IS NULL;
-- Everyone who has or had a number, for an erasure.
CREATE INDEX subscribers_by_number ON subscribers (number_index);
-- Erasures that wait for a file to be written.
CREATE INDEX subscribers_being_erased ON subscribers (subscriber_id)
    WHERE erasure_requested_at IS NOT NULL AND number_index IS NOT NULL;

-- A file of another system's that was loaded, or is being loaded.
CREATE TABLE migration_files (
    file_id        INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Of its bytes. The same file is loaded once.
    sha256         BLOB NOT NULL UNIQUE,
    kind           TEXT NOT NULL CHECK (kind IN ('pais', 'charges')),
    -- Without its folder.
    name           TEXT NOT NULL,
    -- Lines without those that are refused, and those.
    lines          INTEGER NOT NULL CHECK (lines >= 0),
    refused        INTEGER NOT NULL CHECK (refused >= 0),
    state          TEXT NOT NULL CHECK (state IN ('LOADING', 'LOADED')),
    -- The last line that was loaded: an interrupted load continues after it.
    loaded_through INTEGER NOT NULL CHECK (loaded_through >= 0),
    begun_at       INTEGER NOT NULL,
    loaded_at      INTEGER,
    CHECK ((state = 'LOADED') = (loaded_at IS NOT NULL))
) STRICT;

-- A subscriber at one partner. The id is random or another system's, and closed is permanent.
CREATE TABLE pais (
    pai           TEXT PRIMARY KEY,
    partner       TEXT NOT NULL,
    subscriber_id TEXT NOT NULL REFERENCES subscribers,
    state         TEXT NOT NULL CHECK (state IN ('ACTIVE', 'SUSPENDED', 'CLOSED')),
    -- The decline reason of every later charge.
    closed_reason TEXT,
    -- Counts the changes of state, so that receivers can drop what is older than what they have.
    version       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    closed_at     INTEGER CHECK (closed_at IS NULL OR state = 'CLOSED'),
    -- Since when it is dark: another system charges it. It was loaded from that system's file, or went back
    -- to it after it was on here.
    dark_since    INTEGER,
    -- Its version when it became dark: the partner knows its states up to there. NULL if it was never dark.
    dark_version  INTEGER,
    -- When it was cut over to onbill for the first time; NULL before, and for a PAI of our own that was
    -- never dark.
    cut_over_at   INTEGER,
    -- The last day that the other system says is paid for, if it says so.
    paid_until    TEXT,
    -- From which line of which file it was loaded, and a keyed hash of that line's values: a changed
    -- line has another one. NULL for a PAI of our own.
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
CREATE UNIQUE INDEX pais_one_open ON pais (partner, subscriber_id) WHERE state <> 'CLOSED';
CREATE INDEX pais_by_subscriber ON pais (subscriber_id);
-- A cut-over, and whether there are any.
CREATE INDEX pais_dark ON pais (partner, pai) WHERE dark_since IS NOT NULL;

-- A sign-up token, and what became of the visit that it was issued for.
CREATE TABLE signups (
    jti                TEXT PRIMARY KEY,
    -- The hash of the ticket in partner_return_url.
    ticket_hash        BLOB NOT NULL UNIQUE,
    partner            TEXT NOT NULL,
    pai                TEXT NOT NULL REFERENCES pais,
    offer              TEXT NOT NULL,
    locale             TEXT NOT NULL,
    account_type       TEXT NOT NULL,
    -- Where the partner sends the browser: the edge's return page.
    partner_return_url TEXT NOT NULL,
    -- Where the edge then sends it: the operator's page.
    return_url         TEXT NOT NULL,
    issued_at          INTEGER NOT NULL,
    -- When the partner spent the token, and its reference; NULL until then.
    spent_at           INTEGER,
    ext_reference      TEXT
) STRICT, WITHOUT ROWID;

-- A subscription at a partner that is paid on the bill.
CREATE TABLE partner_subscriptions (
    partner_subscription_id TEXT PRIMARY KEY,
    partner                 TEXT NOT NULL,
    ext_subscription_id     TEXT NOT NULL,
    pai                     TEXT NOT NULL REFERENCES pais,
    origin                  TEXT NOT NULL CHECK (origin IN ('NEW_ACCOUNT', 'EXISTING_ACCOUNT')),
    plan                    TEXT NOT NULL,
    status                  TEXT NOT NULL CHECK (status IN ('ACTIVE', 'SUSPENDED', 'CANCELLED')),
    created_at              INTEGER NOT NULL,
    -- The partner's latest change and its reason. A cancellation by the origin leaves both alone.
    changed_at              INTEGER,
    change_reason           TEXT,
    -- When it was cancelled, and the decline reason that closed its PAI; NULL if the partner
    -- cancelled it. Written once.
    ended_at                INTEGER,
    ended_by                TEXT,
    UNIQUE (partner, ext_subscription_id),
    CHECK ((status = 'CANCELLED') = (ended_at IS NOT NULL)),
    CHECK (ended_by IS NULL OR ended_at IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX partner_subscriptions_one_live ON partner_subscriptions (pai)
    WHERE status <> 'CANCELLED';
-- Whether a PAI ever had a subscription: if so, the partner is notified of its changes.
CREATE INDEX partner_subscriptions_by_pai ON partner_subscriptions (pai);

-- What a customer agreed to pay, and how that is known. Rows are only added: no row is changed or
-- deleted. A charge is covered by the row of its subscription that was in force on its first day.
CREATE TABLE mandates (
    -- The order in which they were recorded.
    sequence                INTEGER PRIMARY KEY AUTOINCREMENT,
    mandate_id              TEXT NOT NULL UNIQUE,
    partner                 TEXT NOT NULL,
    pai                     TEXT NOT NULL REFERENCES pais,
    -- NULL where the partner's plan is no offer of this operator.
    offer                   TEXT,
    plan                    TEXT NOT NULL,
    -- What is charged for each period at most. Both NULL if the price is not known: no charge is
    -- covered then.
    price_minor             INTEGER CHECK (price_minor > 0),
    currency                TEXT,
    period                  TEXT NOT NULL CHECK (period IN ('month')),
    -- The terms that applied, and the SHA-256 of their text. NULL if the offer has none.
    terms_id                TEXT,
    terms_sha256            BLOB,
    -- The SHA-256 of the words that the customer saw in the widget; NULL if they agreed in the
    -- partner's app, and for a change. The customer's language, if it is known.
    words_sha256            BLOB,
    locale                  TEXT,
    -- How the number was proved to be the customer's, and by what: a flow's hash, a partner.
    proof                   TEXT NOT NULL CHECK (proof IN ('pin', 'session', 'device-read', 'imported')),
    proof_reference         TEXT,
    -- When the customer agreed, and when the row was recorded. A change, of which the customer is
    -- informed, has the former from the row before.
    accepted_at             INTEGER NOT NULL,
    recorded_at             INTEGER NOT NULL,
    -- The row that this one continues: of the same visit, or of the subscription's earlier terms.
    supersedes              TEXT REFERENCES mandates (mandate_id),
    -- NULL for what was agreed in the widget, until the partner has reported the subscription: that
    -- is another row, which supersedes this one. A row without one covers nothing.
    partner_subscription_id TEXT REFERENCES partner_subscriptions,
    -- The first day that it is in force, in the operator's time zone.
    in_force_from           TEXT,
    -- The partner's id of a change of plan or price. NULL in a subscription's first row.
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

-- The ledger of charges. Rows are permanent.
CREATE TABLE transactions (
    transaction_id     TEXT PRIMARY KEY,
    partner            TEXT NOT NULL,
    ext_transaction_id TEXT NOT NULL,
    -- A hash of the request: a replay has the same one, a reused id another.
    -- NULL if the charge was adopted after a restore: a replay is compared with the row.
    fingerprint        BLOB,
    pai                TEXT NOT NULL REFERENCES pais,
    amount_minor       INTEGER NOT NULL CHECK (amount_minor > 0),
    currency           TEXT NOT NULL,
    -- The part of the amount that is tax, if the partner states it.
    tax_minor          INTEGER,
    -- Its rate in percent, as the partner has written it.
    tax_rate           TEXT,
    -- How billing books the charge: fixed when it is posted, and sent again as it was. NULL where it
    -- is not known, or the operator has set no charge code.
    offer              TEXT,
    plan               TEXT,
    charge_code        TEXT,
    description        TEXT NOT NULL,
    period_from        TEXT NOT NULL,
    period_to          TEXT NOT NULL,
    status             TEXT NOT NULL CHECK (status IN ('PENDING', 'APPROVED', 'DECLINED')),
    decline_reason     TEXT,
    -- The code of what declined it, and whose code that is: NULL for billing's own.
    raw_code           TEXT,
    raw_scope          TEXT CHECK (raw_scope IN ('mandate', 'coupon', 'account')),
    -- The mandate that it was compared with: mandates.mandate_id. NULL if there was none, and for
    -- coupons. Not a foreign key: no mandate is ever deleted, and the check would cost a read.
    mandate_id         TEXT,
    -- The date of the bill that it is on, if billing has reported it.
    billed_on          TEXT,
    -- The stored response: the bytes of the first one, for every replay. NULL until it is given.
    stored_response    BLOB,
    -- Until then a replay gets request-in-progress; after it, it stores the response itself.
    responding_until   INTEGER NOT NULL,
    created_at         INTEGER NOT NULL,
    -- When the outcome was written; NULL while the charge is PENDING.
    settled_at         INTEGER,
    -- The sum of its refunds, those that are PENDING among them.
    refunded_minor     INTEGER NOT NULL DEFAULT 0 CHECK (refunded_minor BETWEEN 0 AND amount_minor),
    -- These four are of a charge that another system has posted: a claim. Billing's id of its bill line, to
    -- which its refunds refer; from which line of which file it was loaded, and a hash of that line's
    -- values. NULL for a charge of our own. The other system's refunds are part of refunded_minor.
    billing_ref           TEXT,
    migration_file        INTEGER REFERENCES migration_files,
    migration_line        INTEGER,
    migration_fingerprint BLOB,
    UNIQUE (partner, ext_transaction_id),
    -- Other systems do not say why.
    CHECK (status = 'DECLINED' OR decline_reason IS NULL),
    CHECK (status <> 'DECLINED' OR decline_reason IS NOT NULL OR migration_file IS NOT NULL),
    CHECK ((migration_file IS NULL) = (migration_line IS NULL)
        AND (migration_file IS NULL) = (migration_fingerprint IS NULL)),
    CHECK (billing_ref IS NULL OR migration_file IS NOT NULL),
    CHECK (migration_file IS NULL OR status <> 'APPROVED' OR billing_ref IS NOT NULL),
    CHECK (raw_scope IS NULL OR (raw_code IS NOT NULL AND status = 'DECLINED'))
) STRICT, WITHOUT ROWID;
-- Reports read a period by the time of posting or of settlement, and all that is pending. They have no
-- claims: a month of those alone would be read for an empty page.
CREATE INDEX transactions_by_creation ON transactions (partner, created_at, transaction_id)
    WHERE migration_file IS NULL;
-- The claims, for the way back.
CREATE INDEX transactions_claims ON transactions (partner, created_at, transaction_id)
    WHERE migration_file IS NOT NULL;
CREATE INDEX transactions_by_settlement ON transactions (partner, settled_at, transaction_id)
    WHERE settled_at IS NOT NULL AND migration_file IS NULL;
CREATE INDEX transactions_pending ON transactions (partner, created_at, transaction_id)
    WHERE status = 'PENDING';
-- Few are declined: a page of them must not read the others of a year.
CREATE INDEX transactions_declined ON transactions (partner, created_at, transaction_id)
    WHERE status = 'DECLINED' AND migration_file IS NULL;
-- The customer's own page.
CREATE INDEX transactions_by_pai ON transactions (pai, created_at, transaction_id);
-- The last day that charges have paid for.
CREATE INDEX transactions_by_period ON transactions (pai, period_to) WHERE status <> 'DECLINED';

-- The ledger of refunds. Rows are permanent. The currency is that of the charge.
CREATE TABLE refunds (
    refund_id        TEXT PRIMARY KEY,
    partner          TEXT NOT NULL,
    ext_refund_id    TEXT NOT NULL,
    -- fingerprint, stored_response and responding_until are as in transactions.
    fingerprint      BLOB,
    transaction_id   TEXT NOT NULL REFERENCES transactions,
    amount_minor     INTEGER NOT NULL CHECK (amount_minor > 0),
    -- The part of the amount that is tax, if the partner has stated that of the charge.
    tax_minor        INTEGER,
    reason           TEXT NOT NULL,
    status           TEXT NOT NULL CHECK (status IN ('PENDING', 'APPROVED', 'DECLINED')),
    raw_code         TEXT,
    stored_response  BLOB,
    responding_until INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    settled_at       INTEGER,
    -- Whose money it is, if the operator has asked for it: that of its settlement with the partner, or
    -- its own. NULL if the partner has. The external id of the operator's is our own.
    borne_by         TEXT CHECK (borne_by IN ('partner', 'operator')),
    UNIQUE (partner, ext_refund_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX refunds_by_creation ON refunds (partner, created_at, refund_id);
CREATE INDEX refunds_by_settlement ON refunds (partner, settled_at, refund_id)
    WHERE settled_at IS NOT NULL;
CREATE INDEX refunds_pending ON refunds (partner, created_at, refund_id) WHERE status = 'PENDING';
CREATE INDEX refunds_by_charge ON refunds (transaction_id);

-- A dispute about a charge. It moves no money. Rows are permanent; what was decided stays.
CREATE TABLE disputes (
    dispute_id     TEXT PRIMARY KEY,
    transaction_id TEXT NOT NULL REFERENCES transactions,
    -- The operator's own, such as a ticket: with the charge it names the dispute.
    reference      TEXT NOT NULL,
    reason         TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('open', 'accepted', 'rejected', 'withdrawn')),
    opened_at      INTEGER NOT NULL,
    -- When it was accepted, rejected or withdrawn.
    decided_at     INTEGER,
    UNIQUE (transaction_id, reference),
    CHECK ((state = 'open') = (decided_at IS NULL))
) STRICT, WITHOUT ROWID;
-- One at a time for each charge.
CREATE UNIQUE INDEX disputes_open ON disputes (transaction_id) WHERE state = 'open';
CREATE INDEX disputes_by_opening ON disputes (opened_at, dispute_id);
CREATE INDEX disputes_by_state ON disputes (state, opened_at, dispute_id);

-- What a subscriber was charged in a currency, against the spending limits.
CREATE TABLE spending (
    subscriber_id TEXT NOT NULL REFERENCES subscribers,
    currency      TEXT NOT NULL,
    -- The latest day with a charge.
    day           TEXT NOT NULL,
    -- On that day, and in its month so far.
    day_minor     INTEGER NOT NULL,
    month_minor   INTEGER NOT NULL,
    PRIMARY KEY (subscriber_id, currency)
) STRICT, WITHOUT ROWID;

-- A coupon, of the subscriber who bought it. Its state follows from its times: a stored state could
-- contradict them.
CREATE TABLE coupons (
    coupon_id          TEXT PRIMARY KEY,
    ext_coupon_id      TEXT NOT NULL UNIQUE,
    -- NULL once the buyer is erased.
    fingerprint        BLOB,
    -- The buyer's.
    pai                TEXT NOT NULL REFERENCES pais,
    plan               TEXT NOT NULL,
    months             INTEGER NOT NULL CHECK (months > 0),
    offer              TEXT NOT NULL,
    description        TEXT NOT NULL,
    locale             TEXT NOT NULL,
    amount_minor       INTEGER NOT NULL CHECK (amount_minor > 0),
    currency           TEXT NOT NULL,
    -- A keyed hash of the newest code. The code itself is in its SMS only.
    code_hash          BLOB NOT NULL UNIQUE,
    -- How many SMS with a code were sent, each with another code.
    sms_count          INTEGER NOT NULL,
    -- The gateway's id of the newest SMS, and what became of it. NULL until known.
    message_id         TEXT,
    issued_at          INTEGER NOT NULL,
    expires_at         INTEGER NOT NULL,
    sent_at            INTEGER,
    delivered_at       INTEGER,
    undelivered_at     INTEGER,
    undelivered_reason TEXT CHECK ((undelivered_reason IS NULL) = (undelivered_at IS NULL)),
    -- The gateway's own code.
    undelivered_code   TEXT CHECK (undelivered_code IS NULL OR undelivered_at IS NOT NULL),
    voided_at          INTEGER,
    -- Both NULL again when the charge is declined before the redemption was answered.
    redeemed_at        INTEGER,
    transaction_id     TEXT REFERENCES transactions,
    -- When billing declined the charge of a coupon that is spent.
    unpaid_at          INTEGER,
    CHECK ((redeemed_at IS NULL) = (transaction_id IS NULL)),
    CHECK (voided_at IS NULL OR redeemed_at IS NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX coupons_by_pai ON coupons (pai);
CREATE INDEX coupons_by_message ON coupons (message_id)
    WHERE message_id IS NOT NULL AND delivered_at IS NULL;
-- Those that can be redeemed until a day to come. They are counted from the index alone, for which SQLite
-- needs the columns of the condition as well.
CREATE INDEX coupons_open
    ON coupons (expires_at, undelivered_at, delivered_at, sent_at, voided_at, redeemed_at)
    WHERE voided_at IS NULL AND redeemed_at IS NULL;
CREATE INDEX coupons_unpaid ON coupons (ext_coupon_id) WHERE unpaid_at IS NOT NULL;
CREATE INDEX coupons_undelivered ON coupons (ext_coupon_id)
    WHERE undelivered_at IS NOT NULL AND voided_at IS NULL AND redeemed_at IS NULL;

-- The operator's ids of repeated SMS, so that a call that is repeated sends one.
CREATE TABLE coupon_resends (
    coupon_id TEXT NOT NULL REFERENCES coupons,
    resend_id TEXT NOT NULL,
    PRIMARY KEY (coupon_id, resend_id)
) STRICT, WITHOUT ROWID;

-- A redemption of a coupon by its right code, with its charge. Rows are permanent.
CREATE TABLE coupon_redemptions (
    transaction_id   TEXT PRIMARY KEY REFERENCES transactions,
    coupon_id        TEXT NOT NULL REFERENCES coupons,
    partner          TEXT NOT NULL,
    -- NULL if the redemption was adopted after a restore, and its reference is not known.
    ext_reference    TEXT,
    -- The code and the PAI that the partner sent: a replay has the same ones.
    code_hash        BLOB NOT NULL,
    requested_pai    TEXT,
    -- Whose months these are. NULL for a gift to someone whom the partner did not name.
    pai              TEXT REFERENCES pais,
    period_from      TEXT NOT NULL,
    period_to        TEXT NOT NULL,
    outcome          TEXT NOT NULL CHECK (outcome IN ('PENDING', 'REDEEMED', 'DECLINED')),
    -- As in transactions.
    responding_until INTEGER NOT NULL,
    -- When the reminder that the months end was queued.
    reminded_at      INTEGER,
    UNIQUE (partner, ext_reference)
) STRICT, WITHOUT ROWID;
-- How many redemptions of a coupon were declined: the id of its next charge follows from that.
CREATE INDEX coupon_redemptions_by_coupon ON coupon_redemptions (coupon_id);
CREATE INDEX coupon_redemptions_by_pai ON coupon_redemptions (pai, period_to)
    WHERE outcome <> 'DECLINED';
CREATE INDEX coupon_redemptions_by_end ON coupon_redemptions (period_to)
    WHERE outcome = 'REDEEMED' AND reminded_at IS NULL;

-- A delivery receipt that came before the gateway's response to the SMS was recorded.
CREATE TABLE sms_receipts (
    message_id  TEXT PRIMARY KEY,
    received_at INTEGER NOT NULL,
    -- Why the SMS was not delivered; NULL if it was.
    reason      TEXT,
    code        TEXT CHECK (code IS NULL OR reason IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX sms_receipts_by_time ON sms_receipts (received_at);

-- A partner's message to a subscriber: that it was accepted, not what it says.
CREATE TABLE notifications (
    notification_id     TEXT PRIMARY KEY,
    partner             TEXT NOT NULL,
    -- Rows with one are permanent, those without are deleted after two days.
    ext_notification_id TEXT,
    -- Keyed. NULL without an ext_notification_id, and once the subscriber is erased.
    fingerprint         BLOB,
    pai                 TEXT NOT NULL REFERENCES pais,
    accepted_at         INTEGER NOT NULL,
    UNIQUE (partner, ext_notification_id),
    CHECK (fingerprint IS NULL OR ext_notification_id IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX notifications_by_pai ON notifications (pai, accepted_at);
CREATE INDEX notifications_without_ext_id ON notifications (accepted_at)
    WHERE ext_notification_id IS NULL;

-- An event that the operator reported of an account. Rows are permanent.
CREATE TABLE account_events (
    event_id      TEXT PRIMARY KEY,
    event         TEXT NOT NULL,
    -- Two events of one second are ordered by its fraction.
    occurred_at_nanoseconds INTEGER NOT NULL,
    recorded_at   INTEGER NOT NULL,
    outcome       TEXT NOT NULL
        CHECK (outcome IN ('APPLIED', 'SUPERSEDED', 'NO_SUBSCRIBER', 'CONTRADICTORY')),
    -- Both NULL once the subscriber is erased.
    fingerprint   BLOB,
    number_index  BLOB,
    -- Whom the event was applied to; NULL if to no one, and once they are erased.
    subscriber_id TEXT REFERENCES subscribers
) STRICT, WITHOUT ROWID;
CREATE INDEX account_events_by_number ON account_events (number_index, occurred_at_nanoseconds);
CREATE INDEX account_events_by_subscriber ON account_events (subscriber_id)
    WHERE subscriber_id IS NOT NULL;

-- An erasure that the operator asked for, without the number. `found` counts the subscribers, flows and
-- events that it found. Rows are permanent.
CREATE TABLE erasures (
    erasure_id   TEXT PRIMARY KEY,
    requested_at INTEGER NOT NULL,
    found        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A file for a billing system that takes no calls.
CREATE TABLE files (
    file_id         TEXT PRIMARY KEY,
    created_at      INTEGER NOT NULL,
    lines           INTEGER NOT NULL CHECK (lines > 0),
    -- The names of its columns: each rendering has the same ones, whatever is configured since.
    columns         TEXT NOT NULL,
    -- Of the file on disk; both NULL until it is written.
    sha256          BLOB,
    written_at      INTEGER,
    -- Of the response that was accepted. No other one is accepted later.
    response_sha256 BLOB,
    -- When the last line was settled.
    acknowledged_at INTEGER,
    CHECK ((written_at IS NULL) = (sha256 IS NULL)),
    CHECK (acknowledged_at IS NULL OR response_sha256 IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX files_by_time ON files (created_at);
CREATE INDEX files_unwritten ON files (created_at)
    WHERE written_at IS NULL AND response_sha256 IS NULL;
CREATE INDEX files_unacknowledged ON files (created_at) WHERE acknowledged_at IS NULL;

-- A charge or a refund in a file. Rows are permanent, and none is in two files.
CREATE TABLE file_lines (
    file_id        TEXT NOT NULL REFERENCES files,
    -- From 1.
    line           INTEGER NOT NULL,
    transaction_id TEXT UNIQUE REFERENCES transactions,
    refund_id      TEXT UNIQUE REFERENCES refunds,
    -- The number that the line had when the file was made: each rendering has the same bytes. Only
    -- set while the file is being written, and if the subscriber has got another number since.
    number_sealed  BLOB,
    -- Of the job that was put into the file. Only set until every line of the file is settled.
    correlator     TEXT,
    traceparent    TEXT,
    PRIMARY KEY (file_id, line),
    CHECK ((transaction_id IS NULL) <> (refund_id IS NULL))
) STRICT, WITHOUT ROWID;

-- The queue of jobs: what has yet to reach billing, a subscriber, a partner or the edge. A row is
-- deleted in the transaction that writes its outcome.
CREATE TABLE outbox (
    job_id           INTEGER PRIMARY KEY AUTOINCREMENT,
    kind             TEXT NOT NULL
        CHECK (kind IN ('charge', 'refund', 'charge-notice', 'refund-notice', 'dispute-notice', 'pai-notice',
            'pai-mapping', 'pin', 'coupon', 'coupon-reminder', 'notification')),
    -- What the job is about: exactly one of the six for its kind, and none for a PIN.
    transaction_id   TEXT REFERENCES transactions,
    refund_id        TEXT REFERENCES refunds,
    pai              TEXT REFERENCES pais,
    coupon_id        TEXT REFERENCES coupons,
    dispute_id       TEXT UNIQUE REFERENCES disputes,
    notification_id  TEXT UNIQUE REFERENCES notifications,
    -- The sealed SMS of the last four kinds.
    payload          BLOB,
    -- Of the call that the job follows from; NULL if there was none. They join the log lines of all
    -- parties about it.
    correlator       TEXT,
    traceparent      TEXT,
    -- When it was put in, from which its age counts.
    queued_at        INTEGER NOT NULL,
    -- From when on any worker may take it. A lease moves it.
    due_at           INTEGER NOT NULL,
    -- The number of the attempt, by which a worker knows that it still has the lease.
    attempts         INTEGER NOT NULL,
    -- When it became a dead letter.
    dead_lettered_at INTEGER,
    -- What the other party of the attempt before that has answered, for the person who retries it: its
    -- kind, its status or code, and its words without numbers and secrets.
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
-- What waits is counted from these alone, with its age.
CREATE INDEX outbox_by_kind_and_due ON outbox (kind, due_at, queued_at, dead_lettered_at)
    WHERE dead_lettered_at IS NULL;
CREATE INDEX outbox_dead_letters ON outbox (job_id, kind, dead_lettered_at) WHERE dead_lettered_at IS NOT NULL;

-- The nonce of a signature that had an effect, until the signature is stale.
CREATE TABLE nonces (
    key_id     TEXT NOT NULL,
    nonce      TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (key_id, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_by_expiry ON nonces (expires_at);

-- An alarm: the last time that it was active for a subject. Rows that are over are deleted after 90
-- days.
CREATE TABLE alarms (
    -- A word, as in the log.
    alarm        TEXT NOT NULL,
    -- Distinguishes two of a kind: a partner, a file, our own id of a charge. Empty if there is one.
    subject      TEXT NOT NULL,
    -- The origin that it is about; empty if it is about the ledger.
    instance     TEXT NOT NULL,
    raised_at    INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    -- How often it was noticed since it was raised.
    counted      INTEGER NOT NULL CHECK (counted > 0),
    -- When it is over, if that was known when it was raised.
    ends_at      INTEGER,
    -- When it was over, or a person closed it.
    cleared_at   INTEGER,
    -- The last change that the receiver of the alarm webhook has taken.
    reported     TEXT CHECK (reported IN ('raised', 'cleared')),
    PRIMARY KEY (alarm, subject, instance)
) STRICT, WITHOUT ROWID;
-- Clean-up.
CREATE INDEX alarms_by_end ON alarms (cleared_at) WHERE cleared_at IS NOT NULL;

-- An origin of this ledger, by its own name: the row that it writes every two seconds, to see that it
-- can. No other origin writes it. It is deleted a day after the last time.
CREATE TABLE origins (
    instance   TEXT PRIMARY KEY,
    -- Version and commit of its program.
    version    TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A session assertion of the dashboard that a frame of the widget has used, until it expires.
CREATE TABLE session_assertions (
    assertion_hash BLOB PRIMARY KEY,
    frame_hash     BLOB NOT NULL,
    expires_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_assertions_by_expiry ON session_assertions (expires_at);

-- A refund above a supervisor's ceiling, which waits for a second person. It becomes a row of refunds
-- under the same id.
CREATE TABLE refund_requests (
    request_id     TEXT PRIMARY KEY,
    transaction_id TEXT NOT NULL REFERENCES transactions,
    -- NULL for all that is left of the charge.
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

-- A session of the console, by the hash of what the browser has. One that has ended is kept for a day:
-- its sign-in makes no second one.
CREATE TABLE console_sessions (
    session_hash BLOB PRIMARY KEY,
    -- Of what the identity provider had to sign for this sign-in alone.
    sign_in_hash BLOB NOT NULL UNIQUE,
    -- The identity provider's id of the person, and what it calls them.
    actor        TEXT NOT NULL,
    display_name TEXT NOT NULL,
    -- Words, with a blank between them.
    roles        TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    ended_at     INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX console_sessions_by_beginning ON console_sessions (created_at);

-- What a person did or looked at. Rows are only added: each has the hash of the one before, so that
-- none can be left out or changed.
CREATE TABLE audit (
    -- From 1, without gaps.
    sequence    INTEGER PRIMARY KEY CHECK (sequence > 0),
    recorded_at INTEGER NOT NULL,
    -- The operator's id of the person, and the desk.
    actor       TEXT NOT NULL,
    role        TEXT NOT NULL,
    -- The id of the key that signed the call; cli for a command.
    key_id      TEXT NOT NULL,
    act         TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    -- subscribers.handle; NULL if no subscriber was found. No foreign key: an entry says what was seen.
    handle      TEXT,
    -- A PAI, a job or an alarm.
    subject     TEXT,
    reason      TEXT,
    -- The operator's own, such as a ticket.
    reference   TEXT,
    correlator  TEXT,
    -- SHA-256 in hex, as in the export: of the entry before, and of this one with it.
    previous    TEXT NOT NULL UNIQUE,
    hash        TEXT NOT NULL
) STRICT;
-- The console's pages of it.
CREATE INDEX audit_by_actor ON audit (actor, sequence);
CREATE INDEX audit_by_act ON audit (act, sequence);
CREATE INDEX audit_by_handle ON audit (handle, sequence) WHERE handle IS NOT NULL;

-- The end of the audit: without it, entries that are missing at the end would not be missed. Whoever
-- adds an entry locks the row.
CREATE TABLE audit_end (
    chain TEXT PRIMARY KEY CHECK (chain = 'audit'),
    lines INTEGER NOT NULL,
    hash  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What was settled on a day, for the charts of the desks: their cost must not grow with the ledger. Each day
-- is counted from the ledger as a whole, again and again until a day after its end. Rows are permanent.
CREATE TABLE charge_days (
    -- Of the operator's time zone.
    day          TEXT NOT NULL,
    partner      TEXT NOT NULL,
    currency     TEXT NOT NULL,
    -- Empty for charges without one.
    charge_code  TEXT NOT NULL,
    outcome      TEXT NOT NULL CHECK (outcome IN ('approved', 'declined', 'refunded')),
    -- Why charges were declined. Empty for the others.
    reason       TEXT NOT NULL CHECK ((reason = '') = (outcome <> 'declined')),
    counted      INTEGER NOT NULL,
    amount_minor INTEGER NOT NULL,
    PRIMARY KEY (day, partner, currency, charge_code, outcome, reason)
) STRICT, WITHOUT ROWID;

-- How far customers came on a day on their way to a subscription. Rows are permanent, and outlive the
-- flows. They name no person.
CREATE TABLE visit_days (
    day     TEXT NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('widget', 'app')),
    -- Empty where it is not known; proof as well.
    locale  TEXT NOT NULL,
    proof   TEXT NOT NULL,
    step    TEXT NOT NULL CHECK (step IN ('validated', 'pin-issued', 'pin-right', 'sign-up-begun', 'token-spent',
        'subscribed', 'refused')),
    -- The error code by which customers were refused. Empty for other steps.
    refusal TEXT NOT NULL CHECK ((refusal = '') = (step <> 'refused')),
    counted INTEGER NOT NULL,
    PRIMARY KEY (day, channel, locale, proof, step, refusal)
) STRICT, WITHOUT ROWID;

-- A day that was counted, and the newest time as of which.
CREATE TABLE counted_days (
    day        TEXT PRIMARY KEY,
    -- The first second of the day and the first after it. In another time zone they are others, and the day
    -- is counted again.
    starts_at  INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL,
    counted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A report of a period that the operator has kept, for the console. A newer one of the same period takes its
-- place.
CREATE TABLE kept_reports (
    kind        TEXT NOT NULL CHECK (kind IN ('reconciliation', 'settlement')),
    partner     TEXT NOT NULL,
    -- Days of UTC, as in the reports.
    period_from TEXT NOT NULL,
    period_to   TEXT NOT NULL,
    made_at     INTEGER NOT NULL,
    -- Sums, as JSON.
    report      TEXT NOT NULL,
    PRIMARY KEY (kind, partner, period_from, period_to)
) STRICT, WITHOUT ROWID;

-- The findings of a reconciliation that was kept, ten thousand at most.
CREATE TABLE kept_findings (
    partner     TEXT NOT NULL,
    period_from TEXT NOT NULL,
    period_to   TEXT NOT NULL,
    cause       TEXT NOT NULL,
    -- Among the findings of the run, from 0.
    place       INTEGER NOT NULL,
    -- The columns of the file of findings, as JSON.
    finding     TEXT NOT NULL,
    PRIMARY KEY (partner, period_from, period_to, cause, place)
) STRICT, WITHOUT ROWID;
