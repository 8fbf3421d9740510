//! `GET /widget/v1/refusals`: what each code of a refused frame means, for the engineer who has found
//! it in a console. It is the page of the docs, so that a deployment explains its own version.

use crate::call::Call;
use crate::fault::{Fault, HandlerError};
use crate::html::escape_html;
use crate::page::engineers_page;
use crate::platform::Platform;
use bytes::Bytes;
use http::Response;

const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/widget/refusals.md"));

/// 200; without randomness 500.
pub(crate) fn get_refusals<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, HandlerError> {
    let random = call.platform.random_bytes().ok_or(Fault::NoRandomness)?;
    let title = PAGE.lines().next().unwrap_or_default().trim_start_matches("# ");
    Ok(engineers_page(&escape_html(title), &to_html(PAGE), random))
}

/// The Markdown that the page uses: headings, of which those of a code can be linked to, paragraphs
/// and code in a line.
fn to_html(markdown: &str) -> String {
    let blocks = markdown.split("\n\n").map(str::trim).filter(|block| !block.is_empty());
    let blocks = blocks.map(|block| {
        if let Some(code) = block.strip_prefix("## `").and_then(|rest| rest.strip_suffix('`')) {
            let code = escape_html(code);
            format!("<h2 id=\"{code}\"><code>{code}</code></h2>\n")
        } else if let Some(title) = block.strip_prefix("# ") {
            format!("<h1>{}</h1>\n", escape_html(title))
        } else {
            format!("<p>{}</p>\n", line_to_html(block))
        }
    });
    blocks.collect()
}

/// Every second part between backticks is code.
fn line_to_html(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(at, part)| {
        let part = escape_html(part);
        if at % 2 == 1 { format!("<code>{part}</code>") } else { part }
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use onbill_domain::reject::ErrorCode;

    #[test]
    fn markdown_becomes_plain_html() {
        let html = to_html("# A & b\n\nSet `x<y>`\nand z.\n\n## `a-code`\n");
        let expected = "<h1>A &amp; b</h1>\n<p>Set <code>x&lt;y&gt;</code>\nand z.</p>\n<h2 id=\"a-code\"><code>a-code</code></h2>\n";
        assert_eq!(html, expected);
    }

    #[test]
    fn every_code_of_a_refused_frame_is_explained() {
        let html = to_html(PAGE);
        let of_frames = ErrorCode::ALL.into_iter().skip_while(|code| *code != ErrorCode::AttributeMissing);
        let shared = [
            ErrorCode::InvalidRequest,
            ErrorCode::TooManyRequests,
            ErrorCode::ServiceUnavailable,
            ErrorCode::InternalError,
        ];
        let codes = of_frames.chain(shared).map(ErrorCode::as_str);
        for code in
            codes.chain(["frame-unavailable", "lacks-allow-top-navigation", "locale", "session", "theme"])
        {
            assert_eq!(html.matches(&format!("<h2 id=\"{code}\">")).count(), 1, "{code}");
        }
    }
}
