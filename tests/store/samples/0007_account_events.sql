-- A subscriber whose account has changed, a swapped SIM, and a partner that has yet to hear of somebody who has left.
INSERT INTO account_events (event_id, fingerprint, event, number_index, occurred_at, recorded_at, outcome)
VALUES ('e-1', <11*32>, 'sim-swapped', <01*32>, 1795000000, 1795000001, 'APPLIED');
UPDATE subscribers SET last_event_at = 1795000010 WHERE subscriber_id = 'subscriber-1';
UPDATE accounts SET changed_at = 1795000010;
INSERT INTO sim_swaps (number_index, swapped_at) VALUES (<01*32>, 1795000000);
INSERT INTO outbox (kind, pai, due_at, attempts)
VALUES ('pai-notice', '02020202-0202-4202-8202-020202020202', 1795000000, 0);
