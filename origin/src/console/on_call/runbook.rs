//! What to do about an alarm: its heading of docs/operate/alarms.md, which is compiled in, so that it is
//! that of this version, and a page needs no more of the database than a session to be read.

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
use maud::{Markup, html};
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
        p class="muted small" { code { "docs/operate/alarms.md#" (alarm.as_str()) } }
        section class="card" { (show_runbook(text)) }
        p { a class="button quiet" href="/on-call" { "Back to the alarms" } }
    };
    Ok(page(&viewer, alarm.as_str(), Section::OnCall, body))
}

/// The text below the heading of an alarm.
fn find_section<'a>(document: &'a str, word: &str) -> Option<&'a str> {
    let (_, rest) = document.split_once(&format!("\n### {word}\n"))?;
    let end = rest.find("\n### ").or_else(|| rest.find("\n## ")).unwrap_or(rest.len());
    Some(rest[..end].trim())
}

/// Paragraphs, lists and code. Other marks of Markdown are left in, because people read them.
fn show_runbook(text: &str) -> Markup {
    html! {
        @for (n, block) in text.split("```").enumerate() {
            @if n % 2 == 1 {
                // The first line of a fence names a language.
                pre { code { (block.split_once('\n').map_or(block, |(_, code)| code)) } }
            } @else {
                @for paragraph in block.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
                    p {
                        @for (place, line) in paragraph.lines().enumerate() {
                            @if place > 0 && is_item(line) { br; }
                            (show_line(line)) " "
                        }
                    }
                }
            }
        }
    }
}

/// A line with its code between backticks. One without a second backtick is shown as it is written.
fn show_line(line: &str) -> Markup {
    let parts: Vec<&str> = line.split('`').collect();
    html! {
        @if parts.len().is_multiple_of(2) { (line) }
        @else {
            @for (place, part) in parts.iter().enumerate() {
                @if place % 2 == 1 { code { (part) } } @else { (part) }
            }
        }
    }
}

/// Whether an item of a list, or a row of a table, begins with this line.
fn is_item(line: &str) -> bool {
    let number = line.trim_start_matches(|digit: char| digit.is_ascii_digit());
    line.starts_with("- ") || line.starts_with('|') || (number.len() < line.len() && number.starts_with(". "))
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
        }
        assert_eq!(find_section(ALARMS, "no-such-alarm"), None);
    }

    #[test]
    fn text_is_shown_as_text() {
        let page =
            show_runbook("Look at `<b>`.\n\n```sh\nonbill-origin alarms\n```\n\n- one\n- two").into_string();
        assert!(
            page.contains("Look at <code>&lt;b&gt;</code>. ")
                && page.contains("<pre><code>onbill-origin alarms\n</code></pre>"),
            "{page}"
        );
        assert!(page.contains("- one <br>- two "), "{page}");
        assert_eq!(show_line("a ` b").into_string(), "a ` b");
    }
}
