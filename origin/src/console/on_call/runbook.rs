//! What to do about an alarm: its heading of docs/operate/alarms.md, which is compiled in, so that it is
//! that of this version, and a page needs no more of the database than a session to be read.

use super::markdown::show_markdown;
use crate::care::Act;
use crate::console::Console;
use crate::console::access::require;
use crate::console::layout::{Section, page};
use crate::console::refused::Refused;
use crate::console::viewer::Viewer;
use crate::instruments::Alarm;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use maud::html;
use onbill_domain::reject::{ErrorCode, Reject};

const ALARMS: &str = include_str!("../../../../docs/operate/alarms.md");

/// `GET /on-call/runbook/{alarm}`: 200; 404 for an alarm that there is not.
pub(in crate::console) async fn runbook_page(
    State(console): State<Console>,
    viewer: Viewer,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Refused> {
    require(&console, &viewer, Act::ReadAlarms, None).await?;
    let alarm = path.ok().and_then(|Path(word)| Alarm::parse(&word));
    let found = alarm.and_then(|alarm| find_section(ALARMS, alarm.as_str()).map(|text| (alarm, text)));
    let no_alarm = || Reject::new(ErrorCode::NotFound, "There is no such alarm.");
    let (alarm, text) = found.ok_or_else(no_alarm)?;
    let body = html! {
        p { "In a word: " (in_a_word(alarm)) "." }
        p class="muted small" { "Of this version: " code { "docs/operate/alarms.md#" (alarm.as_str()) } }
        section class="card runbook" { (show_markdown(text)) }
        p { a class="button quiet" href="/on-call" { "Back to the alarms" } }
    };
    Ok(page(&viewer, &format!("Runbook: {}", alarm.as_str()), Section::OnCall, body))
}

/// What an alarm means, as the list of all of them has it in its last column.
pub(super) fn in_a_word(alarm: Alarm) -> &'static str {
    let row = format!("| [`{}`]", alarm.as_str());
    let found = ALARMS.lines().find(|line| line.starts_with(&row));
    found.and_then(|line| line.trim_end_matches(" |").rsplit(" | ").next()).unwrap_or_default()
}

/// The text below the heading of an alarm.
fn find_section<'a>(document: &'a str, word: &str) -> Option<&'a str> {
    let (_, rest) = document.split_once(&format!("\n### {word}\n"))?;
    let end = rest.find("\n### ").or_else(|| rest.find("\n## ")).unwrap_or(rest.len());
    Some(rest[..end].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_alarm_has_a_runbook() {
        for alarm in Alarm::ALL {
            let text = find_section(ALARMS, alarm.as_str()).unwrap_or_default();
            assert!(text.len() > 50, "{}", alarm.as_str());
            assert!(!text.contains("\n### "), "{}", alarm.as_str());
            let word = in_a_word(alarm);
            assert!(word.len() > 10 && !word.contains(['|', '`']), "{}: {word}", alarm.as_str());
        }
        assert_eq!(find_section(ALARMS, "no-such-alarm"), None);
    }

    #[test]
    fn each_runbook_is_shown_without_its_marks() {
        for alarm in Alarm::ALL {
            let text = find_section(ALARMS, alarm.as_str()).unwrap_or_default();
            let page = show_markdown(text).into_string();
            assert!(page.contains("<ol><li>"), "{page}");
            for mark in ["](", "`", "../", "**", "\n1. ", "\n- "] {
                assert!(!page.contains(mark), "{}: {mark}", alarm.as_str());
            }
        }
    }
}
