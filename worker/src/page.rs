//! The small pages of the edge. Most are what a person sees when the frame or the return page
//! cannot be served: a plain sentence, and a link to try again where that may help. They load
//! nothing, and contain nothing of the request.

use crate::fault::Fault;
use crate::html::escape_html;
use crate::query::find_parameter;
use crate::response::new_response;
use crate::words::Words;
use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY, REFERRER_POLICY, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use onbill_domain::encoding::encode_base64url;
use onbill_domain::locale::Locale;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::words_section;

/// The media type of pages.
pub(crate) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

const STYLE: &str = ":root{color-scheme:light dark;background:Canvas}body{font:1.0625rem/1.5 system-ui,sans-serif;\
    max-width:28rem;margin:min(15vh,4rem) auto;padding:0 1.5rem}h1{line-height:1.25;text-wrap:balance}\
    a{display:inline-block;padding:.6rem 0;margin:-.6rem 0}";

/// What the page of a refused frame does, with a name in the place of the refusal's code.
const SCRIPT: &str = include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/refusal.js"));
const CODE_PLACE: &str = "ONBILL_CODE";

/// The directive of a page that no other page may frame.
const NO_FRAME: &str = "frame-ancestors 'none'; ";

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
///
/// That of the frame may be shown by any page: it has words, a link to itself and nothing else, and
/// says what anyone can ask the edge. Its script sends the refusal's code to the page around it.
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
        (
            ErrorCode::NotFound
            | ErrorCode::OperatorNotServed
            | ErrorCode::OfferNotServed
            | ErrorCode::ViewNotServed,
            _,
        ) => ("not-offered-title", "not-offered", false),
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
    let nonce = encode_base64url(&random);
    let (script, script_policy, ancestors) = match page {
        RefusalPage::Frame => (
            format!(
                "\n<script nonce=\"{nonce}\">\n{}</script>",
                SCRIPT.replace(CODE_PLACE, reject.code.as_str())
            ),
            format!("script-src 'nonce-{nonce}'; "),
            "",
        ),
        RefusalPage::Return => (String::new(), String::new(), NO_FRAME),
    };
    let title = escape_html(words.text(title));
    let document = Document {
        lang: locale.as_str(),
        dir: locale.direction(),
        title: &title,
        main: &format!("<h1>{title}</h1>\n<p>{}</p>{retry}", escape_html(words.text(text))),
        end: &script,
    };
    let mut response = document.respond(reject.code.status(), &nonce, &script_policy, ancestors);
    let headers = response.headers_mut();
    if page == RefusalPage::Frame {
        allow_embedding(headers);
    }
    if let Some(seconds) = reject.retry_after_seconds {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

/// A page for engineers, in English, which no other page may frame. Its parts are HTML already.
pub(crate) fn engineers_page(title: &str, main: &str, random: [u8; 16]) -> Response<Bytes> {
    let document = Document { lang: "en", dir: "ltr", title, main, end: "" };
    document.respond(StatusCode::OK, &encode_base64url(&random), "", NO_FRAME)
}

/// A small page, its parts escaped.
struct Document<'a> {
    lang: &'a str,
    dir: &'a str,
    title: &'a str,
    main: &'a str,
    /// What comes after the page's contents.
    end: &'a str,
}

impl Document<'_> {
    /// The page, with what its policy says of scripts and of who may frame it: each a directive with
    /// its semicolon, or nothing.
    fn respond(&self, status: StatusCode, nonce: &str, scripts: &str, ancestors: &str) -> Response<Bytes> {
        let policy = format!(
            "default-src 'none'; {scripts}style-src 'nonce-{nonce}'; {ancestors}base-uri 'none'; form-action 'none'"
        );
        let mut response = new_response(status, HTML, self.write(nonce));
        let headers = response.headers_mut();
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        response
    }

    fn write(&self, nonce: &str) -> Bytes {
        let Self { lang, dir, title, main, end } = self;
        Bytes::from(format!(
            "<!doctype html>\n<html lang=\"{lang}\" dir=\"{dir}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>{title}</title>\n\
             <style nonce=\"{nonce}\">{STYLE}</style>\n</head>\n<body>\n<main>\n{main}\n</main>{end}\n\
             </body>\n</html>\n"
        ))
    }
}

/// Lets a page that is isolated by COEP (HTML §7.1.4) show this one: it loads nothing that has not
/// been given to it.
pub(crate) fn allow_embedding(headers: &mut HeaderMap) {
    headers.insert(
        HeaderName::from_static("cross-origin-embedder-policy"),
        HeaderValue::from_static("require-corp"),
    );
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
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

    #[test]
    fn refused_frame_tells_its_code_to_any_page() {
        assert_eq!(SCRIPT.matches(CODE_PLACE).count(), 1);
        assert!(!SCRIPT.to_ascii_lowercase().contains("</script"), "would end the script");
        let request = request("/widget/v1/frame?offer=%3Cscript%3E", "en");
        let reject = Reject::new(ErrorCode::PageNotListed, "m");
        let page = refusal(RefusalPage::Frame, &reject, &request, [7; 16]).expect("is rendered");
        let body = std::str::from_utf8(page.body()).expect("is UTF-8");
        assert!(body.contains("page-not-listed") && !body.contains("href"), "{body}");
        let nonce = encode_base64url(&[7; 16]);
        assert_eq!(
            page.headers()[CONTENT_SECURITY_POLICY],
            format!(
                "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'"
            )
        );
        assert_eq!(body.matches("<script").count(), 1);
        assert_eq!(page.headers()["cross-origin-resource-policy"], "cross-origin");
    }
}
