-- A coupon's days are nobody's where its buyer pays on the bill already and the partner has named no other: it was a gift to
-- somebody that the books do not know.
ALTER TABLE coupon_redemptions ALTER COLUMN pai DROP NOT NULL;
