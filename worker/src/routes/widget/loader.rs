//! `GET /widget/v1/onbill.js`: the script that an operator's page includes.

use crate::response::new_response;
use crate::words::Words;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::locale::Locale;
use onbill_domain::words_section;
use std::sync::LazyLock;

const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
/// The script as it is written, with the place of its words.
const TEMPLATE: &str = include_str!("../../../widget/onbill.js");
const WORDS_PLACE: &str = "{/* of words/, in each language */}";

static SCRIPT: LazyLock<String> = LazyLock::new(|| TEMPLATE.replace(WORDS_PLACE, &words_object()));

/// Five minutes, and a day in which the old script is used while the new one is fetched: a fixed
/// loader reaches every page within the hour, and no page waits for it.
const CACHE_POLICY: HeaderValue =
    HeaderValue::from_static("public, max-age=300, stale-while-revalidate=86400");

static ENTITY_TAG: LazyLock<String> =
    LazyLock::new(|| format!("\"{}\"", encode_base64url(&sha256(SCRIPT.as_bytes()))));

/// 1. The browser has this version of the script → 304.
/// 2. 200 with the script; any site may include it, and no site may read it as anything but a
///    script.
pub(crate) fn get_loader(headers: &HeaderMap) -> Response<Bytes> {
    let known_tags = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_ours = |tag: &str| tag.trim() == "*" || tag.trim().trim_start_matches("W/") == ENTITY_TAG.as_str();
    let mut response = if known_tags.flat_map(|list| list.split(',')).any(is_ours) {
        // 1.
        new_response(StatusCode::NOT_MODIFIED, JAVASCRIPT, Bytes::new())
    } else {
        // 2.
        new_response(StatusCode::OK, JAVASCRIPT, Bytes::from_static(SCRIPT.as_bytes()))
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, CACHE_POLICY);
    if let Ok(tag) = HeaderValue::from_str(&ENTITY_TAG) {
        headers.insert(ETAG, tag);
    }
    let resource_policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(resource_policy, HeaderValue::from_static("cross-origin"));
    response
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
