//! `POST /widget/v1/account`: the customer reads their own page. Whose it is, the origin decides by the flow.

use crate::answer::json;
use crate::call::Call;
use crate::fault::HandlerError;
use crate::platform::Platform;
use crate::routes::widget::admit;
use crate::upstream::query_for_widget;
use bytes::Bytes;
use http::{Response, StatusCode};
use onbill_domain::wire::account_page::{AccountPage, AccountPageRequest};

/// 1. Steps shared by the frame's calls → 403, 413, 415, 429, 400.
/// 2. The origin gives the page → 200, or its refusal; no proper answer → 503.
pub(crate) async fn post<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let (operator, request) = admit::<_, AccountPageRequest>(call).await?;
    // 2.
    let page: AccountPage = query_for_widget(call, operator, "/edge/v1/account", &request).await?;
    Ok(json(StatusCode::OK, &page)?)
}
