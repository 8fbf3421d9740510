-- A message that was sent, one that waits, and one without a name.
INSERT INTO notifications (notification_id, partner, ext_notification_id, fingerprint, pai, accepted_at)
VALUES ('message-sent', 'netflix', 'm-sent', <1a*32>, '01010101-0101-4101-8101-010101010101', 1794000000),
    ('message-new', 'netflix', 'm-new', <1b*32>, '01010101-0101-4101-8101-010101010101', 1795000000),
    ('message-unnamed', 'netflix', NULL, NULL, '01010101-0101-4101-8101-010101010101', 1794000000);
INSERT INTO outbox (kind, notification_id, payload, due_at, attempts)
VALUES ('notification', 'message-new', <6869>, 1795000000, 0);
