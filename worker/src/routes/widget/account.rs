//! `POST /widget/v1/account`: the customer reads their own page. The origin decides by the flow
//! whose it is.

use crate::call::Call;
use crate::fault::HandlerError;
use crate::platform::Platform;
use crate::response::json_response;
use crate::routes::widget::account_words::{LocaleField, add_account_words};
use crate::routes::widget::admit_widget_call;
use crate::routes::widget::frame_json::to_frame_json;
use crate::upstream::query_for_widget;
use bytes::Bytes;
use http::{Response, StatusCode};
use onbill_domain::wire::account_page::{AccountPage, AccountPageRequest};
use onbill_domain::wire::parse;

/// 1. Steps shared by the frame's calls → 403, 413, 415, 429, 400.
/// 2. The origin gives the page → 200, or its refusal; no valid response → 503. The first page comes
///    with its words.
pub(crate) async fn post_account<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let (operator, request) = admit_widget_call::<_, AccountPageRequest>(call).await?;
    let LocaleField { locale } = parse(call.request.body())?;
    // 2.
    let page: AccountPage = query_for_widget(call, &operator, "/edge/v1/account", &request).await?;
    if request.cursor.is_some() {
        return Ok(json_response(StatusCode::OK, &to_frame_json(&page)?)?);
    }
    Ok(json_response(StatusCode::OK, &add_account_words(&page, locale)?)?)
}
