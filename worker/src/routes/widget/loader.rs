//! `GET /widget/v1/onbill.js`: the script that an operator's page includes. The edge writes its own
//! address into it, because a page could tell the script another one, and would be sent the
//! dashboard's session assertion.
//!
//! The script defines `<pay-on-bill>`, which shows the payment frame and speaks with it; the steps
//! themselves are in the frame. It changes nothing else of the page than the query parameter
//! `onbill_result`, which it takes out of the address bar.

use crate::call::Call;
use crate::fault::HandlerError;
use crate::platform::Platform;
use crate::response::new_response;
use crate::words::Words;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::locale::Locale;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::words_section;
use std::sync::LazyLock;

const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
/// The script as it is written, with the places of its words and of the edge's address.
const TEMPLATE: &str = include_str!("../../../widget/onbill.js");
const WORDS_PLACE: &str = "{/* of words/, in each language */}";
const EDGE_PLACE: &str = "/* of the edge that serves this */";

static SCRIPT: LazyLock<String> = LazyLock::new(|| TEMPLATE.replace(WORDS_PLACE, &words_object()));

/// Five minutes, and a day in which the old script is used while the new one is fetched: a fixed
/// loader reaches every page within the hour, and no page waits for it.
const CACHE_POLICY: HeaderValue =
    HeaderValue::from_static("public, max-age=300, stale-while-revalidate=86400");

/// 1. The call came to an address of this edge that the deployment names → else 404: a `Host` that
///    anybody can send is not written into a script that caches keep.
/// 2. The browser has this version of the script → 304.
/// 3. 200 with the script; any site may include it, and no site may read it as anything but a
///    script.
pub(crate) fn get_loader<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    if !call.config.edge_urls().contains(&call.site_origin) {
        return Err(Reject::new(ErrorCode::NotFound, "The widget is not served at this host.").into());
    }
    let script = SCRIPT.replace(EDGE_PLACE, &call.site_origin);
    let tag = format!("\"{}\"", encode_base64url(&sha256(script.as_bytes())));
    let mut response = if is_known(call.request.headers(), &tag) {
        // 2.
        new_response(StatusCode::NOT_MODIFIED, JAVASCRIPT, Bytes::new())
    } else {
        // 3.
        new_response(StatusCode::OK, JAVASCRIPT, Bytes::from(script))
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, CACHE_POLICY);
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    let resource_policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(resource_policy, HeaderValue::from_static("cross-origin"));
    Ok(response)
}

fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_ours = |known: &str| known.trim() == "*" || known.trim().trim_start_matches("W/") == tag;
    known.flat_map(|list| list.split(',')).any(is_ours)
}

/// The words of every language as a JavaScript object: the loader cannot know the page's language.
fn words_object() -> String {
    let languages = Locale::ALL.into_iter().filter_map(|locale| {
        let words = Words::parse(words_section!("loader", locale)).ok()?;
        let texts = ["frame-title", "not-loaded", "again"].map(|key| words.text(key).to_owned());
        Some(format!("    {}: ['{}'],\n", locale.as_str(), texts.join("', '")))
    });
    format!("{{\n{}  }}", languages.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_has_its_words_in_every_language() {
        assert_eq!(TEMPLATE.matches(WORDS_PLACE).count(), 1);
        assert_eq!(TEMPLATE.matches(&format!("'{EDGE_PLACE}'")).count(), 1);
        assert!(!TEMPLATE.contains("currentScript."), "the page does not say where the edge is");
        assert!(!SCRIPT.contains(WORDS_PLACE));
        for locale in Locale::ALL {
            let words = Words::parse(words_section!("loader", locale)).expect("is a map of texts");
            for (key, text) in &words.0 {
                assert!(SCRIPT.contains(&format!("'{text}'")), "{locale:?} {key}");
                assert!(!text.contains(['\'', '\\', '\n', '{', '<']), "would end the string: {text}");
            }
        }
    }
}
