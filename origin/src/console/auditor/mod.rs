//! Auditor: the chain of what people did and looked at, the newest first, a page at a time. Each page is
//! a stretch of an index. An entry names a subscriber by the handle, never by a number.

mod entry;

use super::Console;
use super::access::require;
use super::confirm::to_section;
use super::form::Posted;
use super::layout::{Section, page};
use super::refused::{Refused, or_lead_back};
use super::viewer::Viewer;
use super::words::act_words;
use crate::care::Act;
use crate::config::Config;
use crate::store::AuditFilter;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use entry::{COLUMNS, show_entry};
use maud::{Markup, html};
use onbill_domain::ids::ExtId;
use onbill_domain::limits::EXT_ID_CHARS_MAX;
use onbill_domain::reject::Reject;
use onbill_domain::wire::audit::{AuditAct, AuditLine};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

/// Entries on one page: a screen or two.
const PER_PAGE: u32 = 50;

/// Which entries to show: all, or those of one person, act or subscriber.
#[derive(Default, Deserialize)]
pub(super) struct AuditQuery {
    /// Empty, [`ACTOR`], [`SUBSCRIBER`], or the word of an act.
    #[serde(default)]
    by: String,
    /// Which person or subscriber.
    #[serde(default)]
    value: String,
    before: Option<i64>,
}

/// The entries of one person.
const ACTOR: &str = "actor";
/// The entries about one subscriber.
const SUBSCRIBER: &str = "subscriber";

/// What the form posts: a viewer may type a number into it, and a URL is in histories and logs.
#[derive(Deserialize)]
pub(super) struct FilterForm {
    by: String,
    value: String,
}

/// `GET /auditor`: 200 with a page of the audit; 400 `invalid-request` for what names nothing.
pub(super) async fn audit_page(
    State(console): State<Console>,
    viewer: Viewer,
    query: Result<Query<AuditQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    require(&console, &viewer, Act::ReadAudit, None).await?;
    let Query(query) = query.map_err(|_| not_read())?;
    show_page(&console, &viewer, &query).await
}

/// `POST /auditor`: the same, of what was typed.
pub(super) async fn filter_page(State(console): State<Console>, posted: Posted<FilterForm>) -> Response {
    or_lead_back(try_filter(&console, posted).await, &to_section(Section::Auditor))
}

async fn try_filter(
    console: &Console,
    Posted { viewer, form }: Posted<FilterForm>,
) -> Result<Response, Refused> {
    require(console, &viewer, Act::ReadAudit, None).await?;
    let FilterForm { by, value } = form?;
    show_page(console, &viewer, &AuditQuery { by, value, before: None }).await
}

fn not_read() -> Reject {
    Reject::invalid_request(
        "Name the person by their id, or the subscriber by the handle, as an entry has it.",
    )
}

async fn show_page(console: &Console, viewer: &Viewer, query: &AuditQuery) -> Result<Response, Refused> {
    let filter = read_filter(query).ok_or_else(not_read)?;
    let store = &console.parts.store;
    let lines = store.list_newest_audit_lines(filter, query.before, PER_PAGE).await?;
    let end = store.find_audit_end().await?;
    let body = html! {
        @match &end.stated {
            Some(end) => {
                dl class="facts small" {
                    dt { "Entries" } dd { (end.lines) }
                    dt { "Last hash" } dd { code { (end.hash) } }
                }
            }
            None => { p class="muted small" { "The audit has no entry, or its end is missing." } }
        }
        p class="muted small" { code { "onbill-origin audit verify" } " checks that none was changed." }
        (show_filters(query, &viewer.csrf_field()))
        (show_entries(&console.parts.config, query, &lines))
    };
    Ok(page(viewer, "Audit", Section::Auditor, body))
}

/// `None` for a filter that names nothing. Ids have neither blanks nor a NUL, which PostgreSQL does not take.
fn read_filter(query: &AuditQuery) -> Option<AuditFilter> {
    let named = || ExtId::parse(query.value.trim());
    match query.by.as_str() {
        "" => Some(AuditFilter::All),
        ACTOR => named().map(AuditFilter::Actor),
        SUBSCRIBER => named().map(|handle| AuditFilter::Subscriber(handle.as_str().to_owned())),
        act => AuditAct::parse(act).map(AuditFilter::Act),
    }
}

fn show_filters(query: &AuditQuery, csrf_field: &Markup) -> Markup {
    let option = |word: &str, name: &str| {
        html! { option value=(word) selected[word == query.by] { (name) } }
    };
    html! {
        form class="row" method="post" action="/auditor" {
            (csrf_field)
            label {
                "Entries"
                select name="by" {
                    (option("", "All"))
                    (option(ACTOR, "Of one person"))
                    (option(SUBSCRIBER, "About one subscriber"))
                    optgroup label="Of one act" {
                        @for act in AuditAct::ALL { (option(act.as_str(), act_words(act))) }
                    }
                }
            }
            label {
                "Which person or subscriber"
                small { "The id, as an entry has it" }
                input name="value" value=(query.value) maxlength=(EXT_ID_CHARS_MAX) autocomplete="off";
            }
            button { "Show" }
        }
    }
}

fn show_entries(config: &Config, query: &AuditQuery, lines: &[AuditLine]) -> Markup {
    let is_full = lines.len() == PER_PAGE as usize;
    let next = lines.last().filter(|_| is_full).map(|last| link_to_earlier(query, last.sequence));
    html! {
        section class="card" {
            @if lines.is_empty() { p class="muted" { "There are no such entries." } }
            @else {
                table {
                    caption { "Entries, the newest first" }
                    thead { tr { @for name in COLUMNS { th scope="col" { (name) } } } }
                    tbody { @for line in lines { (show_entry(config, line)) } }
                }
            }
            @if let Some(next) = next { a class="button quiet" href=(next) { "Earlier entries" } }
        }
    }
}

/// A value is in it only where entries were found by it: anything else may be a number.
fn link_to_earlier(query: &AuditQuery, sequence: i64) -> String {
    let value = if [ACTOR, SUBSCRIBER].contains(&query.by.as_str()) { query.value.as_str() } else { "" };
    format!("{}&before={sequence}", link_to(&query.by, value))
}

fn link_to(by: &str, value: &str) -> String {
    format!("/auditor?by={by}&value={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(by: &str, value: &str) -> AuditQuery {
        AuditQuery { by: by.to_owned(), value: value.to_owned(), before: None }
    }

    #[test]
    fn filter_is_one_thing_that_is_named() {
        assert_eq!(read_filter(&query("", "")), Some(AuditFilter::All));
        for act in AuditAct::ALL {
            assert_eq!(read_filter(&query(act.as_str(), "left over")), Some(AuditFilter::Act(act)));
        }
        let handle = AuditFilter::Subscriber("h-1".to_owned());
        assert_eq!(read_filter(&query("subscriber", " h-1 ")), Some(handle));
        for (by, value) in
            [("actor", ""), ("danced", "x"), ("subscriber", ""), ("subscriber", "h\0"), ("actor", "a b")]
        {
            assert_eq!(read_filter(&query(by, value)), None, "{by} {value}");
        }
    }

    #[test]
    fn what_is_left_over_in_the_form_is_in_no_link() {
        for by in ["", "subscriber-looked-up"] {
            let link = link_to_earlier(&query(by, "+12025550101"), 7);
            assert_eq!(link, format!("/auditor?by={by}&value=&before=7"));
        }
        assert_eq!(link_to_earlier(&query("actor", "a-1"), 7), "/auditor?by=actor&value=a%2D1&before=7");
    }

    #[test]
    fn links_and_forms_escape_what_people_wrote() {
        assert_eq!(link_to("actor", "a&b c"), "/auditor?by=actor&value=a%26b%20c");
        let page = show_filters(&query("actor", "\"><script>"), &html! {}).into_string();
        assert!(!page.contains("<script>"), "{page}");
        let page = show_filters(&query("link-closed", ""), &html! {}).into_string();
        assert!(page.contains("<option value=\"link-closed\" selected>Closing of a link</option>"), "{page}");
    }
}
