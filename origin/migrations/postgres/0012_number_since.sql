-- Since when a subscriber has their number, when they had another one before: what happened to it earlier happened to
-- somebody else.
ALTER TABLE subscribers ADD COLUMN number_since BIGINT;
