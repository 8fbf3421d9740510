-- A flow that a partner's app has begun.
INSERT INTO flows (flow_hash, partner, number_index, number_sealed, locale, started_at, expires_at, pin_mac,
    pin_expires_at, pin_tries)
VALUES (<12*32>, 'netflix', <01*32>, <01*40>, 'en', 1795000000, 1795000600, <13*32>, 1795000600, 1);
