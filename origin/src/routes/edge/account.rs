//! `POST /edge/v1/account`: the subscriber of a proven number reads their own page.

use crate::fault::Failure;
use crate::flow::{AccountPages, parse_cursor};
use crate::routes::authentic::EdgeCall;
use axum::Json;
use axum::extract::State;
use onbill_domain::wire::account_page::{AccountPage, AccountPageRequest};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 1. A cursor, if there is one, must be one that we issued: 400 `invalid-request`.
/// 2. The flow must belong to the present subscriber of the number: see
///    [`AccountPages::find_owner`] for the refusals.
/// 3. 200 with the page.
pub(in crate::routes) async fn read_account(
    State(pages): State<Arc<AccountPages>>,
    call: EdgeCall,
) -> Result<Json<AccountPage>, Failure> {
    // 1.
    let request: AccountPageRequest = parse(&call.body)?;
    let before = request.cursor.as_deref().map(parse_cursor).transpose()?;
    // 2.
    let owner = pages.find_owner(&request.flow).await?;
    // 3.
    Ok(Json(pages.read_page(&owner, &request.flow, before).await?))
}
