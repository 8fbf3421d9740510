-- A charge of which some is on its way back, and a partner that has yet to be told of another.
UPDATE transactions SET refunded_minor = 600 WHERE transaction_id = 'tx-approved';

INSERT INTO refunds (refund_id, partner, ext_refund_id, fingerprint, transaction_id, amount_minor, reason, status,
    raw_code, answer, answering_until, created_at, settled_at)
VALUES ('rf-pending', 'netflix', 'r-pending', <10*32>, 'tx-approved', 600, 'Half a month', 'PENDING', NULL, NULL,
    1795000060, 1795000000, NULL);

INSERT INTO spending (subscriber_id, currency, day, day_minor, month_minor)
VALUES ('subscriber-1', 'USD', '2026-11-18', 1599, 3198);

INSERT INTO outbox (kind, transaction_id, refund_id, payload, due_at, attempts, parked_at)
VALUES ('refund', NULL, 'rf-pending', NULL, 1795000060, 1, NULL),
    ('charge-notice', 'tx-declined', NULL, NULL, 1795000000, 0, NULL);
