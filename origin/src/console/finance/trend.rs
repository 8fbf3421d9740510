//! The month as charts: what was approved, declined and refunded on each day, by currency.

use super::month::Month;
use crate::care::explain;
use crate::config::OperatorTimeZone;
use crate::console::chart::Chart;
use crate::console::chart_series::{ChartKind, Series, Tone, Unit};
use crate::console::figures::{format_count, format_counted, format_money, format_share};
use crate::console::text::show_time;
use maud::{Markup, html};
use onbill_domain::currency::Currency;
use onbill_domain::day::Day;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::wire::summary::{ChargeCount, CountedDay, CountedOutcome};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Of which time the numbers are, and whether days are missing.
pub(super) fn counted_note(
    zone: &OperatorTimeZone,
    counted: &[CountedDay],
    month: Month,
    today: Day,
) -> Markup {
    let missing = month.days_until(today).len().saturating_sub(counted.len());
    let newest = counted.iter().map(|day| day.counted_at).max();
    html! {
        p class="muted small" {
            @if let Some(newest) = newest { "Counted until " (show_time(zone, newest)) ", by the day of settlement. " }
            @match missing {
                0 => {}
                1 => { "One day of the month is yet to be counted." }
                _ => { (missing) " days of the month are yet to be counted." }
            }
        }
    }
}

/// Two charts for each currency.
pub(super) fn trends(charges: &[ChargeCount], month: Month, today: Day, is_on_paper: bool) -> Markup {
    let currencies: BTreeSet<Currency> = charges.iter().map(|count| count.amount.currency).collect();
    let days = month.days_until(today);
    html! {
        @if currencies.is_empty() { p class="notice" { "Nothing was settled in this month." } }
        @for currency in currencies {
            @let of_currency = Trend::of(charges, currency, &days);
            section class="card" {
                h2 { (currency) }
                (of_currency.show_totals())
                (of_currency.counts_chart(is_on_paper))
                (of_currency.sums_chart(is_on_paper))
            }
        }
    }
}

/// How many, and their sum in minor units, on each day.
#[derive(Default)]
struct OfDays {
    counts: Vec<i64>,
    sums: Vec<i64>,
}

impl OfDays {
    fn count(&self) -> i64 {
        self.counts.iter().sum()
    }

    fn sum_minor(&self) -> i64 {
        self.sums.iter().fold(0, |sum, more| sum.saturating_add(*more))
    }
}

struct Trend {
    currency: Currency,
    labels: Vec<String>,
    approved: OfDays,
    declined: OfDays,
    refunded: OfDays,
}

impl Trend {
    fn of(charges: &[ChargeCount], currency: Currency, days: &[Day]) -> Self {
        let of = |outcome| {
            let mut by_day: BTreeMap<Day, (i64, i64)> = days.iter().map(|day| (*day, (0, 0))).collect();
            let counted =
                charges.iter().filter(|count| count.outcome == outcome && count.amount.currency == currency);
            for count in counted {
                let (known, sum) = by_day.entry(count.day).or_default();
                *known += count.count;
                *sum = sum.saturating_add(count.amount.amount_minor);
            }
            let (counts, sums) = by_day.into_values().unzip();
            OfDays { counts, sums }
        };
        Self {
            currency,
            labels: days.iter().map(ToString::to_string).collect(),
            approved: of(CountedOutcome::Approved),
            declined: of(CountedOutcome::Declined),
            refunded: of(CountedOutcome::Refunded),
        }
    }

    fn show_totals(&self) -> Markup {
        let money =
            |of: &OfDays| format!("{} {}", format_money(of.sum_minor(), self.currency), self.currency);
        let (approved, declined) = (self.approved.count(), self.declined.count());
        html! {
            div class="cards" {
                div {
                    p class="muted" { "Approved" }
                    p class="number" { (money(&self.approved)) }
                    p class="muted" { (format_counted(approved, "charge")) }
                }
                div {
                    p class="muted" { "Declined" }
                    p class="number" { (format_share(declined, approved + declined)) }
                    p class="muted" { (format_counted(declined, "charge")) }
                }
                div {
                    p class="muted" { "Refunded" }
                    p class="number" { (money(&self.refunded)) }
                    p class="muted" { (format_counted(self.refunded.count(), "refund")) }
                }
            }
        }
    }

    fn counts_chart(&self, is_table_open: bool) -> Markup {
        let series =
            |name: &str, tone, of: &OfDays| Series { name: name.to_owned(), tone, values: of.counts.clone() };
        Chart {
            id: &format!("counts-{}", self.currency),
            title: &format!("Charges in {} by day", self.currency),
            description: "How many charges were approved and declined on each day of the month.",
            is_in_section: true,
            kind: ChartKind::StackedBars,
            unit: Unit::Count("charges"),
            label: "Day",
            labels: self.labels.clone(),
            series: vec![
                series("approved", Tone::Good, &self.approved),
                series("declined", Tone::Bad, &self.declined),
            ],
            is_table_open,
        }
        .render()
    }

    fn sums_chart(&self, is_table_open: bool) -> Markup {
        let series =
            |name: &str, tone, of: &OfDays| Series { name: name.to_owned(), tone, values: of.sums.clone() };
        Chart {
            id: &format!("sums-{}", self.currency),
            title: &format!("Money in {} by day", self.currency),
            description: "The sums that were approved and refunded on each day of the month.",
            is_in_section: true,
            kind: ChartKind::Lines,
            unit: Unit::Money(self.currency),
            label: "Day",
            labels: self.labels.clone(),
            series: vec![
                series("approved", Tone::Good, &self.approved),
                series("refunded", Tone::Warn, &self.refunded),
            ],
            is_table_open,
        }
        .render()
    }
}

/// Why charges were declined, the most frequent reason first.
pub(super) fn declines(charges: &[ChargeCount]) -> Markup {
    let count_of = |reason| -> i64 {
        charges.iter().filter(|count| count.reason == Some(reason)).map(|count| count.count).sum()
    };
    let mut reasons: Vec<(DeclineReason, i64)> =
        DeclineReason::ALL.into_iter().map(|reason| (reason, count_of(reason))).collect();
    reasons.retain(|(_, count)| *count > 0);
    reasons.sort_by_key(|(_, count)| Reverse(*count));
    let all: i64 = reasons.iter().map(|(_, count)| count).sum();
    html! {
        @if !reasons.is_empty() {
            section class="card" {
                table {
                    caption { "Declined, by reason" }
                    thead { tr { th scope="col" { "Reason" } th scope="col" class="amount" { "Charges" } th scope="col" class="amount" { "Share" } } }
                    tbody {
                        @for (reason, count) in reasons {
                            tr {
                                td data-label="Reason" { (explain(reason)) " " code class="muted" { (reason.as_str()) } }
                                td class="amount" data-label="Charges" { (format_count(count)) }
                                td class="amount" data-label="Share" { (format_share(count, all)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onbill_domain::ids::PartnerId;
    use onbill_domain::money::Money;

    fn day(text: &str) -> Day {
        Day::parse(text).expect("is a day")
    }

    fn count(
        at: &str,
        outcome: CountedOutcome,
        count: i64,
        amount_minor: i64,
        currency: &str,
    ) -> ChargeCount {
        ChargeCount {
            day: day(at),
            partner: PartnerId::parse("netflix").expect("is an id"),
            charge_code: None,
            outcome,
            reason: DeclineReason::parse("account-on-hold").filter(|_| outcome == CountedOutcome::Declined),
            count,
            amount: Money { amount_minor, currency: Currency::parse(currency).expect("is listed") },
        }
    }

    fn charges() -> Vec<ChargeCount> {
        vec![
            count("2026-11-02", CountedOutcome::Approved, 3, 4_797, "USD"),
            count("2026-11-02", CountedOutcome::Declined, 1, 1_599, "USD"),
            count("2026-11-03", CountedOutcome::Refunded, 1, 600, "USD"),
            count("2026-11-03", CountedOutcome::Approved, 1, 900, "JPY"),
        ]
    }

    #[test]
    fn trend_has_every_day_until_today_and_one_currency() {
        let month = Month::parse("2026-11").expect("is a month");
        let days = month.days_until(day("2026-11-04"));
        let usd = Currency::parse("USD").expect("is listed");
        let trend = Trend::of(&charges(), usd, &days);
        assert_eq!(trend.labels.len(), 4);
        assert_eq!((trend.approved.counts, trend.approved.sums), (vec![0, 3, 0, 0], vec![0, 4_797, 0, 0]));
        assert_eq!((trend.declined.counts, trend.refunded.sums), (vec![0, 1, 0, 0], vec![0, 0, 600, 0]));
        let page = trends(&charges(), month, day("2026-11-04"), false).into_string();
        for expected in
            ["47.97 USD", "25.0 %", "3 charges", "1 charge<", "6.00 USD", "Charges in JPY by day", ">900<"]
        {
            assert!(page.contains(expected), "{expected}: {page}");
        }
    }

    #[test]
    fn declines_are_listed_with_their_share() {
        let page = declines(&charges()).into_string();
        assert!(page.contains("The account was suspended.") && page.contains("100.0 %"), "{page}");
        assert!(declines(&[]).into_string().is_empty());
    }
}
