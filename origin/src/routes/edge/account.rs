//! `POST /edge/v1/account`: the holder of a proven number reads their own page.

use super::own_page::{Owner, read_cursor};
use crate::app::App;
use crate::fault::Failure;
use crate::routes::authentic::EdgeCall;
use axum::Json;
use axum::extract::State;
use onbill_domain::wire::account_page::{AccountPage, AccountPageRequest};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 1. The cursor, if there is one, must be ours: 400 `invalid-request`.
/// 2. The flow must be that of the number's present holder: see [`Owner::of_flow`] for the refusals.
/// 3. 200 with the page.
pub(in crate::routes) async fn read_account(
    State(app): State<Arc<App>>,
    call: EdgeCall,
) -> Result<Json<AccountPage>, Failure> {
    // 1.
    let request: AccountPageRequest = parse(&call.body)?;
    let before = request.cursor.as_deref().map(read_cursor).transpose()?;
    // 2.
    let owner = Owner::of_flow(&app, &request.flow).await?;
    // 3.
    Ok(Json(owner.page(&app, &request.flow, before).await?))
}
