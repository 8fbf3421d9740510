//! `GET /ott/v1/echo`: what was seen of the call, for a partner's engineer. The edge and this origin
//! have both accepted its signature by then.

use crate::call_trace::CallTrace;
use crate::config::Config;
use crate::routes::authentic::PartnerCall;
use axum::Json;
use axum::extract::State;
use onbill_domain::key::KeyUse;
use onbill_domain::signature::request_tag;
use onbill_domain::wire::ott::EchoResponse;
use std::sync::Arc;

/// 200. It changes nothing, so its nonce need not be spent: a replay reveals nothing new.
pub(in crate::routes) async fn echo(
    State(config): State<Arc<Config>>,
    call: PartnerCall,
) -> Json<EchoResponse> {
    let trace = CallTrace::current();
    Json(EchoResponse {
        partner: call.partner,
        operator: config.operator.clone(),
        keyid: call.nonce.key_id().to_owned(),
        tag: request_tag(KeyUse::PartnerCall),
        created: call.created.unix_seconds(),
        correlator: trace.map(|trace| trace.correlator.as_str().to_owned()).unwrap_or_default(),
    })
}
