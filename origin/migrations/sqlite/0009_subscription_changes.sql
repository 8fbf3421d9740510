-- When the partner last changed how a subscription stands, and why in its words. What ends here leaves them as they are.
ALTER TABLE partner_subscriptions ADD COLUMN changed_at INTEGER;
ALTER TABLE partner_subscriptions ADD COLUMN change_reason TEXT;
