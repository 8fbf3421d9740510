-- The customer's own page: a holder's PAIs, whatever their state, and the charges on each, newest first. Who ends a holder
-- finds the open ones among them.
CREATE INDEX pais_by_holder ON pais (subscriber_id);
DROP INDEX pais_open_by_holder;
CREATE INDEX transactions_by_pai ON transactions (pai, created_at, transaction_id);

-- When a PAI was closed. Of those that were closed before, nobody knows.
ALTER TABLE pais ADD COLUMN closed_at BIGINT CHECK (closed_at IS NULL OR state = 'CLOSED');

-- A visit to that page is begun in the widget, and wants no offer.
ALTER TABLE flows DROP CONSTRAINT flows_check;
ALTER TABLE flows ADD CHECK (partner IS NULL OR offer IS NULL);
