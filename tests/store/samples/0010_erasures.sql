-- Somebody who was erased, with a charge that stays, and somebody whose number a file still needs.
INSERT INTO erasures (erasure_id, asked_at) VALUES ('er-1', 1795000000);
INSERT INTO subscribers (subscriber_id, handle, number_index, number_sealed, generation, created_at, ended_at,
    erasure_asked_at)
VALUES ('subscriber-3', 'handle-3', NULL, NULL, NULL, 1790000000, 1795000000, 1795000000),
    ('subscriber-4', 'handle-4', <04*32>, <04*40>, '2020-01-01', 1790000000, 1795000000, 1795000000);
INSERT INTO pais (pai, partner, subscriber_id, state, closed_reason, version, created_at)
VALUES ('03030303-0303-4303-8303-030303030303', 'netflix', 'subscriber-3', 'CLOSED', 'account-closed', 2, 1790000000);
INSERT INTO account_events (event_id, fingerprint, event, number_index, subscriber_id, occurred_at, recorded_at, outcome)
VALUES ('e-erased', NULL, 'suspended', NULL, NULL, 1794000000, 1794000001, 'APPLIED');
INSERT INTO transactions (transaction_id, partner, ext_transaction_id, fingerprint, pai, amount_minor, currency,
    tax_minor, description, period_from, period_to, status, decline_reason, raw_code, answer, answering_until,
    created_at, settled_at)
VALUES ('tx-erased', 'netflix', 'n-erased', <13*32>, '03030303-0303-4303-8303-030303030303', 1599, 'USD', NULL,
    'Netflix Standard', '2026-10-01', '2026-10-31', 'APPROVED', NULL, '0', <7b7d>, 1794000060, 1794000000, 1794000001);
