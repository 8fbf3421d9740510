//! A button that copies a ready-made call for a terminal, and its script. Without the script no
//! button is shown.

use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;
use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// The edge that `cargo xtask call` calls when no other is named.
const USUAL_EDGE: &str = "http://127.0.0.1:8787";

/// What a segment of a path has percent-encoded: all but the unreserved symbols (RFC 3986).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The button; `what` says what the call does.
pub fn copy_button(call: &str, what: &str) -> Markup {
    html! {
        button type="button" class="copy" data-copy=(call) title=(call) {
            span aria-live="polite" { "Copy the call: " (what) }
        }
    }
}

/// A call of the partner's at this edge, signed by `cargo xtask call`.
pub fn signed_call(edge_url: &str, method: &str, path: &str, body: Option<&Value>) -> String {
    let edge =
        if edge_url == USUAL_EDGE { String::new() } else { format!(" --edge {}", shell_word(edge_url)) };
    let body = body.map(|body| format!(" -d {}", shell_word(&body.to_string()))).unwrap_or_default();
    format!("cargo xtask call {method} {}{body}{edge}", shell_word(path))
}

/// A call without a signature, as JSON.
pub fn plain_call(url: &str, body: Option<&Value>) -> String {
    let body = body.map(|body| format!(" -d {}", shell_word(&body.to_string()))).unwrap_or_default();
    format!("curl -H 'accept: application/json'{body} {}", shell_word(url))
}

/// An id as a segment of a path.
pub fn segment(id: &str) -> String {
    utf8_percent_encode(id, SEGMENT).to_string()
}

/// A word that a shell takes as it is.
fn shell_word(text: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/:%".contains(&b);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

pub async fn get_script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("copy_button.js"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn call_is_safe_to_paste() {
        let path = format!("/ott/v1/transaction/{}", segment("a/b c"));
        assert_eq!(
            signed_call(USUAL_EDGE, "GET", &path, None),
            "cargo xtask call GET /ott/v1/transaction/a%2Fb%20c"
        );
        let body = json!({"message": "it's $HOME `x`"});
        assert_eq!(
            signed_call("http://127.0.0.1:1", "POST", "/x", Some(&body)),
            r#"cargo xtask call POST /x -d '{"message":"it'\''s $HOME `x`"}' --edge http://127.0.0.1:1"#
        );
        assert_eq!(
            plain_call("http://127.0.0.1:8790/sms?msisdn=%2B12025550101", None),
            "curl -H 'accept: application/json' 'http://127.0.0.1:8790/sms?msisdn=%2B12025550101'"
        );
    }
}
