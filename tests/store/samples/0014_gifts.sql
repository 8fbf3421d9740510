-- A coupon that was given to somebody whom nobody knows.
INSERT INTO transactions (transaction_id, partner, ext_transaction_id, fingerprint, pai, amount_minor, currency,
    description, period_from, period_to, status, answering_until, created_at)
VALUES ('tx-gift', 'netflix', 'onbill-coupon-tx-gift', <1a*32>, '02020202-0202-4202-8202-020202020202', 8999, 'USD',
    'Netflix Standard, 6 months', '2027-02-01', '2027-07-31', 'PENDING', 1795000060, 1795000000);
INSERT INTO coupons (coupon_id, ext_coupon_id, fingerprint, pai, plan, months, offer, description, locale, amount_minor,
    currency, code_hash, texts, message_id, issued_at, expires_at, sent_at, redeemed_at, transaction_id)
VALUES ('coupon-given', 'c-given', <1b*32>, '02020202-0202-4202-8202-020202020202', '6M', 6, 'netflix-standard',
    'Netflix Standard, 6 months', 'en', 8999, 'USD', <1c*32>, 1, 'm-3', 1794000000, 1826000000, 1794000001, 1795000000,
    'tx-gift');
INSERT INTO coupon_redemptions (transaction_id, coupon_id, partner, ext_reference, code_hash, pai, period_from, period_to,
    outcome, answering_until)
VALUES ('tx-gift', 'coupon-given', 'netflix', 'r-gift', <1c*32>, NULL, '2027-02-01', '2027-07-31', 'REDEEMED', 1795000060);
