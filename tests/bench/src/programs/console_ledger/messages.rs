//! What subscribers were sent, what the operator has reported of them, and the visits of the last days.

use super::ConsoleLedger;
use anyhow::Result;

impl ConsoleLedger {
    /// Of a hundred charges: five messages of a partner, five coupons, of which one is open, an account event and a visit
    /// of the last day.
    pub(super) async fn add_messages(&mut self) -> Result<()> {
        self.run(
            "CREATE TEMPORARY TABLE payers AS SELECT p.pai, p.subscriber_id, row_number() OVER () - 1 AS payer_at
             FROM pais p WHERE p.pai NOT LIKE '%-0000-4000-8000-%'",
        )
        .await?;
        let dialect = self.dialect;
        let (id, bytes) = (dialect.id("copies.n"), dialect.bytes("copies.n"));
        let subscriber = dialect.id(&self.subscriber_of("copies.n"));
        // The first three of each kind are of each payer.
        let payers = self.payers;
        let whose = |column: &str| {
            format!(
                "CASE WHEN copies.n <= {} THEN (SELECT {column} FROM payers WHERE payer_at = copies.n % {payers})
                     ELSE {subscriber} END",
                3 * payers
            )
        };
        let (pai, subscriber_id) = (whose("pai"), whose("subscriber_id"));
        let count = self.charges / 20;
        let at = self.time_of("copies.n", count);
        self.run(&format!(
            "INSERT INTO notifications (notification_id, partner, ext_notification_id, fingerprint, pai, accepted_at)
             SELECT {id}, 'netflix', 'message-' || {id}, {bytes}, {pai}, {at} FROM {}",
            dialect.numbers(count)
        ))
        .await?;
        self.run(&format!(
            "INSERT INTO coupons (coupon_id, ext_coupon_id, fingerprint, pai, plan, months, offer, description, locale,
                 amount_minor, currency, code_hash, sms_count, message_id, issued_at, expires_at, sent_at, delivered_at,
                 voided_at, redeemed_at, transaction_id)
             SELECT {id}, 'coupon-' || copies.n, {bytes}, {pai}, 'standard', 1, 'netflix-standard', 'Netflix', 'en', 1599,
                 'USD', {bytes}, 1, 'sms-' || copies.n, {at}, {at} + 31536000, {at} + 1, {at} + 2,
                 CASE WHEN copies.n % 4 = 1 THEN {at} + 60 END, CASE WHEN copies.n % 4 > 1 THEN {at} + 60 END,
                 CASE WHEN copies.n % 4 > 1 THEN {id} END
             FROM {}",
            dialect.numbers(count)
        ))
        .await?;
        let count = self.charges / 100;
        let at = self.time_of("copies.n", count);
        let numbers = dialect.numbers(count);
        self.run(&format!(
            "INSERT INTO account_events (event_id, event, occurred_at_nanoseconds, recorded_at, outcome, fingerprint,
                 number_index, subscriber_id)
             SELECT 'event-' || copies.n, CASE WHEN copies.n % 2 = 0 THEN 'suspended' ELSE 'resumed' END,
                 {at} * 1000000000, {at}, 'APPLIED', {bytes}, {bytes}, {subscriber_id}
             FROM {numbers}"
        ))
        .await?;
        let visit = [
            ("flow_hash", bytes.clone()),
            ("number_index", bytes),
            ("started_at", format!("{} - copies.n % 86400", self.now)),
            ("expires_at", format!("{} - copies.n % 86400 + 900", self.now)),
        ];
        self.copy_rows("flows", "TRUE", self.charges / 100, &visit).await
    }
}
