UPDATE subscribers SET number_since = 1795000005 WHERE subscriber_id = 'subscriber-1';
