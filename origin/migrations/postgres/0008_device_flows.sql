-- A flow is begun in the widget, with an offer and a way back, or by a partner's app on a device: then it belongs to that
-- partner, and has neither.
ALTER TABLE flows ADD COLUMN partner TEXT;
ALTER TABLE flows ALTER COLUMN offer DROP NOT NULL;
ALTER TABLE flows ALTER COLUMN return_url DROP NOT NULL;
ALTER TABLE flows ADD CHECK ((partner IS NULL) = (offer IS NOT NULL));
ALTER TABLE flows ADD CHECK ((partner IS NULL) = (return_url IS NOT NULL));
