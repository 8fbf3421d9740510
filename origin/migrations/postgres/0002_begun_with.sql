-- What the books were begun with. Under another numbers key no number in them would be found, and with another source
-- of accounts no holder would be recognised: each charge would then close its PAI, for ever.
CREATE TABLE begun_with (
    fact  TEXT PRIMARY KEY,
    value BYTEA NOT NULL
);

-- Ending a holder must not read every PAI there is.
CREATE INDEX pais_open_by_holder ON pais (subscriber_id) WHERE state <> 'CLOSED';
