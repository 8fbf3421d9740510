-- Messages of partners to subscribers: that they were taken, not what they say. Those with a name stay for ever, by it and by
-- a keyed hash of what was asked for, which goes with an erasure; the others until their day is over.
CREATE TABLE notifications (
    notification_id     TEXT PRIMARY KEY,
    partner             TEXT NOT NULL,
    ext_notification_id TEXT,
    fingerprint         BYTEA,
    pai                 TEXT NOT NULL REFERENCES pais,
    accepted_at         BIGINT NOT NULL,
    UNIQUE (partner, ext_notification_id),
    CHECK (fingerprint IS NULL OR ext_notification_id IS NOT NULL)
);
CREATE INDEX notifications_by_pai ON notifications (pai, accepted_at);
CREATE INDEX notifications_without_name ON notifications (accepted_at) WHERE ext_notification_id IS NULL;

-- The outbox also takes what they say, sealed.
ALTER TABLE outbox
    ADD COLUMN notification_id TEXT UNIQUE REFERENCES notifications,
    DROP CONSTRAINT outbox_kind_check,
    DROP CONSTRAINT outbox_check4,
    ADD CHECK (kind IN ('charge', 'refund', 'charge-notice', 'refund-notice', 'pai-notice', 'pai-mapping', 'pin',
        'coupon', 'coupon-reminder', 'notification')),
    ADD CHECK ((kind = 'notification') = (notification_id IS NOT NULL)),
    ADD CHECK ((kind IN ('pin', 'coupon', 'coupon-reminder', 'notification')) = (payload IS NOT NULL));
