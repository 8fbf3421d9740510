-- That a coupon's newest text message is not coming, why in a word of ours, and the gateway's own code.
ALTER TABLE coupons ADD COLUMN undelivered_at INTEGER;
ALTER TABLE coupons ADD COLUMN undelivered_reason TEXT CHECK ((undelivered_reason IS NULL) = (undelivered_at IS NULL));
ALTER TABLE coupons ADD COLUMN undelivered_code TEXT CHECK (undelivered_code IS NULL OR undelivered_at IS NOT NULL);
CREATE INDEX coupons_undelivered ON coupons (ext_coupon_id)
    WHERE undelivered_at IS NOT NULL AND voided_at IS NULL AND redeemed_at IS NULL;

-- A receipt that has come too early says the same; without a reason, that its message is delivered.
ALTER TABLE text_receipts ADD COLUMN reason TEXT;
ALTER TABLE text_receipts ADD COLUMN code TEXT CHECK (code IS NULL OR reason IS NOT NULL);
