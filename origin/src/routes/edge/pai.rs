//! `POST /edge/v1/pai`: the edge asks whether a PAI is this operator's, when its own store does not say.

use crate::app::App;
use crate::fault::Failure;
use crate::routes::authentic::EdgeCall;
use axum::Json;
use axum::extract::State;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::edge::PaiLookupRequest;
use onbill_domain::wire::kv::PaiMapping;
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 200 with the mapping; 404 `pai-not-found`.
pub(in crate::routes) async fn look_up_pai(
    State(app): State<Arc<App>>,
    call: EdgeCall,
) -> Result<Json<PaiMapping>, Failure> {
    let request: PaiLookupRequest = parse(&call.body)?;
    let row = app.store.pai(request.partner, request.pai).await?;
    let row = row.ok_or_else(|| Reject::new(ErrorCode::PaiNotFound, "There is no such PAI."))?;
    Ok(Json(PaiMapping {
        operator: app.config.operator.clone(),
        subscriber: row.handle,
        state: row.state,
        version: row.version,
    }))
}
