-- The month's end reads a partner's charges and refunds by the time at which they were posted or settled, and those that
-- are pending whenever they were posted.
CREATE INDEX transactions_by_creation ON transactions (partner, created_at, transaction_id);
CREATE INDEX transactions_by_settlement ON transactions (partner, settled_at, transaction_id) WHERE settled_at IS NOT NULL;
CREATE INDEX transactions_pending ON transactions (partner, created_at, transaction_id) WHERE status = 'PENDING';
CREATE INDEX refunds_by_creation ON refunds (partner, created_at, refund_id);
CREATE INDEX refunds_by_settlement ON refunds (partner, settled_at, refund_id) WHERE settled_at IS NOT NULL;
CREATE INDEX refunds_pending ON refunds (partner, created_at, refund_id) WHERE status = 'PENDING';

-- What was given back of a charge before.
CREATE INDEX refunds_by_charge ON refunds (transaction_id);

-- Dead letters.
CREATE INDEX outbox_parked ON outbox (entry_id) WHERE parked_at IS NOT NULL;
