//! On call: the alarms with their runbooks, how the origins do, what waits, and how fast calls are
//! answered. Lists are bounded, and figures stop counting at a limit, so that the page comes also when
//! much has piled up.

mod figures_of_calls;
mod markdown;
mod runbook;

pub(super) use runbook::runbook_page;

use super::Console;
use super::access::require;
use super::figures::{format_count, format_duration};
use super::layout::{Section, page};
use super::refused::Refused;
use super::text::show_time;
use super::viewer::Viewer;
use super::words::queue_words;
use crate::care::Act;
use crate::config::OperatorTimeZone;
use crate::instruments::{AlarmKind, Severity, StoredAlarm};
use crate::store::{AlarmFilter, LedgerFigures, OriginStatus};
use axum::extract::State;
use axum::response::Response;
use figures_of_calls::calls_table;
use maud::{Markup, html};
use onbill_domain::timestamp::Timestamp;
use runbook::in_a_word;

/// For so long an alarm that is over is shown, in seconds: the next shift sees the night before.
const SHOWN_SECONDS: i64 = 86_400;
/// An origin that has not written for so long does not answer, in seconds: it writes every two seconds,
/// and a write may take as long.
const SILENT_SECONDS: i64 = 15;

/// `GET /on-call`: 200.
pub(super) async fn on_call_page(
    State(console): State<Console>,
    viewer: Viewer,
) -> Result<Response, Refused> {
    require(&console, &viewer, Act::ReadAlarms, None).await?;
    let (store, now) = (&console.parts.store, console.parts.clock.now());
    let alarms = store.list_alarms(AlarmFilter::All).await?;
    let origins = store.list_origins().await?;
    let figures = store.read_figures(now).await?;
    let zone = &console.parts.config.time_zone;
    let body = html! {
        p class="muted small" { "As of " (show_time(zone, now)) "." }
        (alarms_table(zone, &alarms, now))
        (origins_table(&origins, now))
        (queues_table(&figures))
        (calls_table(&console.parts.instruments.metrics))
    };
    Ok(page(&viewer, "On call", Section::OnCall, body))
}

fn alarms_table(zone: &OperatorTimeZone, alarms: &[StoredAlarm], now: Timestamp) -> Markup {
    let is_shown =
        |alarm: &&StoredAlarm| alarm.cleared_at.is_none_or(|at| now.seconds_since(at) < SHOWN_SECONDS);
    let mut shown: Vec<_> = alarms.iter().filter(is_shown).collect();
    // Active ones first, those that wake people before others, the newest first.
    shown.sort_by_key(|alarm| {
        let is_ticket = alarm.alarm.severity() != Severity::Page;
        (alarm.cleared_at.is_some(), is_ticket, -alarm.raised_at.unix_seconds())
    });
    html! {
        section class="card" {
            @if shown.is_empty() { p class="good" { "No alarm is active, and none was in the last day." } }
            @else {
                table {
                    caption { "Alarms" }
                    thead {
                        tr {
                            @for name in ["Alarm", "State", "Urgency", "About", "Since", "Times", "Origin"] {
                                th scope="col" { (name) }
                            }
                        }
                    }
                    tbody { @for alarm in shown { (alarm_row(zone, alarm)) } }
                }
            }
        }
    }
}

fn alarm_row(zone: &OperatorTimeZone, alarm: &StoredAlarm) -> Markup {
    let word = alarm.alarm.as_str();
    html! {
        tr {
            td data-label="Alarm" {
                a href=(format!("/on-call/runbook/{word}")) { (word) }
                p class="muted small" { (in_a_word(alarm.alarm)) }
            }
            td data-label="State" {
                @match alarm.cleared_at {
                    None => span class="bad" { "active" },
                    Some(at) => span class="good" { "over since " (show_time(zone, at)) },
                }
            }
            td data-label="Urgency" {
                (urgency_words(alarm.alarm.severity()))
                p class="muted small" { (end_words(alarm.alarm.kind())) }
            }
            td data-label="About" { @if !alarm.subject.is_empty() { code { (alarm.subject) } } }
            td data-label="Since" { (show_time(zone, alarm.raised_at)) }
            td data-label="Times" { (alarm.count) }
            td data-label="Origin" { (alarm.instance) }
        }
    }
}

/// When a person has to look at it, and the word that the command line has for it.
const fn urgency_words(severity: Severity) -> &'static str {
    match severity {
        Severity::Page => "At once (page)",
        Severity::Ticket => "Next working day (ticket)",
    }
}

/// How it ends, and the word that the command line has for it.
const fn end_words(kind: AlarmKind) -> &'static str {
    match kind {
        AlarmKind::Condition => "Ends by itself (condition)",
        AlarmKind::Event => "Stays until you close it (event)",
    }
}

fn origins_table(origins: &[OriginStatus], now: Timestamp) -> Markup {
    html! {
        section class="card" {
            table {
                caption { "Origins of this ledger" }
                thead {
                    tr {
                        @for name in ["Origin", "State", "Version", "Up for", "Last write"] { th scope="col" { (name) } }
                    }
                }
                tbody {
                    @for origin in origins {
                        @let silent = now.seconds_since(origin.seen_at);
                        @let is_up = silent < SILENT_SECONDS;
                        tr {
                            td data-label="Origin" { (origin.instance) }
                            td data-label="State" {
                                @if is_up { span class="good" { "up" } } @else { span class="bad" { "silent" } }
                            }
                            td data-label="Version" { (origin.version) }
                            td data-label="Up for" {
                                @if is_up { (format_duration(now.seconds_since(origin.started_at))) } @else { "–" }
                            }
                            td data-label="Last write" { (format_duration(silent)) " ago" }
                        }
                    }
                }
            }
        }
    }
}

fn queues_table(figures: &LedgerFigures) -> Markup {
    html! {
        section class="card" {
            table {
                caption { "What waits" }
                thead {
                    tr {
                        th scope="col" { "Queue" } th scope="col" class="amount" { "Jobs" }
                        th scope="col" class="amount" { "Oldest" } th scope="col" class="amount" { "Dead letters" }
                    }
                }
                tbody {
                    @for (queue, of_queue) in &figures.queues {
                        tr {
                            td data-label="Queue" { (queue_words(*queue)) }
                            td class="amount" data-label="Jobs" { (format_count(of_queue.entries)) }
                            td class="amount" data-label="Oldest" { (age_of(of_queue.entries, of_queue.oldest_age_seconds)) }
                            td class="amount" data-label="Dead letters" {
                                span class=[(of_queue.dead_letters > 0).then_some("bad")] { (format_count(of_queue.dead_letters)) }
                            }
                        }
                    }
                    tr {
                        td data-label="Queue" { "Billing files without a response" }
                        td class="amount" data-label="Jobs" { (format_count(figures.files.unacknowledged)) }
                        td class="amount" data-label="Oldest" { (age_of(figures.files.unacknowledged, figures.files.oldest_age_seconds)) }
                        td class="amount" data-label="Dead letters" { "–" }
                    }
                }
            }
        }
    }
}

/// How long the oldest of them has waited; `–` of none, which is not a wait of no time.
fn age_of(count: i64, oldest_age_seconds: i64) -> String {
    if count > 0 { format_duration(oldest_age_seconds) } else { "–".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instruments::Alarm;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_000_000);

    fn alarm(alarm: Alarm, cleared: Option<i64>) -> StoredAlarm {
        StoredAlarm {
            alarm,
            subject: "<netflix>".to_owned(),
            instance: String::new(),
            raised_at: NOW.plus_seconds(-90_000),
            last_seen_at: NOW,
            count: 3,
            ends_at: None,
            cleared_at: cleared.map(|seconds| NOW.plus_seconds(-seconds)),
            is_reported: false,
        }
    }

    #[test]
    fn active_alarms_come_first_and_old_ones_are_gone() {
        let alarms = [
            alarm(Alarm::DiskLow, Some(90_000)),
            alarm(Alarm::ClockSkew, Some(60)),
            alarm(Alarm::KeyExpiring, None),
            alarm(Alarm::BillingUnreachable, None),
        ];
        let zone = OperatorTimeZone::default();
        let page = alarms_table(&zone, &alarms, NOW).into_string();
        let place = |word: &str| page.find(&format!("/on-call/runbook/{word}"));
        assert_eq!(place("disk-low"), None);
        assert!(place("billing-unreachable") < place("key-expiring"), "{page}");
        assert!(place("key-expiring") < place("clock-skew"), "{page}");
        let over = "over since <time datetime=\"2026-11-18T11:05:40Z\">2026-11-18 11:05 UTC<";
        assert!(page.contains("&lt;netflix&gt;") && page.contains(over), "{page}");
        assert!(alarms_table(&zone, &alarms[..1], NOW).into_string().contains("No alarm is active"));
    }

    #[test]
    fn queue_without_a_job_has_no_oldest_one() {
        assert_eq!((age_of(0, 0), age_of(1, 0)), ("–".to_owned(), "0 s".to_owned()));
    }

    #[test]
    fn origin_that_does_not_write_is_silent() {
        let origin = |instance: &str, silent: i64| OriginStatus {
            instance: instance.to_owned(),
            version: "0.1.0 (3d67818)".to_owned(),
            started_at: NOW.plus_seconds(-7_260),
            seen_at: NOW.plus_seconds(-silent),
        };
        let page = origins_table(&[origin("a", 2), origin("b", 16)], NOW).into_string();
        assert!(page.contains("2 h 1 min") && page.contains("0.1.0 (3d67818)"), "{page}");
        assert_eq!((page.matches(">up<").count(), page.matches(">silent<").count()), (1, 1), "{page}");
    }
}
