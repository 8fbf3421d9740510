//! Auditor: the chain of what people did and looked at, the newest first, a page at a time. Each page is
//! a stretch of an index. An entry names a subscriber by the handle, never by a number.

mod entry;

use super::Console;
use super::access::require;
use super::confirm::to_section;
use super::form::Posted;
use super::layout::{Section, page};
use super::mistake::{Mistake, ask_again, is_at, show_hint};
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

const TITLE: &str = "Audit";
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

/// `GET /auditor`: 200 with a page of the audit; 400 with the form for what names nothing.
pub(super) async fn audit_page(
    State(console): State<Console>,
    viewer: Viewer,
    query: Result<Query<AuditQuery>, QueryRejection>,
) -> Response {
    or_lead_back(try_page(&console, &viewer, query).await, &to_section(Section::Auditor))
}

async fn try_page(
    console: &Console,
    viewer: &Viewer,
    query: Result<Query<AuditQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    require(console, viewer, Act::ReadAudit, None).await?;
    let no_page = |_| Reject::invalid_request("The audit has no page at this address.");
    let Query(query) = query.map_err(no_page)?;
    show_page(console, viewer, &query).await
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

async fn show_page(console: &Console, viewer: &Viewer, query: &AuditQuery) -> Result<Response, Refused> {
    let filter = match read_filter(query) {
        Ok(filter) => filter,
        Err(mistake) => {
            let body = show_filters(query, &viewer.csrf_field(), Some(&mistake));
            return Ok(ask_again(page(viewer, TITLE, Section::Auditor, body)));
        }
    };
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
        (show_filters(query, &viewer.csrf_field(), None))
        (show_entries(&console.parts.config, query, &lines))
    };
    Ok(page(viewer, TITLE, Section::Auditor, body))
}

/// The error says what names nothing.
fn read_filter(query: &AuditQuery) -> Result<AuditFilter, Mistake> {
    match query.by.as_str() {
        "" => Ok(AuditFilter::All),
        ACTOR => read_id(&query.value, "person").map(AuditFilter::Actor),
        SUBSCRIBER => {
            let handle = read_id(&query.value, "subscriber")?;
            Ok(AuditFilter::Subscriber(handle.as_str().to_owned()))
        }
        act => {
            let no_act = || Mistake::new("by", "There is no such act. Choose what to show.");
            AuditAct::parse(act).map(AuditFilter::Act).ok_or_else(no_act)
        }
    }
}

/// Ids have neither blanks nor a NUL, which PostgreSQL does not take. `of` is whose it is.
fn read_id(typed: &str, of: &str) -> Result<ExtId, Mistake> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(Mistake::new("value", format!("Write the id of the {of} here, as an entry has it.")));
    }
    let no_id = || Mistake::new("value", "This is no id: it is written without spaces, as an entry has it.");
    ExtId::parse(typed).ok_or_else(no_id)
}

/// Whether entries are found by the value. It stays in the form otherwise.
fn uses_value(query: &AuditQuery) -> bool {
    [ACTOR, SUBSCRIBER].contains(&query.by.as_str())
}

fn show_filters(query: &AuditQuery, csrf_field: &Markup, mistake: Option<&Mistake>) -> Markup {
    let option = |word: &str, name: &str| {
        html! { option value=(word) selected[word == query.by] { (name) } }
    };
    let is_left_over = !uses_value(query) && !query.value.trim().is_empty();
    html! {
        form class="row" method="post" action="/auditor" {
            (csrf_field)
            label {
                "Entries"
                (show_hint("by", "", mistake))
                select name="by" aria-invalid=[is_at("by", mistake).then_some("true")] {
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
                @if is_left_over {
                    small class="warn" { "Not used: it needs “Of one person” or “About one subscriber”" }
                } @else {
                    (show_hint("value", "The id, as an entry has it", mistake))
                }
                input name="value" value=(query.value) maxlength=(EXT_ID_CHARS_MAX) autocomplete="off"
                    autofocus[is_at("value", mistake)] aria-invalid=[is_at("value", mistake).then_some("true")];
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
    let value = if uses_value(query) { query.value.as_str() } else { "" };
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
        assert_eq!(read_filter(&query("", "")), Ok(AuditFilter::All));
        for act in AuditAct::ALL {
            assert_eq!(read_filter(&query(act.as_str(), "left over")), Ok(AuditFilter::Act(act)));
        }
        let handle = AuditFilter::Subscriber("h-1".to_owned());
        assert_eq!(read_filter(&query("subscriber", " h-1 ")), Ok(handle));
        for (by, value, field) in [
            ("actor", "", "value"),
            ("actor", " ", "value"),
            ("actor", "a b", "value"),
            ("subscriber", "", "value"),
            ("subscriber", "h\0", "value"),
            ("danced", "x", "by"),
        ] {
            let mistake = read_filter(&query(by, value)).err();
            assert!(is_at(field, mistake.as_ref()), "{by} {value}: {mistake:?}");
        }
    }

    #[test]
    fn value_that_is_not_used_says_so() {
        for (by, value, is_said) in [
            ("", "care-17", true),
            ("subscriber-looked-up", "care-17", true),
            ("", " ", false),
            ("actor", "care-17", false),
        ] {
            let page = show_filters(&query(by, value), &html! {}, None).into_string();
            assert_eq!(page.contains("Not used:"), is_said, "{by} {value}");
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
        let page = show_filters(&query("actor", "\"><script>"), &html! {}, None).into_string();
        assert!(!page.contains("<script>"), "{page}");
        let page = show_filters(&query("link-closed", ""), &html! {}, None).into_string();
        assert!(page.contains("<option value=\"link-closed\" selected>Closing of a link</option>"), "{page}");
    }
}
