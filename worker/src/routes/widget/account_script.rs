//! `GET /widget/v1/frame-account.js`: the part of the frame's script that shows the customer's own
//! page. The frame loads it when there is such a page to show: most customers never see one, and the
//! frame has to fit into the first round trip.

use crate::response::new_response;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

/// The script, with a name in the place of its style.
const TEMPLATE: &str = include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/frame-account.js"));
const STYLE: &str = include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/frame-account.css"));
const STYLE_PLACE: &str = "ONBILL_STYLE";

/// 200 with the script. Nothing stores it: it has to be of the same version as the frame.
pub(crate) fn get_account_script() -> Response<Bytes> {
    let javascript = HeaderValue::from_static("text/javascript; charset=utf-8");
    let script = TEMPLATE.replace(STYLE_PLACE, &json!(STYLE.trim_end()).to_string());
    new_response(StatusCode::OK, javascript, Bytes::from(script))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_has_a_place_for_its_style() {
        assert_eq!(TEMPLATE.matches(STYLE_PLACE).count(), 1);
    }
}
