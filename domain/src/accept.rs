//! What a caller wants to read (RFC 9110, section 12.5.1), as far as it decides anything here:
//! browsers name HTML, and programs do not.

use http::HeaderMap;
use http::header::ACCEPT;

/// Whether `Accept` names HTML. `*/*`, which programs send, does not.
pub fn accepts_html(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges = values.flat_map(|value| value.split(','));
    ranges.any(|range| {
        range.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("text/html"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn browsers_accept_html_and_programs_do_not() {
        let accepts = |value: &'static str| {
            accepts_html(&HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(value))]))
        };
        for browser in
            ["text/html,application/xhtml+xml,*/*;q=0.8", "application/json, Text/HTML;q=0.9", "text/html"]
        {
            assert!(accepts(browser), "{browser}");
        }
        for program in ["*/*", "application/json", "text/*", "text/htmlx", ""] {
            assert!(!accepts(program), "{program}");
        }
        assert!(!accepts_html(&HeaderMap::new()));
    }
}
