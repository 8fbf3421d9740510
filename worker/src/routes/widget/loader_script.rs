//! The script that an operator's page includes. The edge writes its own address into it, because a
//! page could give the script another one, and would be sent the dashboard's session assertion.
//!
//! The script defines `<pay-on-bill>`, which shows the payment frame and speaks with it; the steps
//! themselves are in the frame. It changes nothing else of the page than the query parameter
//! `onbill_result`, which it takes out of the address bar.
//!
//! Not here: the addresses at which it is served. `loader.rs` has the one that follows each release,
//! `hashed_loader.rs` those of a version.

use crate::call::Call;
use crate::fault::{Fault, HandlerError};
use crate::page::page_locale;
use crate::response::new_response;
use crate::words::Words;
use bytes::Bytes;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use onbill_domain::digest::sha256;
use onbill_domain::encoding::{encode_base64, encode_base64url};
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

/// The script for each address of the edge and each language that it was requested in. There are as
/// many addresses as the deployment names.
static SCRIPTS: Mutex<BTreeMap<(String, &'static str), LoaderScript>> = Mutex::new(BTreeMap::new());

/// One version of the script.
#[derive(Clone, Debug)]
pub(super) struct LoaderScript {
    text: Bytes,
    sha256: [u8; 32],
}

impl LoaderScript {
    pub(super) fn new(text: String) -> Self {
        let sha256 = sha256(text.as_bytes());
        Self { text: Bytes::from(text), sha256 }
    }

    /// The present version at the address and in the language of a call, which is written once in
    /// each isolate. An address that the deployment does not name → 404: a `Host` that any caller can
    /// send is not written into a script that caches keep.
    pub(super) fn find<P>(call: &Call<'_, P>) -> Result<Self, HandlerError> {
        Self::find_in(call, page_locale(call.request))
    }

    /// The present version with this hash at the address of a call, in whatever language.
    pub(super) fn find_by_hash<P>(call: &Call<'_, P>, hash: &str) -> Result<Option<Self>, HandlerError> {
        for locale in Locale::ALL {
            let script = Self::find_in(call, locale)?;
            if script.hash() == hash {
                return Ok(Some(script));
            }
        }
        Ok(None)
    }

    fn find_in<P>(call: &Call<'_, P>, locale: Locale) -> Result<Self, HandlerError> {
        if !call.config.edge_urls().contains(&call.site_origin) {
            return Err(Reject::new(ErrorCode::NotFound, "The widget is not served at this host.").into());
        }
        let mut scripts = SCRIPTS.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (call.site_origin.clone(), locale.as_str());
        if let Some(found) = scripts.get(&place) {
            return Ok(found.clone());
        }
        let made = Self::new(write_script(&call.site_origin, locale)?);
        scripts.insert(place, made.clone());
        Ok(made)
    }

    pub(super) fn text(&self) -> &Bytes {
        &self.text
    }

    /// The version's name: its SHA-256.
    pub(super) fn hash(&self) -> String {
        encode_base64url(&self.sha256)
    }

    /// What a page writes into `integrity` (SRI §3.5).
    pub(super) fn integrity(&self) -> String {
        format!("sha256-{}", encode_base64(&self.sha256))
    }

    /// 200 with the script, or 304 where the browser has it. Any site may include it: it has nothing
    /// that is not public, and knows nothing of who asks.
    pub(super) fn respond(
        &self,
        request: &HeaderMap,
        cache_policy: HeaderValue,
    ) -> Result<Response<Bytes>, Fault> {
        let tag = format!("\"{}\"", self.hash());
        let (status, body) = if is_known(request, &tag) {
            (StatusCode::NOT_MODIFIED, Bytes::new())
        } else {
            (StatusCode::OK, self.text.clone())
        };
        let mut response = new_response(status, JAVASCRIPT, body);
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, cache_policy);
        headers.insert(ETAG, HeaderValue::from_str(&tag).map_err(|_| Fault::Asset("the loader's tag"))?);
        allow_every_site(headers);
        Ok(response)
    }
}

/// Lets every site use a response: as a module or with `integrity` (CORS), and in a page that COEP
/// isolates.
pub(super) fn allow_every_site(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let resource_policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(resource_policy, HeaderValue::from_static("cross-origin"));
}

fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_ours = |known: &str| known.trim() == "*" || known.trim().trim_start_matches("W/") == tag;
    known.flat_map(|list| list.split(',')).any(is_ours)
}

/// It has the words of one language: it needs them where the edge cannot be asked any more.
fn write_script(site_origin: &str, locale: Locale) -> Result<String, Fault> {
    let words = Words::parse(words_section!("loader", locale))?;
    let words = json!([words.text("not-loaded"), words.text("again")]).to_string();
    let script = TEMPLATE.replace(STYLE_PLACE, &json!(STYLE.trim_end()).to_string());
    Ok(script.replace(WORDS_PLACE, &words).replace(EDGE_PLACE, site_origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_has_its_words_in_every_language() {
        for place in [STYLE_PLACE, WORDS_PLACE, EDGE_PLACE] {
            assert_eq!(TEMPLATE.matches(place).count(), 1, "{place}");
        }
        assert!(!TEMPLATE.contains("currentScript"), "the page does not say where the edge is");
        for locale in Locale::ALL {
            let script = write_script("https://edge.example", locale).expect("is written");
            assert!(!script.contains("ONBILL_"), "{script}");
            let words = Words::parse(words_section!("loader", locale)).expect("is a map of texts");
            for (key, text) in &words.0 {
                assert!(script.contains(&format!("\"{text}\"")), "{locale:?} {key}");
            }
        }
    }
}
