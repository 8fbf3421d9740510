-- Files for billings that take no calls. A line is for ever: no charge and no refund is in two files.
CREATE TABLE files (
    file_id         TEXT PRIMARY KEY,
    created_at      BIGINT NOT NULL,
    lines           BIGINT NOT NULL CHECK (lines > 0),
    sha256          BYTEA,
    written_at      BIGINT,
    response_sha256 BYTEA,
    acknowledged_at BIGINT,
    CHECK ((written_at IS NULL) = (sha256 IS NULL)),
    CHECK (acknowledged_at IS NULL OR response_sha256 IS NOT NULL)
);
CREATE INDEX files_by_time ON files (created_at);
CREATE INDEX files_unwritten ON files (created_at) WHERE written_at IS NULL AND response_sha256 IS NULL;
CREATE INDEX files_unacknowledged ON files (created_at) WHERE acknowledged_at IS NULL;

CREATE TABLE file_lines (
    file_id        TEXT NOT NULL REFERENCES files,
    line           BIGINT NOT NULL,
    transaction_id TEXT UNIQUE REFERENCES transactions,
    refund_id      TEXT UNIQUE REFERENCES refunds,
    PRIMARY KEY (file_id, line),
    CHECK ((transaction_id IS NULL) <> (refund_id IS NULL))
);
