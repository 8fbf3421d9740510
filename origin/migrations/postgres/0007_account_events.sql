-- What the operator reported of accounts. Every event, for ever; numbers are found by their keyed index only.
CREATE TABLE account_events (
    event_id     TEXT PRIMARY KEY,
    fingerprint  BYTEA NOT NULL,
    event        TEXT NOT NULL,
    number_index BYTEA NOT NULL,
    occurred_at  BIGINT NOT NULL,
    recorded_at  BIGINT NOT NULL,
    outcome      TEXT NOT NULL CHECK (outcome IN ('APPLIED', 'SUPERSEDED', 'NO_SUBSCRIBER', 'CONTRADICTORY'))
);
CREATE INDEX account_events_by_number ON account_events (number_index, occurred_at);

-- Nothing that happened before this moment changes the subscriber, or the account in the embedded table, any more.
ALTER TABLE subscribers ADD COLUMN last_event_at BIGINT;
ALTER TABLE accounts ADD COLUMN changed_at BIGINT;

-- When a number was last put on another SIM, whoever has it.
CREATE TABLE sim_swaps (
    number_index BYTEA PRIMARY KEY,
    swapped_at   BIGINT NOT NULL
);

-- The outbox also takes what the partner and the edge have yet to hear of a PAI: one entry for each of them, which tells
-- how the PAI stands when it is delivered.
ALTER TABLE outbox
    ADD COLUMN pai TEXT REFERENCES pais,
    DROP CONSTRAINT outbox_kind_check,
    ADD CHECK (kind IN
        ('charge', 'refund', 'charge-notice', 'refund-notice', 'pai-notice', 'pai-mapping', 'pin')),
    ADD UNIQUE (pai, kind),
    ADD CHECK ((kind IN ('pai-notice', 'pai-mapping')) = (pai IS NOT NULL));

-- Whether a partner has ever had a subscription for a PAI, and so has to hear of it.
CREATE INDEX partner_subscriptions_by_pai ON partner_subscriptions (pai);

-- The number that a charge went out with in a file that is still being written, when its subscriber has another one since:
-- a file is the same bytes however often it is written.
ALTER TABLE file_lines ADD COLUMN number_sealed BYTEA;
