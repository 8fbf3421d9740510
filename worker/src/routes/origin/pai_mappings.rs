//! `POST /origin/v1/pai-mappings`: an origin compares the store with its books, and the store follows where it is behind.

use super::speaker;
use crate::answer::json;
use crate::call::Call;
use crate::fault::Stop;
use crate::mapping::{Had, compare, follow};
use crate::platform::Platform;
use bytes::Bytes;
use futures_util::future::join_all;
use http::{Response, StatusCode};
use onbill_domain::limits::PAI_MAPPINGS_PER_CALL_MAX;
use onbill_domain::pai::Pai;
use onbill_domain::reject::Reject;
use onbill_domain::wire::origin::{PaiMappingsRequest, PaiMappingsResponse};
use onbill_domain::wire::parse;
use std::collections::HashSet;

/// 1. The call is JSON → else 415, 413; signed by an operator's origin → else 401.
/// 2. It has the expected members, not too many, each PAI once → else 400; it speaks for that operator → else 403.
/// 3. What the store had of each → 200; the store fails for one of them → 503, and the origin says all of them again.
///
/// What the store knows better or has of another operator is told, not changed. As with a single one no nonce is spent.
pub(crate) async fn post<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, Stop> {
    // 1.
    let speaker = speaker(call)?;
    // 2.
    let said: PaiMappingsRequest = parse(call.request.body())?;
    if said.mappings.len() > PAI_MAPPINGS_PER_CALL_MAX {
        return Err(Reject::invalid_request("mappings has too many entries.").into());
    }
    let mut seen = HashSet::new();
    for entry in &said.mappings {
        speaker.speaks_for(&entry.mapping.operator)?;
        if !seen.insert(entry.pai) {
            return Err(Reject::invalid_request("mappings has a PAI twice.").into());
        }
    }
    // 3.
    let compared = join_all(said.mappings.iter().map(async |entry| {
        let had = if said.compare_only {
            compare(call, entry.pai, &entry.mapping).await
        } else {
            follow(call, entry.pai, &entry.mapping).await
        };
        (entry.pai, had)
    }));
    let compared: Option<Vec<(Pai, Had)>> =
        compared.await.into_iter().map(|(pai, had)| Some((pai, had?))).collect();
    let compared = compared.ok_or_else(Reject::service_unavailable)?;
    let those = |what: Had| compared.iter().filter(move |(_, had)| *had == what).map(|(pai, _)| *pai);
    let answer = PaiMappingsResponse {
        same: those(Had::Same).count(),
        behind: those(Had::Behind).count(),
        ahead: those(Had::Ahead).collect(),
        foreign: those(Had::Foreign).collect(),
    };
    Ok(json(StatusCode::OK, &answer)?)
}
