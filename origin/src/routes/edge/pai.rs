//! `POST /edge/v1/pai`: the edge asks whether a PAI belongs to this operator, when its own store
//! has no mapping.

use crate::config::Config;
use crate::fault::Failure;
use crate::routes::authentic::EdgeCall;
use crate::store::Store;
use axum::Json;
use axum::extract::State;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::edge::PaiLookupRequest;
use onbill_domain::wire::kv::PaiMapping;
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 200 with the mapping; 404 `pai-not-found`.
pub(in crate::routes) async fn look_up_pai(
    State(config): State<Arc<Config>>,
    State(store): State<Arc<Store>>,
    call: EdgeCall,
) -> Result<Json<PaiMapping>, Failure> {
    let request: PaiLookupRequest = parse(&call.body)?;
    let row = store.find_pai(request.partner, request.pai).await?;
    let row = row.ok_or_else(|| Reject::new(ErrorCode::PaiNotFound, "There is no such PAI."))?;
    Ok(Json(PaiMapping {
        operator: config.operator.clone(),
        subscriber: row.handle,
        state: row.state,
        version: row.version,
    }))
}
