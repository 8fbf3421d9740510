//! `GET /widget/v1/onbill.js`: the script that an operator's page includes. The edge writes its own
//! address into it, because a page could tell the script another one, and would be sent the
//! dashboard's session assertion.
//!
//! The script defines `<pay-on-bill>`, which shows the payment frame and speaks with it; the steps
//! themselves are in the frame. It changes nothing else of the page than the query parameter
//! `onbill_result`, which it takes out of the address bar.

use crate::call::Call;
use crate::fault::{Fault, HandlerError};
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
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
/// The script, with names in the places of its style, its words and the edge's address.
const TEMPLATE: &str = include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/onbill.js"));
const STYLE: &str = include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/onbill.css"));
const STYLE_PLACE: &str = "ONBILL_STYLE";
const WORDS_PLACE: &str = "ONBILL_WORDS";
const EDGE_PLACE: &str = "ONBILL_EDGE";

/// The script for each address of the edge that it was requested at, with its entity tag. There are
/// as many as the deployment names.
static SCRIPTS: Mutex<BTreeMap<String, (Bytes, HeaderValue)>> = Mutex::new(BTreeMap::new());

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
    let (script, tag) = find_script(&call.site_origin)?;
    let mut response = if tag.to_str().is_ok_and(|tag| is_known(call.request.headers(), tag)) {
        // 2.
        new_response(StatusCode::NOT_MODIFIED, JAVASCRIPT, Bytes::new())
    } else {
        // 3.
        new_response(StatusCode::OK, JAVASCRIPT, script)
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, CACHE_POLICY);
    headers.insert(ETAG, tag);
    let resource_policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(resource_policy, HeaderValue::from_static("cross-origin"));
    Ok(response)
}

fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_ours = |known: &str| known.trim() == "*" || known.trim().trim_start_matches("W/") == tag;
    known.flat_map(|list| list.split(',')).any(is_ours)
}

/// The script for one address, which is written once in each isolate.
fn find_script(site_origin: &str) -> Result<(Bytes, HeaderValue), Fault> {
    let mut scripts = SCRIPTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = scripts.get(site_origin) {
        return Ok(found.clone());
    }
    let script = write_script(site_origin)?;
    let tag = format!("\"{}\"", encode_base64url(&sha256(script.as_bytes())));
    let tag = HeaderValue::from_str(&tag).map_err(|_| Fault::Asset("the loader's tag"))?;
    let made = (Bytes::from(script), tag);
    scripts.insert(site_origin.to_owned(), made.clone());
    Ok(made)
}

fn write_script(site_origin: &str) -> Result<String, Fault> {
    let script = TEMPLATE.replace(STYLE_PLACE, &json!(STYLE.trim_end()).to_string());
    Ok(script.replace(WORDS_PLACE, &words_object()?).replace(EDGE_PLACE, site_origin))
}

/// The words of every language as a JavaScript object: the loader cannot know the page's language.
fn words_object() -> Result<String, Fault> {
    let mut languages = Vec::new();
    for locale in Locale::ALL {
        let words = Words::parse(words_section!("loader", locale))?;
        languages.push(format!(
            "{}:{}",
            locale.as_str(),
            json!([words.text("not-loaded"), words.text("again")])
        ));
    }
    Ok(format!("{{{}}}", languages.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_has_its_words_in_every_language() {
        for place in [STYLE_PLACE, WORDS_PLACE, EDGE_PLACE] {
            assert_eq!(TEMPLATE.matches(place).count(), 1, "{place}");
        }
        assert!(!TEMPLATE.contains("currentScript."), "the page does not say where the edge is");
        let script = write_script("https://edge.example").expect("is written");
        assert!(!script.contains("ONBILL_"), "{script}");
        for locale in Locale::ALL {
            let words = Words::parse(words_section!("loader", locale)).expect("is a map of texts");
            for (key, text) in &words.0 {
                assert!(script.contains(&format!("\"{text}\"")), "{locale:?} {key}");
            }
        }
    }
}
