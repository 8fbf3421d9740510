-- A coupon whose message is not coming, and a receipt that says so of one that nobody knows yet.
INSERT INTO coupons (coupon_id, ext_coupon_id, fingerprint, pai, plan, months, offer, description, locale, amount_minor,
    currency, code_hash, texts, message_id, issued_at, expires_at, sent_at, undelivered_at, undelivered_reason,
    undelivered_code)
VALUES ('coupon-lost', 'c-lost', <1d*32>, '02020202-0202-4202-8202-020202020202', '6M', 6, 'netflix-standard',
    'Netflix Standard, 6 months', 'en', 8999, 'USD', <1e*32>, 1, 'm-4', 1794000000, 1826000000, 1794000001, 1795000000,
    'undeliverable', '011');
INSERT INTO text_receipts (message_id, received_at, reason, code) VALUES ('m-5', 1795000000, 'expired', NULL);
