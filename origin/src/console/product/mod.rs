//! Product: how customers get through the sign-up, by day, channel, language and proof. It is read from
//! the counts of the days, which outlive the flows, and shows no person.
//!
//! The funnel begins with the number: the frame before it is served by the edge, and is counted there
//! (decision 92).

mod funnel;

use super::Console;
use super::access::require;
use super::layout::{Section, page};
use super::mistake::{Mistake, ask_again, is_at, show_hint};
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
use onbill_domain::limits::SUMMARY_DAYS_MAX;
use onbill_domain::locale::Locale;
use onbill_domain::mandate::MandateProof;
use onbill_domain::reject::Reject;
use onbill_domain::wire::summary::{VisitChannel, VisitCount, VisitStep};
use serde::Deserialize;

const TITLE: &str = "Sign-ups";
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

/// `GET /product`: 200 with the funnel; 400 with the form for days or words that are none, and for too many
/// days.
pub(super) async fn funnel_page(
    State(console): State<Console>,
    viewer: Viewer,
    query: Result<Query<FunnelQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    require(&console, &viewer, Act::ReadFunnel, None).await?;
    let twice = |_| Reject::invalid_request("A field of the form is there twice.");
    let Query(query) = query.map_err(twice)?;
    let shown = match Shown::read(&query, console.parts.daily_counts.today()) {
        Ok(shown) => shown,
        Err(mistake) => {
            let body = show_filters(&query, None, Some(&mistake));
            return Ok(ask_again(page(&viewer, TITLE, Section::Product, body)));
        }
    };
    let visits = console.parts.daily_counts.read_visits(shown.from, shown.to).await?;
    let visits: Vec<VisitCount> = visits.into_iter().filter(|count| shown.has(count)).collect();
    let body = html! {
        (show_filters(&query, Some(&shown), None))
        (funnel_chart(&visits))
        (trend_chart(&visits, shown.from, shown.to))
        (breakdowns(&visits))
        (refusals(&visits))
        p class="muted small" {
            "The first step here is the number. The edge counts how often the widget was shown before, by day and language. "
            code { "docs/operate/logs.md" } " has the query."
        }
    };
    Ok(page(&viewer, TITLE, Section::Product, body))
}

impl Shown {
    /// The error is the first field that cannot be read, or a day that does not fit the other.
    fn read(query: &FunnelQuery, today: Day) -> Result<Self, Mistake> {
        let to = read_field("to", &query.to, Day::parse, NO_DAY)?.unwrap_or(today);
        let from = read_field("from", &query.from, Day::parse, NO_DAY)?;
        let from = from.unwrap_or_else(|| to.minus_days(DAYS_DEFAULT - 1));
        if to < from {
            return Err(Mistake::new("to", "The last day is before the first one."));
        }
        if to.days_since(from) >= i64::from(SUMMARY_DAYS_MAX) {
            return Err(Mistake::new("from", format!("At most {SUMMARY_DAYS_MAX} days are shown at once.")));
        }
        Ok(Self {
            from,
            to,
            channel: read_field("channel", &query.channel, VisitChannel::parse, NO_CHOICE)?,
            locale: read_field("locale", &query.locale, Locale::from_tag, NO_CHOICE)?,
            proof: read_field("proof", &query.proof, MandateProof::parse, NO_CHOICE)?,
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

const NO_DAY: &str = "A day is written like 2026-11-18.";
const NO_CHOICE: &str = "There is no such one. Choose again.";

/// `None` for a field that is left empty. The error has the message.
fn read_field<T>(
    field: &'static str,
    typed: &str,
    parse: fn(&str) -> Option<T>,
    message: &str,
) -> Result<Option<T>, Mistake> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    parse(typed).map(Some).ok_or_else(|| Mistake::new(field, message))
}

/// The days are those that are shown, or what was typed if that cannot be.
fn show_filters(query: &FunnelQuery, shown: Option<&Shown>, mistake: Option<&Mistake>) -> Markup {
    let (from, to) = match shown {
        Some(shown) => (shown.from.to_string(), shown.to.to_string()),
        None => (query.from.clone(), query.to.clone()),
    };
    let channels = VisitChannel::ALL.map(|channel| (channel.as_str(), channel_words(channel)));
    let locales = Locale::ALL.map(|locale| (locale.as_str(), locale.english_name()));
    // Those of another system did not sign up here.
    let proofs = [MandateProof::Pin, MandateProof::Session, MandateProof::DeviceRead]
        .map(|proof| (proof.as_str(), proof_words(proof)));
    html! {
        form class="row" method="get" action="/product" {
            (show_day("From", "from", &from, mistake))
            (show_day("To", "to", &to, mistake))
            (show_choice("Channel", "channel", &query.channel, &channels, mistake))
            (show_choice("Language", "locale", &query.locale, &locales, mistake))
            (show_choice("Proof", "proof", &query.proof, &proofs, mistake))
            button { "Show" }
        }
    }
}

fn show_day(title: &str, name: &str, day: &str, mistake: Option<&Mistake>) -> Markup {
    html! {
        label {
            (title)
            (show_hint(name, "", mistake))
            input type="date" name=(name) value=(day) required autofocus[is_at(name, mistake)]
                aria-invalid=[is_at(name, mistake).then_some("true")];
        }
    }
}

/// `choices` are words with what people read for them.
fn show_choice(
    title: &str,
    name: &str,
    chosen: &str,
    choices: &[(&str, &str)],
    mistake: Option<&Mistake>,
) -> Markup {
    html! {
        label {
            (title)
            (show_hint(name, "", mistake))
            select name=(name) aria-invalid=[is_at(name, mistake).then_some("true")] {
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
    }

    #[test]
    fn mistake_is_at_the_field_that_has_it() {
        let today = Day::parse("2026-11-18").expect("is a day");
        let read = |from: &str, to: &str, locale: &str, proof: &str| {
            let (from, to) = (from.to_owned(), to.to_owned());
            let (locale, proof) = (locale.to_owned(), proof.to_owned());
            Shown::read(&FunnelQuery { from, to, channel: String::new(), locale, proof }, today)
        };
        for (from, to, locale, proof, field) in [
            ("yesterday", "", "", "", "from"),
            ("", "2026-02-30", "", "", "to"),
            ("2026-11-18", "2026-11-17", "", "", "to"),
            ("2025-10-14", "2026-11-18", "", "", "from"),
            ("", "", "tlh", "", "locale"),
            ("", "", "", "palm", "proof"),
        ] {
            let mistake = read(from, to, locale, proof).err();
            assert!(is_at(field, mistake.as_ref()), "{from} {to} {locale} {proof}: {mistake:?}");
        }
        assert!(read("2025-10-15", "2026-11-18", "", "").is_ok(), "four hundred days");
        let to_an_earlier_day = read(" ", "2026-01-30", "", "").expect("is read");
        assert_eq!(to_an_earlier_day.from.to_string(), "2026-01-01");
    }
}
