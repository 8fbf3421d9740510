//! `/billing`: what waits on the way to billing and to others, and what waits for a person.

pub(super) mod retry;

use super::Console;
use super::access::require;
use super::figures::format_count;
use super::layout::{Section, page};
use super::reference_field::reference_field;
use super::refused::Refused;
use super::text::{show_age, show_time};
use super::viewer::Viewer;
use super::words::{job_words, queue_words};
use crate::care::Act;
use crate::config::Config;
use crate::last_answer::{AnswerKind, LastAnswer};
use crate::store::{DeadLetter, FileFigures, LedgerFigures};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use maud::{Markup, html};
use onbill_domain::limits::DESK_LINES_MAX;
use onbill_domain::reject::Reject;
use onbill_domain::wire::queue::QueueQuery;

/// `GET /billing`: 200 with the queues, the files, and a page of dead letters. 400 `invalid-request` for a
/// cursor that is none.
pub(super) async fn show_queues(
    State(console): State<Console>,
    viewer: Viewer,
    query: Result<Query<QueueQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    require(&console, &viewer, Act::ReadQueue, None).await?;
    let no_cursor = |_| Reject::invalid_request("cursor is not one of an earlier page.");
    let Query(QueueQuery { cursor }) = query.map_err(no_cursor)?;
    let (store, now) = (&console.parts.store, console.parts.clock.now());
    let figures = store.read_figures(now).await?;
    let dead_letters = store.dead_letters(cursor, DESK_LINES_MAX).await?;
    let files = store.list_unacknowledged_files(now).await?;
    let body = html! {
        section class="card" aria-labelledby="queues" { (show_figures(&figures)) }
        section class="card" aria-labelledby="files" { (show_files(figures.files, &files)) }
        section class="card" aria-labelledby="dead-letters" {
            (show_dead_letters(&console.parts.config, &viewer, &dead_letters, cursor.is_none()))
        }
    };
    Ok(page(&viewer, "Billing", Section::Billing, body))
}

fn show_figures(figures: &LedgerFigures) -> Markup {
    html! {
        h2 id="queues" { "Queues" }
        table aria-labelledby="queues" {
            thead {
                tr {
                    th scope="col" { "Queue" }
                    th scope="col" class="amount" { "Jobs" }
                    th scope="col" class="amount" { "Oldest" }
                    th scope="col" class="amount" { "Dead letters" }
                }
            }
            tbody {
                @for (queue, figures) in &figures.queues {
                    tr {
                        td data-label="Queue" { (queue_words(*queue)) }
                        td data-label="Jobs" class="amount" { (format_count(figures.entries)) }
                        td data-label="Oldest" class="amount" {
                            @if figures.entries > 0 { (show_age(figures.oldest_age_seconds)) } @else { "–" }
                        }
                        td data-label="Dead letters" class="amount" {
                            @if figures.dead_letters > 0 { strong class="bad" { (format_count(figures.dead_letters)) } } @else { "0" }
                        }
                    }
                }
            }
        }
    }
}

fn show_files(figures: FileFigures, files: &[String]) -> Markup {
    html! {
        h2 id="files" { "Files without a response" }
        @if figures.unacknowledged == 0 {
            p class="muted" { "Billing has responded to every file." }
        } @else {
            p { (format_count(figures.unacknowledged)) " in all, the oldest for " (show_age(figures.oldest_age_seconds)) "." }
            ul { @for file in files { li { code { (file) } } } }
            @if i64::try_from(files.len()).is_ok_and(|shown| shown < figures.unacknowledged) {
                p class="muted" { "These are the oldest." }
            }
        }
    }
}

fn show_dead_letters(
    config: &Config,
    viewer: &Viewer,
    dead_letters: &[DeadLetter],
    is_first: bool,
) -> Markup {
    let is_full = dead_letters.len() == DESK_LINES_MAX as usize;
    html! {
        h2 id="dead-letters" { "Dead letters" }
        @if dead_letters.is_empty() && is_first {
            p class="muted" { "Every job is done, or is being tried." }
        } @else if dead_letters.is_empty() {
            p class="muted" { "There are no more." }
        } @else {
            p class="muted" { "Their attempts have ended without a decision of the other side. Mend the cause, then retry." }
            table aria-labelledby="dead-letters" {
                thead {
                    tr {
                        th scope="col" { "What" }
                        th scope="col" { "Partner" }
                        th scope="col" { "Ids" }
                        th scope="col" class="amount" { "Attempts" }
                        th scope="col" { "Since" }
                        th scope="col" { "Last answer" }
                        @if viewer.permits(Act::RetryJob) { th scope="col" { "Retry" } }
                    }
                }
                tbody { @for letter in dead_letters { (show_dead_letter(config, viewer, letter)) } }
            }
            @if let Some(last) = dead_letters.last().filter(|_| is_full) {
                p { a class="button quiet" href={ "/billing?cursor=" (last.job_id) } { "More" } }
            }
        }
    }
}

fn show_dead_letter(config: &Config, viewer: &Viewer, letter: &DeadLetter) -> Markup {
    html! {
        tr {
            td data-label="What" { (job_words(letter.kind)) }
            td data-label="Partner" { (config.partner_name(&letter.partner)) }
            td data-label="Ids" { code { (letter.id) } " " code class="muted" { (letter.ext_id) } }
            td data-label="Attempts" class="amount" { (format_count(letter.attempts.into())) }
            td data-label="Since" { (show_time(&config.time_zone, letter.dead_lettered_at)) }
            td data-label="Last answer" { (show_answer(letter.last_answer.as_ref())) }
            @if viewer.permits(Act::RetryJob) {
                td data-label="Retry" {
                    form class="row" method="post" action="/billing/retry" {
                        (viewer.csrf_field())
                        input type="hidden" name="job" value=(letter.job_id);
                        (reference_field("Reason or ticket", "", "", true))
                        button { "Retry" }
                    }
                }
            }
        }
    }
}

/// The response of the other side to the last attempt.
fn show_answer(answer: Option<&LastAnswer>) -> Markup {
    let Some(LastAnswer { kind, code, text }) = answer else {
        return html! { span class="muted" { "not known: see the log" } };
    };
    let code = code.as_deref().unwrap_or_default();
    html! {
        p {
            @match kind {
                AnswerKind::None => { "No answer" }
                AnswerKind::Http => { "HTTP " (code) }
                AnswerKind::SmsGateway => { "SMS gateway: " (code) }
            }
        }
        @if let Some(text) = text { p class="small" { q { (text) } } }
    }
}
