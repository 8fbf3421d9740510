-- What the operator has called the text messages with another code, so that one whose answer was lost is not sent twice.
CREATE TABLE coupon_resends (
    coupon_id TEXT NOT NULL REFERENCES coupons,
    resend_id TEXT NOT NULL,
    PRIMARY KEY (coupon_id, resend_id)
) STRICT, WITHOUT ROWID;
