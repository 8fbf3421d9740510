//! `GET /widget/v1/frame-account.js`: the part of the frame's script that shows the customer's own
//! page. The frame loads it when there is such a page to show: most customers never see one, and the
//! frame has to fit into the first round trip.

use crate::response::new_response;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};

const SCRIPT: &str = include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/frame-account.js"));

/// 200 with the script. Nothing stores it: it has to be of the same version as the frame.
pub(crate) fn get_account_script() -> Response<Bytes> {
    let javascript = HeaderValue::from_static("text/javascript; charset=utf-8");
    new_response(StatusCode::OK, javascript, Bytes::from_static(SCRIPT.as_bytes()))
}
