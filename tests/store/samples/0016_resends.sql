-- A message that was sent again under a name of the operator's.
INSERT INTO coupon_resends (coupon_id, resend_id) VALUES ('coupon-lost', 'again-1');
