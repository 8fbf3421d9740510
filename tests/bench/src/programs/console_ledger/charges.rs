//! Subscribers, their charges, and what follows from a charge.

use super::{ConsoleLedger, SPREAD_SECONDS};
use anyhow::Result;

/// Filled charges of each payer: several pages.
const CHARGES_OF_PAYER: usize = 60;

impl ConsoleLedger {
    /// The number of the subscriber that the charge, message or event `n` is of: at random.
    pub(super) fn subscriber_of(&self, n: &str) -> String {
        format!("({} % {} + 1)", self.dialect.hash(n), self.subscribers)
    }

    /// When the row `n` of `count` was written: evenly, the newest now.
    pub(super) fn time_of(&self, n: &str, count: usize) -> String {
        let since = self.now - SPREAD_SECONDS;
        format!("({since} + ({n}) * {SPREAD_SECONDS} / {count})")
    }

    /// One in five has another partner.
    fn partner_of(subscriber: &str) -> String {
        format!("CASE WHEN {subscriber} % 5 = 0 THEN 'disney' ELSE 'netflix' END")
    }

    pub(super) async fn add_subscribers(&mut self) -> Result<()> {
        let (count, dialect) = (self.subscribers, self.dialect);
        let (id, bytes) = (dialect.id("copies.n"), dialect.bytes("copies.n"));
        let (at, partner) = (self.time_of("copies.n", count), Self::partner_of("copies.n"));
        let text = str::to_owned;
        self.copy_rows("accounts", "TRUE", count, &[("number_index", bytes.clone())]).await?;
        let subscriber = [
            ("subscriber_id", id.clone()),
            ("handle", id.clone()),
            ("number_index", bytes),
            ("created_at", at.clone()),
        ];
        self.copy_rows("subscribers", "TRUE", count, &subscriber).await?;
        let pai = [
            ("pai", id.clone()),
            ("subscriber_id", id.clone()),
            ("partner", partner.clone()),
            ("created_at", at.clone()),
        ];
        self.copy_rows("pais", "TRUE", count, &pai).await?;
        self.copy_rows("spending", "TRUE", count, &[("subscriber_id", id.clone())]).await?;
        let subscription = [
            ("partner_subscription_id", id.clone()),
            ("ext_subscription_id", format!("'filled-' || {id}")),
            ("pai", id.clone()),
            ("partner", partner.clone()),
            ("created_at", at.clone()),
        ];
        self.copy_rows("partner_subscriptions", "status = 'ACTIVE'", count, &subscription).await?;
        let mandate = [
            ("sequence", text("DEFAULT")),
            ("mandate_id", id.clone()),
            ("pai", id.clone()),
            ("partner_subscription_id", id),
            ("supersedes", text("NULL")),
            ("partner", partner),
            ("recorded_at", at),
        ];
        let first = "partner_subscription_id IS NOT NULL AND change_id IS NULL";
        self.copy_rows("mandates", first, count, &mandate).await
    }

    /// One in 13 is declined until 90 days ago, and none since. One in 11 of the last tenth waits for billing. Every so
    /// often one is of a payer.
    pub(super) async fn add_charges(&mut self) -> Result<()> {
        let (count, dialect) = (self.charges, self.dialect);
        let mut every = (count / (self.payers * CHARGES_OF_PAYER)).max(1);
        // Otherwise only some of the payers would be met.
        every += usize::from(every.is_multiple_of(self.payers));
        let of_payer = format!("copies.n % {every} = 0");
        let (id, at) = (dialect.id("copies.n"), self.time_of("copies.n", count));
        let subscriber = self.subscriber_of("copies.n");
        let (of_subscriber, partner) = (dialect.id(&subscriber), Self::partner_of(&subscriber));
        let (waits, declined) = (self.waits("copies.n"), self.is_declined("copies.n"));
        let charge = [
            ("transaction_id", id.clone()),
            ("ext_transaction_id", format!("'filled-' || {id}")),
            ("pai", format!("CASE WHEN {of_payer} THEN pattern.pai ELSE {of_subscriber} END")),
            ("mandate_id", format!("CASE WHEN {of_payer} THEN pattern.mandate_id ELSE {of_subscriber} END")),
            ("partner", format!("CASE WHEN {of_payer} THEN 'netflix' ELSE {partner} END")),
            (
                "charge_code",
                "CASE copies.n % 3 WHEN 0 THEN 'VOD-1' WHEN 1 THEN 'VOD-2' ELSE 'VOD-3' END".to_owned(),
            ),
            (
                "status",
                format!(
                    "CASE WHEN {waits} THEN 'PENDING' WHEN {declined} THEN 'DECLINED' ELSE 'APPROVED' END"
                ),
            ),
            (
                "decline_reason",
                format!("CASE WHEN NOT {waits} AND {declined} THEN 'insufficient-balance' END"),
            ),
            ("period_from", dialect.day(&at)),
            ("period_to", dialect.day(&format!("{at} + 2505600"))),
            ("created_at", at.clone()),
            ("settled_at", format!("CASE WHEN NOT {waits} THEN {at} + 1 END")),
            ("refunded_minor", format!("CASE WHEN {} THEN 500 ELSE 0 END", self.is_refunded("copies.n"))),
        ];
        self.copy_rows("transactions", "status = 'APPROVED'", count, &charge).await
    }

    fn waits(&self, n: &str) -> String {
        format!("({n} % 11 = 7 AND {n} > {})", self.charges - self.charges / 10)
    }

    fn is_declined(&self, n: &str) -> String {
        format!("({n} % 13 = 0 AND {n} < {})", self.charges / 10 * 7)
    }

    fn is_refunded(&self, n: &str) -> String {
        format!("({n} % 53 = 3 AND NOT {} AND NOT {})", self.waits(n), self.is_declined(n))
    }

    /// One charge in 53 has a refund, one in 1,999 a dispute. Of the jobs of the charges that wait one in ten is a dead
    /// letter.
    pub(super) async fn add_refunds_and_jobs(&mut self) -> Result<()> {
        let (count, dialect) = (self.charges, self.dialect);
        let numbers = dialect.numbers(count);
        let (id, at) = (dialect.id("copies.n"), self.time_of("copies.n", count));
        let subscriber = self.subscriber_of("copies.n");
        let (partner, bytes) = (Self::partner_of(&subscriber), dialect.bytes("copies.n"));
        let (is_refunded, waits) = (self.is_refunded("copies.n"), self.waits("copies.n"));
        self.run(&format!(
            "INSERT INTO refunds (refund_id, partner, ext_refund_id, fingerprint, transaction_id, amount_minor, reason,
                 status, raw_code, stored_response, responding_until, created_at, settled_at)
             SELECT {id}, {partner}, 'refund-' || {id}, {bytes}, {id}, 500, 'Cancelled', 'APPROVED', '00', {bytes},
                 {at} + 60, {at} + 600, {at} + 601
             FROM {numbers} WHERE {is_refunded}"
        ))
        .await?;
        let is_disputed =
            format!("copies.n % 1999 = 5 AND NOT {waits} AND NOT {}", self.is_declined("copies.n"));
        self.run(&format!(
            "INSERT INTO disputes (dispute_id, transaction_id, reference, reason, state, opened_at, decided_at)
             SELECT {id}, {id}, 'T-' || copies.n, 'not-recognized',
                 CASE WHEN copies.n % 3 = 0 THEN 'open' ELSE 'accepted' END, {at} + 900,
                 CASE WHEN copies.n % 3 = 0 THEN NULL ELSE {at} + 1800 END
             FROM {numbers} WHERE {is_disputed}"
        ))
        .await?;
        let due_at = self.now + 3600;
        self.run(&format!(
            "INSERT INTO outbox (kind, transaction_id, queued_at, due_at, attempts, dead_lettered_at)
             SELECT 'charge', {id}, {at}, {due_at}, 4, CASE WHEN copies.n % 10 = 0 THEN {at} END
             FROM {numbers} WHERE {waits}"
        ))
        .await?;
        let asked = dialect.numbers(self.charges.min(200));
        self.run(&format!(
            "INSERT INTO refund_requests (request_id, transaction_id, amount_minor, currency, reason, borne_by,
                 reference, asked_by, asked_role, asked_at, state)
             SELECT {id}, {id}, 500, 'USD', 'Asked', 'operator', 'R-' || copies.n, 'care-1', 'supervisor', {at},
                 'waiting'
             FROM {asked}"
        ))
        .await
    }
}
