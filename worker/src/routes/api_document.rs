//! `GET /api/{document}`: the OpenAPI documents of this version, for the engineers of partners and
//! operators. They are those of the docs, so that a deployment describes itself.

use crate::fault::HandlerError;
use crate::response::{JSON, new_response};
use bytes::Bytes;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL};
use http::{HeaderValue, Response, StatusCode};
use onbill_domain::reject::{ErrorCode, Reject};

const OTT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api/ott.json"));
const OPERATOR: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api/operator.json"));
const CSP: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api/csp.json"));
const PARTNER: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api/partner.json"));

/// 200 with the document, which viewers on any site may read; 404 for a name that is none.
pub(crate) fn get_api_document(name: &str) -> Result<Response<Bytes>, HandlerError> {
    let document = match name {
        "ott.json" => OTT,
        "operator.json" => OPERATOR,
        "csp.json" => CSP,
        "partner.json" => PARTNER,
        _ => return Err(Reject::new(ErrorCode::NotFound, "There is no such document.").into()),
    };
    let mut response = new_response(StatusCode::OK, JSON, Bytes::from_static(document.as_bytes()));
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    Ok(response)
}
