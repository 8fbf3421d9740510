-- Books of the first version: one subscriber with everything there can be, and one number that changed hands.
INSERT INTO accounts (number_index, status, account_type, balance_minor, currency, activated_on)
VALUES (<01*32>, 'active', 'prepaid', 5000, 'USD', '2024-01-01');

INSERT INTO flows (flow_hash, number_index, number_sealed, offer, locale, return_url, started_at, expires_at, proven_at,
    pin_mac, pin_expires_at, pin_tries)
VALUES (<0a*32>, <01*32>, <01*40>, 'netflix-standard', 'en', 'https://my.acme.example/done', 1795000000, 1795001800,
    1795000060, <0b*32>, 1795000600, 2);

INSERT INTO subscribers (subscriber_id, handle, number_index, number_sealed, generation, created_at, ended_at)
VALUES ('subscriber-1', 'handle-1', <01*32>, <01*40>, '2024-01-01', 1795000000, NULL),
    ('subscriber-2', 'handle-2', <02*32>, <02*40>, '2019-01-01', 1790000000, 1794000000);

INSERT INTO pais (pai, partner, subscriber_id, state, closed_reason, version, created_at)
VALUES ('01010101-0101-4101-8101-010101010101', 'netflix', 'subscriber-1', 'ACTIVE', NULL, 1, 1795000000),
    ('02020202-0202-4202-8202-020202020202', 'netflix', 'subscriber-2', 'CLOSED', 'account-closed-taken-over', 2,
        1790000000);

INSERT INTO signups (jti, ticket_hash, partner, pai, offer, locale, account_type, partner_return_url, return_url,
    issued_at, spent_at, ext_reference)
VALUES ('jti-1', <0c*32>, 'netflix', '01010101-0101-4101-8101-010101010101', 'netflix-standard', 'en', 'prepaid',
    'https://edge.example/widget/v1/return/acme/t', 'https://my.acme.example/done', 1795000000, 1795000060, 'r-1');

INSERT INTO partner_subscriptions (partner_subscription_id, partner, ext_subscription_id, pai, origin, plan, status,
    created_at)
VALUES ('ps-1', 'netflix', 's-1', '01010101-0101-4101-8101-010101010101', 'NEW_ACCOUNT', 'standard', 'ACTIVE',
    1795000120);

INSERT INTO transactions (transaction_id, partner, ext_transaction_id, fingerprint, pai, amount_minor, currency,
    tax_minor, description, period_from, period_to, status, decline_reason, raw_code, answer, answering_until,
    created_at, settled_at)
VALUES ('tx-approved', 'netflix', 'n-approved', <0d*32>, '01010101-0101-4101-8101-010101010101', 1599, 'USD', NULL,
        'Netflix Standard', '2026-11-01', '2026-11-30', 'APPROVED', NULL, '0', <7b7d>, 1795000060, 1795000000,
        1795000001),
    ('tx-declined', 'netflix', 'n-declined', <0e*32>, '02020202-0202-4202-8202-020202020202', 1599, 'USD', 120,
        'Netflix Standard', '2026-11-01', '2026-11-30', 'DECLINED', 'account-closed-taken-over', NULL, <7b7d>,
        1795000060, 1795000000, 1795000001),
    ('tx-pending', 'netflix', 'n-pending', <0f*32>, '01010101-0101-4101-8101-010101010101', 1599, 'USD', NULL,
        'Netflix Standard', '2026-12-01', '2026-12-31', 'PENDING', NULL, NULL, NULL, 1795000060, 1795000000, NULL);

INSERT INTO outbox (kind, transaction_id, payload, due_at, leased_until, attempts, parked_at)
VALUES ('charge', 'tx-pending', NULL, 1795000000, 1795000060, 1, NULL), ('pin', NULL, <6869>, 1795000000, 0, 0, NULL);

INSERT INTO nonces (key_id, nonce, expires_at) VALUES ('k', 'nonce-of-the-first-version', 1795000600);
