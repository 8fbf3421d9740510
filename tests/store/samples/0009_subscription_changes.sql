-- A subscription that its partner holds back.
UPDATE partner_subscriptions SET status = 'SUSPENDED', changed_at = 1795000180, change_reason = 'Not watched'
WHERE partner_subscription_id = 'ps-1';
