//! `GET /bare`: the widget for an operator whose pages cannot run a third-party script. Without the
//! loader there is no session, so the number is proved by a PIN.

use super::Operator;
use super::layout::{PageView, page};
use axum::extract::{Query, State};
use axum::response::Response;
use http::HeaderMap;
use maud::html;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The frame, and nothing else of onbill.
pub(super) async fn get_bare(
    State(operator): State<Operator>,
    Query(view): Query<PageView>,
    headers: HeaderMap,
) -> Response {
    let config = operator.config();
    let return_url = format!("{}{}", config.public_url, view.link(&config.return_path));
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let src = format!(
        "{}/widget/v1/frame?operator={}&offer={}&locale={}&return-url={}&parent={}",
        config.edge_url,
        config.operator,
        config.offer,
        view.locale().as_str(),
        encode(&return_url),
        encode(&config.public_url),
    );
    let main = html! {
        section class="hero" {
            h1 { "Netflix on your phone bill" }
            p { "The same widget as a plain iframe, without any script on this page." }
        }
        iframe id="frame" class="bare" title="Pay on your phone bill" src=(src) referrerpolicy="no-referrer" {}
    };
    page(&operator, &view, "Netflix on your bill", operator.logged_in(&headers).as_ref(), &main)
}
