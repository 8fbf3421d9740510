-- A flow is begun in the widget, with an offer and a way back, or by a partner's app on a device: then it belongs to that
-- partner, and has neither.
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
    CHECK ((partner IS NULL) = (offer IS NOT NULL)),
    CHECK ((partner IS NULL) = (return_url IS NOT NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO new_flows (flow_hash, number_index, number_sealed, offer, locale, return_url, started_at, expires_at, proven_at,
    pin_mac, pin_expires_at, pin_tries)
SELECT flow_hash, number_index, number_sealed, offer, locale, return_url, started_at, expires_at, proven_at,
    pin_mac, pin_expires_at, pin_tries FROM flows;
DROP TABLE flows;
ALTER TABLE new_flows RENAME TO flows;
CREATE INDEX flows_by_number ON flows (number_index, started_at);
CREATE INDEX flows_by_start ON flows (started_at);
