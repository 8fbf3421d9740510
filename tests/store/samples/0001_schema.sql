-- One subscriber with everything there can be, and one whose number has another subscriber now.
INSERT INTO ledger_identity (fact, value) VALUES ('operator', <61636d65>);
INSERT INTO accounts (number_index, status, account_type, balance_minor, currency, activated_on, changed_at_nanoseconds)
VALUES (<01*32>, 'active', 'prepaid', 5000, 'USD', '2024-01-01', 1795000010000000000);
INSERT INTO sim_swaps (number_index, swapped_at) VALUES (<01*32>, 1795000000);
INSERT INTO nonces (key_id, nonce, expires_at) VALUES ('k', 'nonce-of-the-sample', 1795000600);
INSERT INTO session_assertions (assertion_hash, frame_hash, expires_at) VALUES (<0c*32>, <0d*32>, 1795000900);
INSERT INTO console_sessions (session_hash, sign_in_hash, actor, display_name, roles, created_at, last_seen_at, ended_at)
VALUES (<0e*32>, <0f*32>, 'care-17', 'Robin', 'care supervisor', 1795000000, 1795000300, NULL);

-- A flow of the widget, one of a partner's app, and a visit to the customer's own page.
INSERT INTO flows (flow_hash, partner, number_index, number_sealed, offer, locale, return_url, started_at,
    expires_at, proven_at, pin_mac, pin_expires_at, pin_tries, pin_asked_by, pin_sent_to)
VALUES (<0a*32>, NULL, <01*32>, <01*40>, 'netflix-standard', 'en', 'https://my.acme.example/done', 1795000000,
        1795001800, 1795000060, <0b*32>, 1795000600, 2, 'widget',
        <15*32>),
    (<12*32>, 'netflix', <01*32>, <01*40>, NULL, 'en', NULL, 1795000000, 1795000600, NULL, <13*32>, 1795000600, 1,
        'partner:netflix', NULL),
    (<14*32>, NULL, <01*32>, <01*40>, NULL, 'en', 'https://my.acme.example/', 1795000000, 1795001800, 1795000060,
        NULL, NULL, 0, NULL, NULL);

-- The third is erased, and a file still needs the number of the fourth.
INSERT INTO subscribers (subscriber_id, handle, number_index, number_sealed, subscriber_ref, created_at,
    number_since_nanoseconds, last_event_at_nanoseconds, ended_at, erasure_requested_at)
VALUES ('subscriber-1', 'handle-1', <01*32>, <01*40>, '2024-01-01', 1795000000, 1795000005000000000,
        1795000010000000000, NULL, NULL),
    ('subscriber-2', 'handle-2', <02*32>, <02*40>, '2019-01-01', 1790000000, NULL, NULL, 1794000000, NULL),
    ('subscriber-3', 'handle-3', NULL, NULL, NULL, 1790000000, NULL, NULL, 1795000000, 1795000000),
    ('subscriber-4', 'handle-4', <04*32>, <04*40>, '2020-01-01', 1790000000, NULL, NULL, 1795000000, 1795000000);
-- Of another system: a dark PAI, and one that is cut over.
INSERT INTO subscribers (subscriber_id, handle, number_index, number_sealed, subscriber_ref, created_at)
VALUES ('subscriber-5', 'handle-5', <05*32>, <05*40>, '2018-01-01', 1796000000);
INSERT INTO erasures (erasure_id, requested_at, found) VALUES ('er-1', 1795000000, 1);

INSERT INTO pais (pai, partner, subscriber_id, state, closed_reason, version, created_at, closed_at)
VALUES ('01010101-0101-4101-8101-010101010101', 'netflix', 'subscriber-1', 'ACTIVE', NULL, 1, 1795000000, NULL),
    ('02020202-0202-4202-8202-020202020202', 'netflix', 'subscriber-2', 'CLOSED', 'account-closed-taken-over', 2,
        1790000000, 1794000000),
    ('03030303-0303-4303-8303-030303030303', 'netflix', 'subscriber-3', 'CLOSED', 'account-closed', 2, 1790000000,
        1795000000);

INSERT INTO migration_files (sha256, kind, name, lines, refused, state, loaded_through, begun_at, loaded_at)
VALUES (<31*32>, 'pais', 'pais.csv', 2, 1, 'LOADED', 4, 1796000000, 1796000060),
    (<32*32>, 'charges', 'charges.csv', 2, 0, 'LOADING', 2, 1796000100, NULL);
INSERT INTO pais (pai, partner, subscriber_id, state, closed_reason, version, created_at, closed_at, dark_since,
    dark_version, cut_over_at, paid_until, migration_file, migration_line, migration_fingerprint)
VALUES ('ENT1664367665579', 'netflix', 'subscriber-5', 'ACTIVE', NULL, 1, 1660000000, NULL, 1796000000, 1, NULL,
        '2026-12-17', 1, 2, <33*32>),
    ('pci123', 'tunes', 'subscriber-5', 'SUSPENDED', NULL, 2, 1660000000, NULL, NULL, 1, 1796001000, NULL, 1, 3,
        <34*32>);

INSERT INTO signups (jti, ticket_hash, partner, pai, offer, locale, account_type, partner_return_url, return_url,
    issued_at, spent_at, ext_reference)
VALUES ('jti-1', <0c*32>, 'netflix', '01010101-0101-4101-8101-010101010101', 'netflix-standard', 'en', 'prepaid',
    'https://edge.example/widget/v1/return/acme/t', 'https://my.acme.example/done', 1795000000, 1795000060, 'r-1');
INSERT INTO partner_subscriptions (partner_subscription_id, partner, ext_subscription_id, pai, origin, plan, status,
    created_at, changed_at, change_reason, ended_at, ended_by)
VALUES ('ps-1', 'netflix', 's-1', '01010101-0101-4101-8101-010101010101', 'NEW_ACCOUNT', 'standard', 'SUSPENDED',
        1795000120, 1795000180, 'Not watched', NULL, NULL),
    ('ps-2', 'netflix', 's-2', '02020202-0202-4202-8202-020202020202', 'EXISTING_ACCOUNT', 'standard', 'CANCELLED',
        1790000000, NULL, NULL, 1794000000, 'account-closed-taken-over');

-- Agreed in the widget, completed by the subscription, then changed.
INSERT INTO mandates (mandate_id, partner, pai, offer, plan, price_minor, currency, period, terms_id, terms_sha256,
    words_sha256, locale, proof, proof_reference, accepted_at, recorded_at, supersedes, partner_subscription_id,
    in_force_from, change_id)
VALUES ('jti-1', 'netflix', '01010101-0101-4101-8101-010101010101', 'netflix-standard', 'standard', 1599, 'USD',
        'month', '2026-11', <21*32>, <22*32>, 'en', 'pin', 'f1', 1795000000, 1795000000, NULL, NULL, NULL, NULL),
    ('ps-1', 'netflix', '01010101-0101-4101-8101-010101010101', 'netflix-standard', 'standard', 1599, 'USD',
        'month', '2026-11', <21*32>, <22*32>, 'en', 'pin', 'f1', 1795000000, 1795000120, 'jti-1', 'ps-1',
        '2026-11-18', NULL),
    ('mc-1', 'netflix', '01010101-0101-4101-8101-010101010101', NULL, 'premium', 1999, 'USD', 'month', NULL, NULL,
        NULL, NULL, 'device-read', NULL, 1795000180, 1795000180, 'ps-1', 'ps-1', '2027-01-18', 'ch-1');

-- Of the first, some is being refunded; the one of an erased subscriber stays; the last two are of coupons.
INSERT INTO transactions (transaction_id, partner, ext_transaction_id, fingerprint, pai, amount_minor, currency,
    tax_minor, description, period_from, period_to, status, decline_reason, raw_code, stored_response, responding_until,
    created_at, settled_at, refunded_minor, raw_scope, mandate_id, tax_rate, offer, plan, charge_code, billed_on)
VALUES ('tx-approved', 'netflix', 'n-approved', <0d*32>, '01010101-0101-4101-8101-010101010101', 1599, 'USD', 120,
        'Netflix Standard', '2026-11-01', '2026-11-30', 'APPROVED', NULL, '0', <7b7d>, 1795000060, 1795000000,
        1795000001, 600, NULL, NULL, '8.25', 'netflix-standard', 'standard', 'OTT-NFLX-STD', '2026-12-01'),
    ('tx-declined', 'netflix', 'n-declined', <0e*32>, '02020202-0202-4202-8202-020202020202', 1599, 'USD', 120,
        'Netflix Standard', '2026-11-01', '2026-11-30', 'DECLINED', 'account-closed-taken-over', NULL, <7b7d>,
        1795000060, 1795000000, 1795000001, 0, NULL, NULL, '8.25', 'netflix-standard', 'standard', 'OTT-NFLX-STD',
        NULL),
    ('tx-pending', 'netflix', 'n-pending', <0f*32>, '01010101-0101-4101-8101-010101010101', 1599, 'USD', NULL,
        'Netflix Standard', '2026-12-01', '2026-12-31', 'PENDING', NULL, NULL, NULL, 1795000060, 1795000000, NULL, 0,
        NULL, 'ps-1', NULL, 'netflix-standard', 'standard', 'OTT-NFLX-STD', NULL),
    ('tx-uncovered', 'netflix', 'n-uncovered', <24*32>, '01010101-0101-4101-8101-010101010101', 9999, 'USD', NULL,
        'Netflix Standard', '2026-12-01', '2026-12-31', 'DECLINED', 'risk-declined', 'over-price', <7b7d>, 1795000060,
        1795000000, 1795000000, 0, 'mandate', NULL, NULL, 'netflix-standard', 'standard', 'OTT-NFLX-STD', NULL),
    ('tx-filed', 'netflix', 'n-filed', <13*32>, '01010101-0101-4101-8101-010101010101', 1599, 'USD', NULL,
        'Netflix Standard', '2027-01-01', '2027-01-31', 'PENDING', NULL, NULL, <7b7d>, 1795000060, 1795000000, NULL,
        0, NULL, NULL, NULL, 'netflix-standard', 'standard', 'OTT-NFLX-STD', NULL),
    ('tx-erased', 'netflix', 'n-erased', <13*32>, '03030303-0303-4303-8303-030303030303', 1599, 'USD', NULL,
        'Netflix Standard', '2026-10-01', '2026-10-31', 'APPROVED', NULL, '0', <7b7d>, 1794000060, 1794000000,
        1794000001, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('tx-coupon', 'netflix', 'onbill-coupon-tx-coupon', <16*32>, '02020202-0202-4202-8202-020202020202', 8999, 'USD',
        NULL, 'Netflix Standard, 6 months', '2027-01-01', '2027-06-30', 'PENDING', NULL, NULL, NULL, 1795000060,
        1795000000, NULL, 0, NULL, NULL, NULL, 'netflix-standard', 'standard', 'OTT-NFLX-STD', NULL),
    ('tx-gift', 'netflix', 'onbill-coupon-tx-gift', <1a*32>, '02020202-0202-4202-8202-020202020202', 8999, 'USD',
        NULL, 'Netflix Standard, 6 months', '2027-02-01', '2027-07-31', 'PENDING', NULL, NULL, NULL, 1795000060,
        1795000000, NULL, 0, NULL, NULL, NULL, 'netflix-gone', NULL, 'OTT-NFLX-STD', NULL);
INSERT INTO transactions (transaction_id, partner, ext_transaction_id, fingerprint, pai, amount_minor, currency,
    description, period_from, period_to, status, responding_until, created_at, settled_at, refunded_minor, billing_ref,
    migration_file, migration_line, migration_fingerprint)
VALUES ('tx-claim', 'netflix', 'n-claim', NULL, 'ENT1664367665579', 1599, 'USD', '', '2026-11-01', '2026-11-30',
        'APPROVED', 1793000000, 1793000000, 1793000000, 599, 'line-7', 2, 2, <35*32>),
    ('tx-claim-declined', 'netflix', 'n-claim-declined', NULL, 'ENT1664367665579', 1599, 'USD', '', '2026-10-01',
        '2026-10-31', 'DECLINED', 1792000000, 1792000000, 1792000000, 0, NULL, 2, 3, <36*32>);
INSERT INTO refunds (refund_id, partner, ext_refund_id, fingerprint, transaction_id, amount_minor, reason, status,
    raw_code, stored_response, responding_until, created_at, settled_at, tax_minor, borne_by)
VALUES ('rf-pending', 'netflix', 'r-pending', <10*32>, 'tx-approved', 600, 'Half a month', 'PENDING', NULL, NULL,
    1795000060, 1795000000, NULL, 45, NULL);
INSERT INTO disputes (dispute_id, transaction_id, reference, reason, state, opened_at, decided_at)
VALUES ('dp-decided', 'tx-approved', 'D-1', 'duplicate', 'rejected', 1795000000, 1795000100),
    ('dp-open', 'tx-approved', 'D-2', 'fraud', 'open', 1795000200, NULL);
INSERT INTO spending (subscriber_id, currency, day, day_minor, month_minor)
VALUES ('subscriber-1', 'USD', '2026-11-18', 1599, 3198);

-- A coupon that is redeemed, one that waits for its SMS, a gift, and one whose SMS was not delivered.
INSERT INTO coupons (coupon_id, ext_coupon_id, fingerprint, pai, plan, months, offer, description, locale,
    amount_minor, currency, code_hash, sms_count, message_id, issued_at, expires_at, sent_at, undelivered_at,
    undelivered_reason, undelivered_code, redeemed_at, transaction_id)
VALUES ('coupon-spent', 'c-spent', <14*32>, '02020202-0202-4202-8202-020202020202', '6M', 6, 'netflix-standard',
        'Netflix Standard, 6 months', 'en', 8999, 'USD', <17*32>, 1, 'm-1', 1794000000, 1826000000, 1794000001,
        NULL, NULL, NULL, 1795000000, 'tx-coupon'),
    ('coupon-new', 'c-new', <15*32>, '02020202-0202-4202-8202-020202020202', '12M', 12, 'netflix-standard',
        'Netflix Standard, 12 months', 'es', 15999, 'USD', <18*32>, 1, NULL, 1795000000, 1826000000, NULL, NULL,
        NULL, NULL, NULL, NULL),
    ('coupon-given', 'c-given', <1b*32>, '02020202-0202-4202-8202-020202020202', '6M', 6, 'netflix-standard',
        'Netflix Standard, 6 months', 'en', 8999, 'USD', <1c*32>, 1, 'm-3', 1794000000, 1826000000, 1794000001,
        NULL, NULL, NULL, 1795000000, 'tx-gift'),
    ('coupon-lost', 'c-lost', <1d*32>, '02020202-0202-4202-8202-020202020202', '6M', 6, 'netflix-standard',
        'Netflix Standard, 6 months', 'en', 8999, 'USD', <1e*32>, 1, 'm-4', 1794000000, 1826000000, 1794000001,
        1795000000, 'undeliverable', '011', NULL, NULL);
INSERT INTO coupon_resends (coupon_id, resend_id) VALUES ('coupon-lost', 'again-1');
INSERT INTO coupon_redemptions (transaction_id, coupon_id, partner, ext_reference, code_hash, requested_pai, pai,
    period_from, period_to, outcome, responding_until, reminded_at)
VALUES ('tx-coupon', 'coupon-spent', 'netflix', 'r-coupon', <17*32>, NULL, '02020202-0202-4202-8202-020202020202',
        '2027-01-01', '2027-06-30', 'REDEEMED', 1795000060, NULL),
    ('tx-gift', 'coupon-given', 'netflix', 'r-gift', <1c*32>, NULL, NULL, '2027-02-01', '2027-07-31', 'REDEEMED',
        1795000060, NULL);
INSERT INTO hourly_counts (subject, hour, counted) VALUES ('wrong-coupon-codes netflix', 498611, 7);
INSERT INTO number_checks (number_index, partner, day, counted) VALUES (<01*32>, 'netflix', 20775, 3);
-- One that is active, one of an origin, and one that is over.
INSERT INTO alarms (alarm, subject, instance, raised_at, last_seen_at, counted, ends_at, cleared_at)
VALUES ('coupon-unpaid', 'charge-4', '', 1795000000, 1795000000, 1, NULL, NULL),
    ('disk-low', 'database', 'host:8788', 1795000000, 1795000060, 7, NULL, NULL),
    ('number-checks', 'netflix', '', 1794000000, 1794000000, 1, 1794003600, 1794003600);

INSERT INTO sms_receipts (message_id, received_at, reason, code)
VALUES ('m-2', 1795000000, NULL, NULL), ('m-5', 1795000000, 'expired', NULL);

-- A message that was sent, one that waits, and one without an id of the partner's.
INSERT INTO notifications (notification_id, partner, ext_notification_id, fingerprint, pai, accepted_at)
VALUES ('message-sent', 'netflix', 'm-sent', <1a*32>, '01010101-0101-4101-8101-010101010101', 1794000000),
    ('message-new', 'netflix', 'm-new', <1b*32>, '01010101-0101-4101-8101-010101010101', 1795000000),
    ('message-unnamed', 'netflix', NULL, NULL, '01010101-0101-4101-8101-010101010101', 1794000000);

INSERT INTO account_events (event_id, event, occurred_at_nanoseconds, recorded_at, outcome, fingerprint, number_index,
    subscriber_id)
VALUES ('e-1', 'sim-swapped', 1795000000000000000, 1795000001, 'APPLIED', <11*32>, <01*32>, NULL),
    ('e-erased', 'suspended', 1794000000000000000, 1794000001, 'APPLIED', NULL, NULL, NULL);

-- A file that billing has answered, and one that is yet to be written.
INSERT INTO files (file_id, created_at, lines, columns, sha256, written_at, response_sha256, acknowledged_at)
VALUES ('acme-20261118T110640Z-00000001', 1795000000, 1, 'line,kind,transaction_id,refund_id,msisdn,amount,currency',
        <11*32>, 1795000001, <12*32>, 1795000900),
    ('acme-20261118T112140Z-00000002', 1795000900, 1, 'line,kind,transaction_id,refund_id,msisdn,amount,currency',
        NULL, NULL, NULL, NULL);
INSERT INTO file_lines (file_id, line, transaction_id, refund_id, number_sealed, correlator, traceparent)
VALUES ('acme-20261118T110640Z-00000001', 1, 'tx-approved', NULL, NULL, NULL, NULL),
    ('acme-20261118T112140Z-00000002', 1, 'tx-filed', NULL, NULL, 'bill-run/1', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');

INSERT INTO outbox (kind, transaction_id, refund_id, pai, coupon_id, notification_id, payload, correlator, traceparent, queued_at, due_at, attempts)
VALUES ('charge', 'tx-pending', NULL, NULL, NULL, NULL, NULL, 'bill-run/1', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 1795000000, 1795000060, 1),
    ('pin', NULL, NULL, NULL, NULL, NULL, <6869>, NULL, NULL, 1795000000, 1795000000, 0),
    ('refund', NULL, 'rf-pending', NULL, NULL, NULL, NULL, NULL, NULL, 1795000000, 1795000060, 1),
    ('charge-notice', 'tx-declined', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1795000000, 1795000000, 0),
    ('pai-notice', NULL, NULL, '02020202-0202-4202-8202-020202020202', NULL, NULL, NULL, NULL, NULL, 1795000000, 1795000000, 0),
    ('coupon', NULL, NULL, NULL, 'coupon-new', NULL, <6869>, NULL, NULL, 1795000000, 1795000000, 0),
    ('notification', NULL, NULL, NULL, NULL, 'message-new', <6869>, NULL, NULL, 1795000000, 1795000000, 0);
INSERT INTO outbox (kind, dispute_id, queued_at, due_at, attempts)
VALUES ('dispute-notice', 'dp-open', 1795000000, 1795000000, 0);

INSERT INTO audit (sequence, recorded_at, actor, role, key_id, act, outcome, handle, subject, reason, reference, correlator,
    previous, hash)
VALUES (1, 1795000000, 'care-17', 'care', 'bss-1', 'link-closed', 'done', 'handle-1',
        '02020202-0202-4202-8202-020202020202', 'pai-revoked-by-user', 'T-1', 'call-1',
        'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
        '005a920d8d6c8c26d5045696f564d5e66ef26292df8da3c6e956b522369379a6');
INSERT INTO audit_end (chain, lines, hash)
VALUES ('audit', 1, '005a920d8d6c8c26d5045696f564d5e66ef26292df8da3c6e956b522369379a6');

INSERT INTO charge_days (day, partner, currency, charge_code, outcome, reason, counted, amount_minor)
VALUES ('2026-11-18', 'netflix', 'USD', '', 'approved', '', 1, 1599),
    ('2026-11-18', 'netflix', 'USD', '', 'declined', 'account-on-hold', 1, 1599);
INSERT INTO visit_days (day, channel, locale, proof, step, refusal, counted)
VALUES ('2026-11-18', 'widget', 'en', 'pin', 'validated', '', 1),
    ('2026-11-18', 'app', '', '', 'refused', 'account-not-eligible', 1);
INSERT INTO counted_days (day, starts_at, ends_at, counted_at)
VALUES ('2026-11-18', 1794960000, 1795046400, 1795000000);
INSERT INTO kept_reports (kind, partner, period_from, period_to, made_at, report)
VALUES ('reconciliation', 'netflix', '2026-10-01', '2026-10-31', 1795000000, '{}');
INSERT INTO kept_findings (partner, period_from, period_to, cause, place, finding)
VALUES ('netflix', '2026-10-01', '2026-10-31', 'missing-on-bill', 0, '[]');
INSERT INTO refund_requests (request_id, transaction_id, amount_minor, currency, reason, borne_by, reference, asked_by,
    asked_role, asked_at, state, decided_by, decided_at)
VALUES ('rq-waiting', 'tx-approved', NULL, NULL, 'Billed twice', 'operator', 'T-8', 'lead-3', 'supervisor', 1795000000,
        'waiting', NULL, NULL),
    ('rq-rejected', 'tx-approved', 1599, 'USD', 'Billed twice', 'partner', 'T-9', 'lead-3', 'supervisor', 1795000000,
        'rejected', 'lead-4', 1795000300);
