-- Who was erased is still a subscriber, with PAIs, charges and totals, and has no number and no name any more.
DROP INDEX subscribers_one_holder;
ALTER TABLE subscribers ADD COLUMN held_index BLOB;
ALTER TABLE subscribers ADD COLUMN held_sealed BLOB;
ALTER TABLE subscribers ADD COLUMN held_generation TEXT;
UPDATE subscribers SET held_index = number_index, held_sealed = number_sealed, held_generation = generation;
ALTER TABLE subscribers DROP COLUMN number_index;
ALTER TABLE subscribers DROP COLUMN number_sealed;
ALTER TABLE subscribers DROP COLUMN generation;
ALTER TABLE subscribers RENAME COLUMN held_index TO number_index;
ALTER TABLE subscribers RENAME COLUMN held_sealed TO number_sealed;
ALTER TABLE subscribers RENAME COLUMN held_generation TO generation;
ALTER TABLE subscribers ADD COLUMN erasure_asked_at INTEGER CHECK (
    (number_index IS NULL) = (number_sealed IS NULL) AND (number_index IS NULL) = (generation IS NULL)
    AND (number_index IS NOT NULL OR erasure_asked_at IS NOT NULL)
    AND (erasure_asked_at IS NULL OR ended_at IS NOT NULL));
CREATE UNIQUE INDEX subscribers_one_holder ON subscribers (number_index) WHERE ended_at IS NULL;
CREATE INDEX subscribers_by_number ON subscribers (number_index);
CREATE INDEX subscribers_being_erased ON subscribers (subscriber_id)
    WHERE erasure_asked_at IS NOT NULL AND number_index IS NOT NULL;

-- An event is its subscriber's, whichever number they had by then; and nobody's when they were erased.
DROP INDEX account_events_by_number;
ALTER TABLE account_events ADD COLUMN subscriber_id TEXT REFERENCES subscribers;
ALTER TABLE account_events ADD COLUMN of_number BLOB;
ALTER TABLE account_events ADD COLUMN of_all BLOB;
UPDATE account_events SET of_number = number_index, of_all = fingerprint;
ALTER TABLE account_events DROP COLUMN number_index;
ALTER TABLE account_events DROP COLUMN fingerprint;
ALTER TABLE account_events RENAME COLUMN of_number TO number_index;
ALTER TABLE account_events RENAME COLUMN of_all TO fingerprint;
CREATE INDEX account_events_by_number ON account_events (number_index, occurred_at);
CREATE INDEX account_events_by_subscriber ON account_events (subscriber_id) WHERE subscriber_id IS NOT NULL;

-- What was asked for, by the operator's name for it; for ever, and without the number.
CREATE TABLE erasures (
    erasure_id TEXT PRIMARY KEY,
    asked_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A swapped SIM is forgotten when it has no effect any more.
CREATE INDEX sim_swaps_by_time ON sim_swaps (swapped_at);

-- A number is kept beside a line for as long as its file is being written, and no longer.
UPDATE file_lines SET number_sealed = NULL WHERE number_sealed IS NOT NULL AND file_id IN
    (SELECT file_id FROM files WHERE written_at IS NOT NULL OR response_sha256 IS NOT NULL);
