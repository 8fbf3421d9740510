-- A coupon's days are nobody's where its buyer pays on the bill already and the partner has named no other: it was a gift to
-- somebody that the books do not know.
CREATE TABLE new_coupon_redemptions (
    transaction_id  TEXT PRIMARY KEY REFERENCES transactions,
    coupon_id       TEXT NOT NULL REFERENCES coupons,
    partner         TEXT NOT NULL,
    ext_reference   TEXT NOT NULL,
    code_hash       BLOB NOT NULL,
    asked_pai       TEXT,
    pai             TEXT REFERENCES pais,
    period_from     TEXT NOT NULL,
    period_to       TEXT NOT NULL,
    outcome         TEXT NOT NULL CHECK (outcome IN ('PENDING', 'REDEEMED', 'DECLINED')),
    answering_until INTEGER NOT NULL,
    reminded_at     INTEGER,
    UNIQUE (partner, ext_reference)
) STRICT, WITHOUT ROWID;
INSERT INTO new_coupon_redemptions (transaction_id, coupon_id, partner, ext_reference, code_hash, asked_pai, pai, period_from,
    period_to, outcome, answering_until, reminded_at)
SELECT transaction_id, coupon_id, partner, ext_reference, code_hash, asked_pai, pai, period_from, period_to, outcome,
    answering_until, reminded_at FROM coupon_redemptions;
DROP TABLE coupon_redemptions;
ALTER TABLE new_coupon_redemptions RENAME TO coupon_redemptions;
CREATE INDEX coupon_redemptions_by_pai ON coupon_redemptions (pai, period_to) WHERE outcome <> 'DECLINED';
CREATE INDEX coupon_redemptions_by_end ON coupon_redemptions (period_to)
    WHERE outcome = 'REDEEMED' AND reminded_at IS NULL;
