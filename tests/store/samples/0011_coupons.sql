-- A coupon that is redeemed and one that is on its way, guesses, and a receipt that came too early.
INSERT INTO transactions (transaction_id, partner, ext_transaction_id, fingerprint, pai, amount_minor, currency,
    description, period_from, period_to, status, answering_until, created_at)
VALUES ('tx-coupon', 'netflix', 'onbill-coupon-tx-coupon', <16*32>, '02020202-0202-4202-8202-020202020202', 8999, 'USD',
    'Netflix Standard, 6 months', '2027-01-01', '2027-06-30', 'PENDING', 1795000060, 1795000000);
INSERT INTO coupons (coupon_id, ext_coupon_id, fingerprint, pai, plan, months, offer, description, locale, amount_minor,
    currency, code_hash, texts, message_id, issued_at, expires_at, sent_at, redeemed_at, transaction_id)
VALUES ('coupon-spent', 'c-spent', <14*32>, '02020202-0202-4202-8202-020202020202', '6M', 6, 'netflix-standard',
        'Netflix Standard, 6 months', 'en', 8999, 'USD', <17*32>, 1, 'm-1', 1794000000, 1826000000, 1794000001,
        1795000000, 'tx-coupon'),
    ('coupon-new', 'c-new', <15*32>, '02020202-0202-4202-8202-020202020202', '12M', 12, 'netflix-standard',
        'Netflix Standard, 12 months', 'es', 15999, 'USD', <18*32>, 1, NULL, 1795000000, 1826000000, NULL, NULL,
        NULL);
INSERT INTO coupon_redemptions (transaction_id, coupon_id, partner, ext_reference, code_hash, pai, period_from, period_to,
    outcome, answering_until)
VALUES ('tx-coupon', 'coupon-spent', 'netflix', 'r-coupon', <17*32>, '02020202-0202-4202-8202-020202020202',
    '2027-01-01', '2027-06-30', 'REDEEMED', 1795000060);
INSERT INTO coupon_guesses (partner, hour, wrong) VALUES ('netflix', 498611, 7);
INSERT INTO text_receipts (message_id, received_at) VALUES ('m-2', 1795000000);
INSERT INTO outbox (kind, coupon_id, payload, due_at, attempts)
VALUES ('coupon', 'coupon-new', <6869>, 1795000000, 0);
