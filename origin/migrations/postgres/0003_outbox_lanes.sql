-- Text messages do not wait behind charges, nor charges behind text messages: each kind is looked for by itself.
DROP INDEX outbox_by_due;
CREATE INDEX outbox_by_kind_and_due ON outbox (kind, due_at) WHERE parked_at IS NULL;
