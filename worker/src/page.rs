//! The small pages of the edge. Most are what a person sees when the frame or the return page
//! cannot be served: a plain sentence, and a link to try again where that may help. They cannot be
//! framed, load nothing, and contain nothing of the request.

use crate::fault::Fault;
use crate::html::escape_html;
use crate::query::find_parameter;
use crate::response::new_response;
use crate::words::Words;
use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY, REFERRER_POLICY, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use onbill_domain::encoding::encode_base64url;
use onbill_domain::locale::Locale;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::words_section;

/// The media type of pages.
pub(crate) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

const STYLE: &str = "body{font:1.0625rem/1.5 system-ui,sans-serif;color-scheme:light dark;max-width:28rem;\
    margin:15vh auto;padding:0 1.5rem}a{display:inline-block;padding:.6rem 0}";

/// The language of a page: the parameter, else the browser's, else English.
pub(crate) fn page_locale(request: &Request<Bytes>) -> Locale {
    let asked = find_parameter(request.uri().query().unwrap_or_default(), "locale");
    asked
        .and_then(|tag| Locale::from_tag(&tag))
        .or_else(|| accepted_locale(request.headers()))
        .unwrap_or_default()
}

fn accepted_locale(headers: &HeaderMap) -> Option<Locale> {
    Locale::from_accept_language(headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?)
}

/// The page on which a person meets a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusalPage {
    Frame,
    Return,
}

/// The page for a refusal, with the refusal's own status.
pub(crate) fn refusal(
    page: RefusalPage,
    reject: &Reject,
    request: &Request<Bytes>,
    random: [u8; 16],
) -> Result<Response<Bytes>, Fault> {
    let (title, text, can_retry) = match (reject.code, page) {
        (ErrorCode::ServiceUnavailable | ErrorCode::InternalError, _) => {
            ("unavailable-title", "unavailable", true)
        }
        (ErrorCode::TooManyRequests, _) => ("too-many-title", "too-many", true),
        (_, RefusalPage::Return) => ("link-over-title", "link-over", false),
        (ErrorCode::NotFound, _) => ("not-offered-title", "not-offered", false),
        _ => ("not-set-up-title", "not-set-up", false),
    };
    let locale = page_locale(request);
    let words = Words::parse(words_section!("page", locale))?;
    let retry = if can_retry {
        // An empty reference is the page itself: its address, with the ticket in it, is not written
        // down again.
        format!("\n<p><a href=\"\">{}</a></p>", escape_html(words.text("again")))
    } else {
        String::new()
    };
    let (title, text) = (escape_html(words.text(title)), escape_html(words.text(text)));
    let content = format!("<p>{text}</p>{retry}");
    let mut response = small_page(reject.code.status(), locale, &title, &content, random);
    if let Some(seconds) = reject.retry_after_seconds {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

/// A page of a heading and `content`. Both are HTML already.
pub(crate) fn small_page(
    status: StatusCode,
    locale: Locale,
    title: &str,
    content: &str,
    random: [u8; 16],
) -> Response<Bytes> {
    let nonce = encode_base64url(&random);
    let (lang, dir) = (locale.as_str(), locale.direction());
    let body = format!(
        "<!doctype html>\n<html lang=\"{lang}\" dir=\"{dir}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>{title}</title>\n\
         <style nonce=\"{nonce}\">{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{content}\n\
         </main>\n</body>\n</html>\n"
    );
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    );
    let mut response = new_response(status, HTML, Bytes::from(body));
    let headers = response.headers_mut();
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::CONTENT_TYPE;

    fn request(uri: &str, language: &str) -> Request<Bytes> {
        let request = Request::builder().uri(uri).header(ACCEPT_LANGUAGE, language);
        request.body(Bytes::new()).expect("is a request")
    }

    #[test]
    fn locale_is_parameter_then_browser_then_english() {
        assert_eq!(page_locale(&request("/?locale=de-AT", "fr")), Locale::De);
        assert_eq!(page_locale(&request("/?locale=xx", "fr-CA, en")), Locale::Fr);
        assert_eq!(page_locale(&request("/", "xx")), Locale::En);
        assert_eq!(page_locale(&request("/", "")), Locale::En);
    }

    #[test]
    fn refusal_page_is_complete_in_every_language() {
        for locale in Locale::ALL {
            let request = request("/widget/v1/return/acme/secret-ticket", locale.as_str());
            let page = refusal(RefusalPage::Return, &Reject::service_unavailable(), &request, [7; 16])
                .expect("is rendered");
            assert_eq!((page.status().as_u16(), &page.headers()[RETRY_AFTER]), (503, &HeaderValue::from(30)));
            assert_eq!(page.headers()[CONTENT_TYPE], HTML);
            let body = std::str::from_utf8(page.body()).expect("is UTF-8");
            let lang = format!("<html lang=\"{}\" dir=\"{}\">", locale.as_str(), locale.direction());
            assert!(body.contains(&lang) && body.contains("<a href=\"\">"), "{body}");
            assert!(
                !body.contains("ticket") && !body.contains("<h1></") && !body.contains("<p></"),
                "{body}"
            );
            let policy = page.headers()[CONTENT_SECURITY_POLICY].to_str().expect("is text");
            let nonce = encode_base64url(&[7; 16]);
            assert_eq!(
                policy,
                format!(
                    "default-src 'none'; style-src 'nonce-{nonce}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
                )
            );
            assert!(body.contains(&format!("<style nonce=\"{nonce}\">")));
            assert_eq!(page.headers()[REFERRER_POLICY], "no-referrer", "the ticket is in the address");
        }
    }
}
