//! Arguments that the verbs of the month's end share: the partner and the days.

use anyhow::{Context as _, ensure};
use clap::Args;
use onbill_domain::day::Day;
use onbill_domain::ids::PartnerId;
use onbill_domain::timestamp::Timestamp;
use onbill_origin::config::Config;
use onbill_origin::store::Period;

#[derive(Args)]
pub(super) struct PeriodArguments {
    /// The partner, such as netflix.
    #[arg(long, value_name = "NAME", value_parser = super::arguments::parse_partner)]
    pub(super) partner: PartnerId,
    /// The first day, YYYY-MM-DD. Days are those of UTC.
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    pub(super) from: Day,
    /// The last day, included.
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    pub(super) to: Day,
}

pub(super) fn parse_day(text: &str) -> Result<Day, &'static str> {
    Day::parse(text).ok_or("is not a day of the form YYYY-MM-DD")
}

impl PeriodArguments {
    /// Returns the period, if it is valid and the partner is one of this operator's: a misspelled
    /// partner has no charges, and that would look like a finding.
    pub(super) fn to_period(&self, config: &Config) -> anyhow::Result<Period> {
        let is_known = config.partner_ids().contains(&self.partner);
        ensure!(is_known, "the configuration has no partner {}", self.partner);
        Period::of_days(self.from, self.to).context("--to lies before --from")
    }

    /// The title of a report.
    pub(super) fn title(&self, period: Period, now: Timestamp) -> String {
        let title = format!("{}, {} to {} (UTC)", self.partner, self.from, self.to);
        if now < period.until { format!("{title}: the period is not over yet") } else { title }
    }
}
