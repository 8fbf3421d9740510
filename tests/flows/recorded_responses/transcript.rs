//! The format of the recorded exchanges.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use onbill_domain::digest::sha256;
use onbill_test_harness::{EDGE, NETFLIX, StoredCall};
use std::collections::BTreeMap;

/// A longer body is recorded by its length and SHA-256.
const BODY_SHOWN_BYTES_MAX: usize = 4096;
/// A shorter header is written out each time.
const REPEATED_BYTES_MIN: usize = 30;
/// In nearly every reply of the edge.
const COMMON_HEADERS: [(&str, &str); 3] = [
    ("cache-control", "no-store"),
    ("content-type", "application/json"),
    ("x-content-type-options", "nosniff"),
];
/// The components that signatures cover, by their names in a transcript.
const COMPONENTS: [(&str, &str); 3] = [
    (r#"("@method" "@authority" "@path" "@query" "content-digest" "content-type")"#, "(request with a body)"),
    (r#"("@method" "@authority" "@path" "@query")"#, "(request)"),
    (r#"("@status" "content-digest" "content-type" "signature";req;key="sig1")"#, "(response)"),
];
/// The calls of onbill to the sandbox. Everything else that it serves is not onbill's interface.
const CALLS_TO_OTHERS: [&str; 7] = [
    "/csp/",
    "/cgi-bin/sendsms",
    "/signup-sessions",
    "/account-state",
    "/dispute-state",
    "/transaction-state",
    "/refund-state",
];

fn is_recorded(exchange: &StoredCall) -> bool {
    is_to_onbill(exchange) || CALLS_TO_OTHERS.iter().any(|path| exchange.path.starts_with(path))
}

fn is_to_onbill(exchange: &StoredCall) -> bool {
    let sandboxes = [NETFLIX, "127.0.0.1:8790", "127.0.0.1:9790", "127.0.0.1:8793"];
    !sandboxes.contains(&exchange.authority.as_str())
}

/// Whether onbill itself sent the request. The headers of all others are the script's own.
fn is_from_onbill(exchange: &StoredCall) -> bool {
    let from_edge = ["/edge/v1/", "/ott/v1/"].iter().any(|path| exchange.path.starts_with(path));
    let from_origin = exchange.path.starts_with("/origin/v1/");
    !is_to_onbill(exchange) || from_origin || (from_edge && exchange.authority != EDGE)
}

/// The exchanges of one step of the script. Of the sandbox's replies only the status depends on
/// onbill.
pub(super) fn write_step(label: &str, exchanges: &[StoredCall], scripted: Option<u64>) -> String {
    let mut step = TranscriptStep { text: format!("-- {label}\n"), ..TranscriptStep::default() };
    for exchange in exchanges.iter().filter(|exchange| is_recorded(exchange)) {
        let StoredCall { number, method, authority, path, request: asked, status, response: answered } =
            exchange;
        step.line(&format!("{method} {authority}{path}"));
        if is_from_onbill(exchange) && Some(*number) != scripted {
            step.write_headers(&asked.0);
        }
        step.body(&asked.1, &asked.0);
        step.line(&format!("=> {}", status.as_u16()));
        if is_to_onbill(exchange) {
            step.write_headers(&answered.0);
            step.body(&answered.1, &answered.0);
        }
    }
    step.text + "\n"
}

/// One step of the script. What edge and origin forward unchanged is shown once in a step.
#[derive(Default)]
struct TranscriptStep {
    text: String,
    bodies: Vec<Bytes>,
    /// The newest value of each header.
    headers: BTreeMap<String, String>,
}

impl TranscriptStep {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn write_headers(&mut self, headers: &HeaderMap) {
        let mut lines: Vec<(String, String)> = headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        lines.sort();
        let is_common =
            |line: &(String, String)| COMMON_HEADERS.contains(&(line.0.as_str(), line.1.as_str()));
        if lines.iter().filter(|line| is_common(line)).count() == COMMON_HEADERS.len() {
            lines.retain(|line| !is_common(line));
            self.line("  (the common headers)");
        }
        for (name, value) in lines {
            let value = with_short_components(value);
            let is_known = self.headers.get(&name) == Some(&value) && value.len() >= REPEATED_BYTES_MIN;
            self.line(&format!("  {name}: {}", if is_known { "(the same)" } else { &value }));
            self.headers.insert(name, value);
        }
    }

    fn body(&mut self, bytes: &Bytes, headers: &HeaderMap) {
        if bytes.is_empty() {
            return;
        }
        if let Some(at) = self.bodies.iter().position(|earlier| earlier == bytes) {
            return self.line(&format!("  |= body {} of this step", at + 1));
        }
        self.bodies.push(bytes.clone());
        if bytes.len() <= BODY_SHOWN_BYTES_MAX {
            // A body that ends with a line break has an empty line at its end.
            for line in String::from_utf8_lossy(bytes).split('\n') {
                self.line(&format!("  |{line}"));
            }
            return;
        }
        self.line(&format!("  |{}", fingerprint(bytes)));
        let media_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        if media_type.is_some_and(|value| value.starts_with(b"text/html")) {
            // Tells a change of the words from one of the script or the style.
            let page = cut_element(&cut_element(&String::from_utf8_lossy(bytes), "style"), "script");
            self.line(&format!("  |without style and script: {}", fingerprint(page.as_bytes())));
        }
    }
}

fn with_short_components(value: String) -> String {
    COMPONENTS.iter().fold(value, |value, (components, name)| value.replace(components, name))
}

fn fingerprint(bytes: &[u8]) -> String {
    let hex = sha256(bytes).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    format!("{} bytes, SHA-256 {hex}", bytes.len())
}

/// A page without the contents of its last element of this name: the one before may be data.
fn cut_element(page: &str, element: &str) -> String {
    let (open, close) = (format!("<{element}"), format!("</{element}>"));
    match (page.rfind(&open), page.rfind(&close)) {
        (Some(from), Some(to)) if from < to => format!("{}{}", &page[..from], &page[to..]),
        _ => page.to_owned(),
    }
}
