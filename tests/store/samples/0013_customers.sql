-- A PAI of which it is known when it was closed, and a visit to a customer's own page.
UPDATE pais SET closed_at = 1794000000 WHERE state = 'CLOSED';
INSERT INTO flows (flow_hash, number_index, number_sealed, offer, locale, return_url, started_at, expires_at, proven_at,
    pin_mac, pin_expires_at, pin_tries)
VALUES (<14*32>, <01*32>, <01*40>, NULL, 'en', 'https://my.acme.example/', 1795000000, 1795001800, 1795000060, NULL, NULL,
    0);
