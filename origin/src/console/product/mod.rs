//! Product: how customers get through the sign-up, by day, channel, language and proof. It is read from
//! the counts of the days, which outlive the flows, and shows no person.
//!
//! The funnel begins with the number: the frame before it is served by the edge, and is counted there
//! (decision 92).

mod funnel;

use super::Console;
use super::access::require;
use super::layout::{Section, page};
use super::refused::Refused;
use super::viewer::Viewer;
use super::words::{channel_words, proof_words};
use crate::care::Act;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use funnel::{breakdowns, funnel_chart, refusals, trend_chart};
use maud::{Markup, html};
use onbill_domain::day::Day;
use onbill_domain::locale::Locale;
use onbill_domain::mandate::MandateProof;
use onbill_domain::reject::Reject;
use onbill_domain::wire::summary::{VisitChannel, VisitCount, VisitStep};
use serde::Deserialize;

/// Days that are shown when none are asked for.
const DAYS_DEFAULT: u16 = 30;

/// Which customers to show. A field that is empty leaves nothing out.
#[derive(Default, Deserialize)]
pub(super) struct FunnelQuery {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    locale: String,
    #[serde(default)]
    proof: String,
}

/// Which customers are shown.
struct Shown {
    from: Day,
    to: Day,
    channel: Option<VisitChannel>,
    locale: Option<Locale>,
    proof: Option<MandateProof>,
}

/// `GET /product`: 200 with the funnel; 400 `invalid-request` for days or words that are none, and for too
/// many days.
pub(super) async fn funnel_page(
    State(console): State<Console>,
    viewer: Viewer,
    query: Result<Query<FunnelQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    require(&console, &viewer, Act::ReadFunnel, None).await?;
    let not_read = || Reject::invalid_request("A field of the form is malformed.");
    let Query(query) = query.map_err(|_| not_read())?;
    let shown = Shown::read(&query, console.parts.daily_counts.today()).ok_or_else(not_read)?;
    let visits = console.parts.daily_counts.read_visits(shown.from, shown.to).await?;
    let visits: Vec<VisitCount> = visits.into_iter().filter(|count| shown.has(count)).collect();
    let body = html! {
        (show_filters(&query, &shown))
        (funnel_chart(&visits))
        (trend_chart(&visits, shown.from, shown.to))
        (breakdowns(&visits))
        (refusals(&visits))
        p class="muted small" {
            "The first step here is the number. The edge counts how often the widget was shown before, by day and language. "
            code { "docs/operate/logs.md" } " has the query."
        }
    };
    Ok(page(&viewer, "Sign-ups", Section::Product, body))
}

impl Shown {
    /// `None` for a field that cannot be read.
    fn read(query: &FunnelQuery, today: Day) -> Option<Self> {
        Some(Self {
            from: read_field(&query.from, Day::parse)?.unwrap_or_else(|| today.minus_days(DAYS_DEFAULT - 1)),
            to: read_field(&query.to, Day::parse)?.unwrap_or(today),
            channel: read_field(&query.channel, VisitChannel::parse)?,
            locale: read_field(&query.locale, Locale::from_tag)?,
            proof: read_field(&query.proof, MandateProof::parse)?,
        })
    }

    /// Of a refusal, language and proof are not known: it is left out by the channel only.
    fn has(&self, count: &VisitCount) -> bool {
        let is_refusal = count.step == VisitStep::Refused;
        self.channel.is_none_or(|channel| channel == count.channel)
            && (is_refusal || self.locale.is_none_or(|locale| Some(locale) == count.locale))
            && (is_refusal || self.proof.is_none_or(|proof| Some(proof) == count.proof))
    }
}

/// The outer `None` for a text that is not empty and cannot be read.
#[expect(clippy::option_option, reason = "a field is unreadable, left empty, or there")]
fn read_field<T>(text: &str, parse: fn(&str) -> Option<T>) -> Option<Option<T>> {
    if text.is_empty() { Some(None) } else { parse(text).map(Some) }
}

fn show_filters(query: &FunnelQuery, shown: &Shown) -> Markup {
    let channels = VisitChannel::ALL.map(|channel| (channel.as_str(), channel_words(channel)));
    let locales = Locale::ALL.map(|locale| (locale.as_str(), locale.english_name()));
    // Those of another system did not sign up here.
    let proofs = [MandateProof::Pin, MandateProof::Session, MandateProof::DeviceRead]
        .map(|proof| (proof.as_str(), proof_words(proof)));
    html! {
        form class="row" method="get" action="/product" {
            label { "From" input type="date" name="from" value=(shown.from) required; }
            label { "To" input type="date" name="to" value=(shown.to) required; }
            (show_choice("Channel", "channel", &query.channel, &channels))
            (show_choice("Language", "locale", &query.locale, &locales))
            (show_choice("Proof", "proof", &query.proof, &proofs))
            button { "Show" }
        }
    }
}

/// `choices` are words with what people read for them.
fn show_choice(title: &str, name: &str, chosen: &str, choices: &[(&str, &str)]) -> Markup {
    html! {
        label {
            (title)
            select name=(name) {
                option value="" selected[chosen.is_empty()] { "All" }
                @for (word, shown) in choices { option value=(word) selected[*word == chosen] { (shown) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(channel: VisitChannel, locale: Option<Locale>, step: VisitStep) -> VisitCount {
        VisitCount {
            day: Day::parse("2026-11-18").expect("is a day"),
            channel,
            locale,
            proof: locale.map(|_| MandateProof::Pin),
            step,
            refusal: None,
            count: 1,
        }
    }

    #[test]
    fn filters_leave_out_what_is_known_to_be_another() {
        let today = Day::parse("2026-11-18").expect("is a day");
        let query = |channel: &str, locale: &str| FunnelQuery {
            channel: channel.to_owned(),
            locale: locale.to_owned(),
            ..FunnelQuery::default()
        };
        let shown = Shown::read(&query("widget", "de"), today).expect("is read");
        assert_eq!(shown.from.to_string(), "2026-10-20");
        assert!(shown.has(&count(VisitChannel::Widget, Some(Locale::De), VisitStep::PinRight)));
        assert!(!shown.has(&count(VisitChannel::Widget, Some(Locale::En), VisitStep::PinRight)));
        assert!(!shown.has(&count(VisitChannel::App, Some(Locale::De), VisitStep::PinRight)));
        assert!(shown.has(&count(VisitChannel::Widget, None, VisitStep::Refused)));
        assert!(Shown::read(&query("fax", ""), today).is_none());
    }
}
