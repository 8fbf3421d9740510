//! Days that were counted, and reports that were kept: of a year, whatever the ledger has, because a desk's pages show
//! as many days in any.

use super::ConsoleLedger;
use anyhow::Result;

const DAY_SECONDS: i64 = 86_400;
/// A year, as far as charts go back.
const DAYS: usize = 366;
/// As many as are kept of a reconciliation.
const FINDINGS: usize = 10_000;

impl ConsoleLedger {
    pub(super) async fn add_days_and_reports(&mut self) -> Result<()> {
        let dialect = self.dialect;
        // The origin has counted the days of an empty ledger.
        self.run("DELETE FROM counted_days; DELETE FROM charge_days; DELETE FROM visit_days").await?;
        let today = self.now - self.now % DAY_SECONDS;
        let starts_at = format!("({today} - copies.n * {DAY_SECONDS})");
        let (day, days) = (dialect.day(&starts_at), dialect.numbers(DAYS));
        self.run(&format!(
            "INSERT INTO counted_days (day, starts_at, ends_at, counted_at)
             SELECT {day}, {starts_at}, {starts_at} + {DAY_SECONDS}, {starts_at} + 2 * {DAY_SECONDS} + 9000
             FROM {days} WHERE copies.n > 2"
        ))
        .await?;
        let each = self.charges / 366 / 42 + 1;
        self.run(&format!(
            "INSERT INTO charge_days (day, partner, currency, charge_code, outcome, reason, counted, amount_minor)
             SELECT {day}, p.partner, 'USD', c.charge_code, o.outcome, o.reason, {each}, {each} * 1599
             FROM {days} CROSS JOIN (SELECT 'netflix' AS partner UNION ALL SELECT 'disney') AS p
                 CROSS JOIN (SELECT 'VOD-1' AS charge_code UNION ALL SELECT 'VOD-2' UNION ALL SELECT 'VOD-3') AS c
                 CROSS JOIN (SELECT 'approved' AS outcome, '' AS reason UNION ALL SELECT 'refunded', ''
                     UNION ALL SELECT 'declined', 'insufficient-balance' UNION ALL SELECT 'declined', 'risk-declined'
                     UNION ALL SELECT 'declined', 'account-on-hold' UNION ALL SELECT 'declined', 'account-closed') AS o
             WHERE copies.n > 2"
        ))
        .await?;
        self.run(&format!(
            "INSERT INTO visit_days (day, channel, locale, proof, step, refusal, counted)
             SELECT {day}, ch.channel, l.locale, p.proof, s.step, s.refusal, {each}
             FROM {days} CROSS JOIN (SELECT 'widget' AS channel UNION ALL SELECT 'app') AS ch
                 CROSS JOIN (SELECT 'en' AS locale UNION ALL SELECT 'es' UNION ALL SELECT 'fr') AS l
                 CROSS JOIN (SELECT 'pin' AS proof UNION ALL SELECT 'session') AS p
                 CROSS JOIN (SELECT 'validated' AS step, '' AS refusal UNION ALL SELECT 'pin-issued', ''
                     UNION ALL SELECT 'pin-right', '' UNION ALL SELECT 'sign-up-begun', ''
                     UNION ALL SELECT 'token-spent', '' UNION ALL SELECT 'subscribed', ''
                     UNION ALL SELECT 'refused', 'account-not-found' UNION ALL SELECT 'refused', 'pin-wrong') AS s
             WHERE copies.n > 2"
        ))
        .await?;
        self.add_kept_reports(today).await
    }

    /// Of twelve months, with findings of the last.
    async fn add_kept_reports(&mut self, today: i64) -> Result<()> {
        let dialect = self.dialect;
        let from = dialect.day(&format!("{today} - copies.n * 30 * {DAY_SECONDS}"));
        let to = dialect.day(&format!("{today} - copies.n * 30 * {DAY_SECONDS} + 29 * {DAY_SECONDS}"));
        let sum = r#"{"charges":1,"chargesMinor":1599,"refunds":0,"refundsMinor":0}"#;
        let report = format!(
            r#"{{"sums":[{{"currency":"USD","chargeCode":"VOD-1","ours":{sum},"partner":{sum},"billing":{sum},
            "nextBill":{sum}}}],"causes":[{{"cause":"missing-on-bill","charges":{FINDINGS},"refunds":0}}],"lines":1,
            "unreadable":0,"agree":false}}"#
        );
        let shares = r#""charges":2,"grossMinor":3198,"refunds":1,"refundsMinor":600,"taxMinor":98,"netMinor":2500,
            "absorbedMinor":0,"stayed":2,"partnerMinor":2000,"operatorMinor":500"#;
        let settlement = format!(
            r#"{{"isOver":true,"currencies":[{{{shares},"currency":"USD","chargeCodes":[{{{shares},"chargeCode":"VOD-1"}}]}}]}}"#
        );
        let months = dialect.numbers(12);
        for (kind, report) in [("reconciliation", report), ("settlement", settlement)] {
            self.run(&format!(
                "INSERT INTO kept_reports (kind, partner, period_from, period_to, made_at, report)
                 SELECT '{kind}', 'netflix', {from}, {to}, {today}, '{report}' FROM {months}"
            ))
            .await?;
        }
        let columns: Vec<String> = (0..20).map(|n| format!("\"column {n}\"")).collect();
        let finding = format!("[{}]", columns.join(","));
        let (first, last) = Self::findings_period(today);
        let (first, last) = (dialect.day(&first.to_string()), dialect.day(&last.to_string()));
        self.run(&format!(
            "INSERT INTO kept_findings (partner, period_from, period_to, cause, place, finding)
             SELECT 'netflix', {first}, {last}, 'missing-on-bill', copies.n - 1, '{finding}' FROM {}",
            dialect.numbers(FINDINGS)
        ))
        .await
    }

    /// The newest month with a report.
    fn findings_period(today: i64) -> (i64, i64) {
        (today - 30 * DAY_SECONDS, today - DAY_SECONDS)
    }
}
