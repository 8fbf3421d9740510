-- Who was erased is still a subscriber, with PAIs, charges and totals, and has no number and no name any more.
ALTER TABLE subscribers ALTER COLUMN number_index DROP NOT NULL;
ALTER TABLE subscribers ALTER COLUMN number_sealed DROP NOT NULL;
ALTER TABLE subscribers ALTER COLUMN generation DROP NOT NULL;
ALTER TABLE subscribers ADD COLUMN erasure_asked_at BIGINT CHECK (
    (number_index IS NULL) = (number_sealed IS NULL) AND (number_index IS NULL) = (generation IS NULL)
    AND (number_index IS NOT NULL OR erasure_asked_at IS NOT NULL)
    AND (erasure_asked_at IS NULL OR ended_at IS NOT NULL));
CREATE INDEX subscribers_by_number ON subscribers (number_index);
CREATE INDEX subscribers_being_erased ON subscribers (subscriber_id)
    WHERE erasure_asked_at IS NOT NULL AND number_index IS NOT NULL;

-- An event is its subscriber's, whichever number they had by then; and nobody's when they were erased.
ALTER TABLE account_events ADD COLUMN subscriber_id TEXT REFERENCES subscribers;
ALTER TABLE account_events ALTER COLUMN number_index DROP NOT NULL;
ALTER TABLE account_events ALTER COLUMN fingerprint DROP NOT NULL;
CREATE INDEX account_events_by_subscriber ON account_events (subscriber_id) WHERE subscriber_id IS NOT NULL;

-- What was asked for, by the operator's name for it; for ever, and without the number.
CREATE TABLE erasures (
    erasure_id TEXT PRIMARY KEY,
    asked_at   BIGINT NOT NULL
);

-- A swapped SIM is forgotten when it has no effect any more.
CREATE INDEX sim_swaps_by_time ON sim_swaps (swapped_at);

-- A number is kept beside a line for as long as its file is being written, and no longer.
UPDATE file_lines SET number_sealed = NULL WHERE number_sealed IS NOT NULL AND file_id IN
    (SELECT file_id FROM files WHERE written_at IS NOT NULL OR response_sha256 IS NOT NULL);
