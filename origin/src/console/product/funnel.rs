//! The funnel as charts and tables.

use crate::console::chart::Chart;
use crate::console::chart_series::{ChartKind, Series, Tone, Unit};
use crate::console::figures::{format_count, format_share};
use crate::console::words::{channel_words, proof_words};
use maud::{Markup, html};
use onbill_domain::day::Day;
use onbill_domain::locale::Locale;
use onbill_domain::wire::summary::{VisitChannel, VisitCount, VisitStep};
use std::collections::BTreeMap;

/// The steps in the order in which customers come to them, as people read them.
const STEPS: [(VisitStep, &str); 6] = [
    (VisitStep::Validated, "number entered"),
    (VisitStep::PinIssued, "code sent"),
    (VisitStep::PinRight, "code right"),
    (VisitStep::SignupBegun, "agreed"),
    (VisitStep::TokenSpent, "at the partner"),
    (VisitStep::Subscribed, "subscribed"),
];

fn count_of<'a>(visits: impl IntoIterator<Item = &'a VisitCount>, step: VisitStep) -> i64 {
    visits.into_iter().filter(|count| count.step == step).map(|count| count.count).sum()
}

/// How many came how far. Customers with a session of the dashboard need no code, and those of an app
/// begin with one: so a later bar can be higher than an earlier one.
pub(super) fn funnel_chart(visits: &[VisitCount]) -> Markup {
    let values = STEPS.map(|(step, _)| count_of(visits, step)).to_vec();
    // Only the widget has the step before: with those of an app, more than all would have subscribed.
    let of_widget = visits.iter().filter(|count| count.channel == VisitChannel::Widget);
    let subscribed = count_of(of_widget, VisitStep::Subscribed);
    let begun = count_of(visits, VisitStep::SignupBegun);
    html! {
        (Chart {
            id: "funnel",
            title: "From the number to the subscription",
            description: "How many customers came to each step of the sign-up.",
            is_in_section: false,
            kind: ChartKind::Bars,
            unit: Unit::Count("customers"),
            label: "Step",
            labels: STEPS.map(|(_, name)| name.to_owned()).to_vec(),
            series: vec![Series { name: "customers".to_owned(), tone: Tone::Accent, values }],
            is_table_open: false,
        }.render())
        p class="muted small" {
            @if begun > 0 { (format_share(subscribed, begun)) " of those who agreed in the widget have subscribed. " }
            "Customers with a session of the dashboard need no code. Those of an app agree in the app, and are not in “agreed”."
        }
    }
}

pub(super) fn trend_chart(visits: &[VisitCount], from: Day, to: Day) -> Markup {
    let days: Vec<Day> =
        std::iter::successors(Some(from), |day| day.next()).take_while(|day| *day <= to).collect();
    let series = |name: &str, tone, step| {
        let mut by_day: BTreeMap<Day, i64> = days.iter().map(|day| (*day, 0)).collect();
        for count in visits.iter().filter(|count| count.step == step) {
            *by_day.entry(count.day).or_default() += count.count;
        }
        Series { name: name.to_owned(), tone, values: by_day.into_values().collect() }
    };
    Chart {
        id: "sign-ups",
        title: "Sign-ups by day",
        description: "How many customers entered a number, agreed and subscribed on each day.",
        is_in_section: false,
        kind: ChartKind::Lines,
        unit: Unit::Count("customers"),
        label: "Day",
        labels: days.iter().map(ToString::to_string).collect(),
        series: vec![
            series("number entered", Tone::Muted, VisitStep::Validated),
            series("agreed", Tone::Accent, VisitStep::SignupBegun),
            series("subscribed", Tone::Good, VisitStep::Subscribed),
        ],
        is_table_open: false,
    }
    .render()
}

/// The same steps by channel, language and proof.
pub(super) fn breakdowns(visits: &[VisitCount]) -> Markup {
    let channel = |count: &VisitCount| channel_words(count.channel);
    let locale = |count: &VisitCount| count.locale.map_or("Not known", Locale::english_name);
    let proof = |count: &VisitCount| count.proof.map_or("Not known", proof_words);
    html! {
        (show_breakdown("By channel", "Channel", visits, channel))
        (show_breakdown("By language", "Language", visits, locale))
        (show_breakdown("By proof", "Proof", visits, proof))
    }
}

fn show_breakdown(
    title: &str,
    label: &str,
    visits: &[VisitCount],
    key: impl Fn(&VisitCount) -> &'static str,
) -> Markup {
    let mut groups: BTreeMap<&'static str, Vec<&VisitCount>> = BTreeMap::new();
    for count in visits.iter().filter(|count| count.step != VisitStep::Refused) {
        groups.entry(key(count)).or_default().push(count);
    }
    html! {
        @if !groups.is_empty() {
            section class="card" {
                table {
                    caption { (title) }
                    thead {
                        tr {
                            th scope="col" { (label) }
                            @for (_, name) in STEPS { th scope="col" class="amount" { (name) } }
                        }
                    }
                    tbody {
                        @for (word, counts) in &groups {
                            tr {
                                td data-label=(label) { (word) }
                                @for (step, name) in STEPS {
                                    td class="amount" data-label=(name) { (format_count(count_of(counts.iter().copied(), step))) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Why calls were refused, the most frequent reason first.
pub(super) fn refusals(visits: &[VisitCount]) -> Markup {
    let mut reasons: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for count in visits {
        if let Some(refusal) = &count.refusal {
            *reasons.entry((channel_words(count.channel), refusal)).or_default() += count.count;
        }
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(key, count)| (-count, *key));
    html! {
        @if !reasons.is_empty() {
            section class="card" {
                table {
                    caption { "Refused calls, by reason" }
                    thead { tr { th scope="col" { "Channel" } th scope="col" { "Reason" } th scope="col" class="amount" { "Calls" } } }
                    tbody {
                        @for ((channel, refusal), count) in reasons {
                            tr {
                                td data-label="Channel" { (channel) }
                                td data-label="Reason" { code { (refusal) } }
                                td class="amount" data-label="Calls" { (format_count(count)) }
                            }
                        }
                    }
                }
                p class="muted small" { "One customer may be refused several times, as with a wrong code." }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onbill_domain::mandate::MandateProof;

    fn count(day: &str, channel: VisitChannel, step: VisitStep, count: i64) -> VisitCount {
        VisitCount {
            day: Day::parse(day).expect("is a day"),
            channel,
            locale: Some(Locale::De).filter(|_| step != VisitStep::Refused),
            proof: Some(MandateProof::Pin).filter(|_| step != VisitStep::Refused),
            step,
            refusal: Some("account-not-eligible".to_owned()).filter(|_| step == VisitStep::Refused),
            count,
        }
    }

    #[test]
    fn funnel_shows_each_step_trend_each_day_and_refusals_their_reason() {
        let visits = [
            count("2026-11-17", VisitChannel::Widget, VisitStep::Validated, 40),
            count("2026-11-17", VisitChannel::Widget, VisitStep::SignupBegun, 20),
            count("2026-11-18", VisitChannel::Widget, VisitStep::Subscribed, 5),
            count("2026-11-18", VisitChannel::App, VisitStep::Subscribed, 2),
            count("2026-11-18", VisitChannel::App, VisitStep::Refused, 3),
        ];
        let page = funnel_chart(&visits).into_string();
        assert!(page.contains(">40</td>") && page.contains(">7</td>") && page.contains("25.0 %"), "{page}");
        let page = funnel_chart(&visits[3..]).into_string();
        assert!(!page.contains("of those who agreed"), "there is no share of an app's: {page}");
        let [from, to] = ["2026-11-16", "2026-11-18"].map(|day| Day::parse(day).expect("is a day"));
        let page = trend_chart(&visits, from, to).into_string();
        assert_eq!(page.matches("<tr>").count(), 1 + 3, "{page}");
        let page = breakdowns(&visits).into_string();
        assert!(
            page.contains(">Widget<") && page.contains(">Partner’s app<") && page.contains(">German<"),
            "{page}"
        );
        let page = refusals(&visits).into_string();
        assert!(page.contains("account-not-eligible") && page.contains(">3</td>"), "{page}");
        assert!(refusals(&visits[..4]).into_string().is_empty());
    }
}
