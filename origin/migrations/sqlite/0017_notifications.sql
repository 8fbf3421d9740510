-- Messages of partners to subscribers: that they were taken, not what they say. Those with a name stay for ever, by it and by
-- a keyed hash of what was asked for, which goes with an erasure; the others until their day is over.
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
CREATE INDEX notifications_without_name ON notifications (accepted_at) WHERE ext_notification_id IS NULL;

-- The outbox also takes what they say, sealed.
CREATE TABLE new_outbox (
    entry_id        INTEGER PRIMARY KEY AUTOINCREMENT,
    kind            TEXT NOT NULL CHECK (kind IN ('charge', 'refund', 'charge-notice', 'refund-notice', 'pai-notice',
        'pai-mapping', 'pin', 'coupon', 'coupon-reminder', 'notification')),
    transaction_id  TEXT REFERENCES transactions,
    refund_id       TEXT REFERENCES refunds,
    pai             TEXT REFERENCES pais,
    coupon_id       TEXT REFERENCES coupons,
    notification_id TEXT UNIQUE REFERENCES notifications,
    payload         BLOB,
    due_at          INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,
    parked_at       INTEGER,
    UNIQUE (transaction_id, kind),
    UNIQUE (refund_id, kind),
    UNIQUE (pai, kind),
    UNIQUE (coupon_id, kind),
    CHECK ((kind IN ('charge', 'charge-notice')) = (transaction_id IS NOT NULL)),
    CHECK ((kind IN ('refund', 'refund-notice')) = (refund_id IS NOT NULL)),
    CHECK ((kind IN ('pai-notice', 'pai-mapping')) = (pai IS NOT NULL)),
    CHECK ((kind IN ('coupon', 'coupon-reminder')) = (coupon_id IS NOT NULL)),
    CHECK ((kind = 'notification') = (notification_id IS NOT NULL)),
    CHECK ((kind IN ('pin', 'coupon', 'coupon-reminder', 'notification')) = (payload IS NOT NULL))
) STRICT;
INSERT INTO new_outbox (entry_id, kind, transaction_id, refund_id, pai, coupon_id, payload, due_at, attempts, parked_at)
SELECT entry_id, kind, transaction_id, refund_id, pai, coupon_id, payload, due_at, attempts, parked_at FROM outbox;
DROP TABLE outbox;
ALTER TABLE new_outbox RENAME TO outbox;
CREATE INDEX outbox_by_kind_and_due ON outbox (kind, due_at) WHERE parked_at IS NULL;
CREATE INDEX outbox_parked ON outbox (entry_id) WHERE parked_at IS NOT NULL;
