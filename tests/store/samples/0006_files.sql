-- A file that billing has answered, and one that is yet to be written, with a charge that waits in it.
INSERT INTO transactions (transaction_id, partner, ext_transaction_id, fingerprint, pai, amount_minor, currency,
    tax_minor, description, period_from, period_to, status, decline_reason, raw_code, answer, answering_until,
    created_at, settled_at)
VALUES ('tx-filed', 'netflix', 'n-filed', <13*32>, '01010101-0101-4101-8101-010101010101', 1599, 'USD', NULL,
    'Netflix Standard', '2027-01-01', '2027-01-31', 'PENDING', NULL, NULL, <7b7d>, 1795000060, 1795000000, NULL);

INSERT INTO files (file_id, created_at, lines, sha256, written_at, response_sha256, acknowledged_at)
VALUES ('acme-20261118T110640Z-00000001', 1795000000, 1, <11*32>, 1795000001, <12*32>, 1795000900),
    ('acme-20261118T112140Z-00000002', 1795000900, 1, NULL, NULL, NULL, NULL);

INSERT INTO file_lines (file_id, line, transaction_id, refund_id)
VALUES ('acme-20261118T110640Z-00000001', 1, 'tx-approved', NULL),
    ('acme-20261118T112140Z-00000002', 1, 'tx-filed', NULL);
