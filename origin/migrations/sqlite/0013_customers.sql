-- The customer's own page: a holder's PAIs, whatever their state, and the charges on each, newest first. Who ends a holder
-- finds the open ones among them.
CREATE INDEX pais_by_holder ON pais (subscriber_id);
DROP INDEX pais_open_by_holder;
CREATE INDEX transactions_by_pai ON transactions (pai, created_at, transaction_id);

-- When a PAI was closed. Of those that were closed before, nobody knows.
ALTER TABLE pais ADD COLUMN closed_at INTEGER CHECK (closed_at IS NULL OR state = 'CLOSED');

-- A visit to that page is begun in the widget, and wants no offer.
CREATE TABLE new_flows (
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
    CHECK (partner IS NULL OR offer IS NULL),
    CHECK ((partner IS NULL) = (return_url IS NOT NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO new_flows (flow_hash, partner, number_index, number_sealed, offer, locale, return_url, started_at, expires_at,
    proven_at, pin_mac, pin_expires_at, pin_tries)
SELECT flow_hash, partner, number_index, number_sealed, offer, locale, return_url, started_at, expires_at,
    proven_at, pin_mac, pin_expires_at, pin_tries FROM flows;
DROP TABLE flows;
ALTER TABLE new_flows RENAME TO flows;
CREATE INDEX flows_by_number ON flows (number_index, started_at);
CREATE INDEX flows_by_start ON flows (started_at);
