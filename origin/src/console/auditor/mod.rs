//! Auditor: the chain of what people did and looked at, the newest first, a page at a time. Each page is
//! a stretch of an index. An entry names a subscriber by the handle, never by a number.

use super::Console;
use super::access::require;
use super::figures::format_minute;
use super::form::Posted;
use super::layout::{Section, page};
use super::refused::Refused;
use super::viewer::Viewer;
use crate::care::Act;
use crate::store::AuditFilter;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
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
    #[serde(default)]
    by: String,
    #[serde(default)]
    value: String,
    before: Option<i64>,
}

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
pub(super) async fn filter_page(
    State(console): State<Console>,
    Posted { viewer, form }: Posted<FilterForm>,
) -> Result<Response, Refused> {
    require(&console, &viewer, Act::ReadAudit, None).await?;
    let FilterForm { by, value } = form?;
    show_page(&console, &viewer, &AuditQuery { by, value, before: None }).await
}

fn not_read() -> Reject {
    Reject::invalid_request("Choose a person, an act or a subscriber, and write which.")
}

async fn show_page(console: &Console, viewer: &Viewer, query: &AuditQuery) -> Result<Response, Refused> {
    let filter = read_filter(query).ok_or_else(not_read)?;
    let store = &console.parts.store;
    let lines = store.list_newest_audit_lines(filter, query.before, PER_PAGE).await?;
    let end = store.find_audit_end().await?;
    let body = html! {
        p class="muted small" {
            @match &end.stated {
                Some(end) => { "The audit has " (end.lines) " entries, and its last hash is " code { (end.hash) } ". " }
                None => { "The audit has no entry, or its end is missing. " }
            }
            code { "onbill-origin audit verify" } " checks that none was changed."
        }
        (show_filters(query, &viewer.csrf_field()))
        (show_entries(query, &lines))
    };
    Ok(page(viewer, "Audit", Section::Auditor, body))
}

/// `None` for a filter that names nothing.
fn read_filter(query: &AuditQuery) -> Option<AuditFilter> {
    let value = query.value.trim();
    match query.by.as_str() {
        "" => Some(AuditFilter::All),
        "looks" => Some(AuditFilter::Act(AuditAct::SubscriberLookedUp)),
        "actor" => ExtId::parse(value).map(AuditFilter::Actor),
        "act" => AuditAct::parse(value).map(AuditFilter::Act),
        "subscriber" => {
            let is_handle = !value.is_empty() && value.len() <= EXT_ID_CHARS_MAX;
            is_handle.then(|| AuditFilter::Subscriber(value.to_owned()))
        }
        _ => None,
    }
}

fn show_filters(query: &AuditQuery, csrf_field: &Markup) -> Markup {
    let kinds = [
        ("", "everything"),
        ("looks", "who looked up whom"),
        ("actor", "of the person"),
        ("act", "of the act"),
        ("subscriber", "about the subscriber (handle)"),
    ];
    html! {
        form class="row" method="post" action="/auditor" {
            (csrf_field)
            label {
                "Entries"
                select name="by" {
                    @for (word, name) in kinds { option value=(word) selected[word == query.by] { (name) } }
                }
            }
            label {
                "Which person, act or subscriber"
                input name="value" value=(query.value) list="acts" maxlength=(EXT_ID_CHARS_MAX) autocomplete="off";
            }
            datalist id="acts" { @for act in AuditAct::ALL { option value=(act.as_str()) {} } }
            button { "Show" }
        }
    }
}

fn show_entries(query: &AuditQuery, lines: &[AuditLine]) -> Markup {
    let is_full = lines.len() == PER_PAGE as usize;
    let next = lines
        .last()
        .filter(|_| is_full)
        .map(|last| format!("{}&before={}", link_to(&query.by, &query.value), last.sequence));
    html! {
        section class="card" {
            @if lines.is_empty() { p class="muted" { "There are no such entries." } }
            @else {
                table {
                    caption { "Entries, the newest first" }
                    thead {
                        tr {
                            @for name in ["No.", "When (UTC)", "Who", "Role", "Act", "Outcome", "Subscriber", "About", "Reason", "Reference"] {
                                th scope="col" { (name) }
                            }
                        }
                    }
                    tbody { @for line in lines { (show_entry(line)) } }
                }
            }
            @if let Some(next) = next { a class="button quiet" href=(next) { "Earlier entries" } }
        }
    }
}

fn show_entry(line: &AuditLine) -> Markup {
    html! {
        tr {
            td data-label="No." { (line.sequence) }
            td data-label="When (UTC)" { time datetime=(line.at) { (format_minute(line.at)) } }
            td data-label="Who" { a href=(link_to("actor", line.actor.as_str())) { (line.actor.as_str()) } }
            td data-label="Role" { (line.role.as_str()) }
            td data-label="Act" { (line.act.as_str()) }
            td data-label="Outcome" { (line.outcome.as_str()) }
            td data-label="Subscriber" {
                @if let Some(handle) = &line.subscriber { a href=(link_to("subscriber", handle)) { code { (handle) } } }
            }
            td data-label="About" { (line.subject.as_deref().unwrap_or_default()) }
            td data-label="Reason" { (line.reason.as_deref().unwrap_or_default()) }
            td data-label="Reference" { (line.reference.as_ref().map_or("", ExtId::as_str)) }
        }
    }
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
        let looks = AuditFilter::Act(AuditAct::SubscriberLookedUp);
        assert_eq!(read_filter(&query("", "")), Some(AuditFilter::All));
        assert_eq!(read_filter(&query("looks", "")), Some(looks.clone()));
        assert_eq!(read_filter(&query("act", "subscriber-looked-up")), Some(looks));
        let handle = AuditFilter::Subscriber("h-1".to_owned());
        assert_eq!(read_filter(&query("subscriber", " h-1 ")), Some(handle));
        for (by, value) in [("actor", ""), ("act", "danced"), ("subscriber", ""), ("colour", "red")] {
            assert_eq!(read_filter(&query(by, value)), None, "{by} {value}");
        }
    }

    #[test]
    fn links_and_forms_escape_what_people_wrote() {
        assert_eq!(link_to("actor", "a&b c"), "/auditor?by=actor&value=a%26b%20c");
        let page = show_filters(&query("actor", "\"><script>"), &html! {}).into_string();
        assert!(!page.contains("<script>"), "{page}");
    }
}
