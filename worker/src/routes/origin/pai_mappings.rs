//! `POST /origin/v1/pai-mappings`: an origin compares KV with its database, and KV follows where it
//! is behind.

use super::authenticate_origin;
use crate::call::Call;
use crate::fault::HandlerError;
use crate::mapping::{StoredMapping, compare_mapping, update_mapping};
use crate::platform::{KvUnavailable, Platform};
use crate::response::json_response;
use bytes::Bytes;
use futures_util::future::join_all;
use http::{Response, StatusCode};
use onbill_domain::limits::PAI_MAPPINGS_PER_CALL_MAX;
use onbill_domain::pai::Pai;
use onbill_domain::reject::Reject;
use onbill_domain::wire::kv::PaiMapping;
use onbill_domain::wire::origin::{PaiMappingRequest, PaiMappingsRequest, PaiMappingsResponse};
use onbill_domain::wire::parse;
use std::collections::HashSet;

/// How KV compared with one mapping, and what it has if that is later and was only asked for.
struct Compared {
    pai: Pai,
    comparison: StoredMapping,
    later: Option<PaiMapping>,
}

/// 1. The call is JSON → else 415, 413; signed by an operator's origin → else 401.
/// 2. It has the expected members, not too many, each PAI once → else 400; it is about that
///    operator → else 403.
/// 3. How KV compared with each → 200; KV fails for one of them → 503, and the origin reports all
///    of them again.
///
/// What KV has newer or of another operator is reported, not changed. What is left to the origins
/// counts as the same: there is nothing to mend. As with a single one no nonce
/// is spent.
pub(crate) async fn post_pai_mappings<P: Platform>(
    call: &Call<'_, P>,
) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let caller = authenticate_origin(call).await?;
    // 2.
    let request: PaiMappingsRequest = parse(call.request.body())?;
    if request.mappings.len() > PAI_MAPPINGS_PER_CALL_MAX {
        return Err(Reject::invalid_request("mappings has too many entries.").into());
    }
    let mut seen = HashSet::new();
    for entry in &request.mappings {
        caller.check_operator(&entry.mapping.operator)?;
        if !seen.insert(entry.pai) {
            return Err(Reject::invalid_request("mappings has a PAI twice.").into());
        }
    }
    // 3.
    let comparisons = join_all(request.mappings.iter().map(async |entry| {
        let (comparison, later) = if request.compare_only {
            compare_mapping(call, entry.pai, &entry.mapping).await?
        } else {
            (update_mapping(call, entry.pai, &entry.mapping).await?, None)
        };
        Ok(Compared { pai: entry.pai, comparison, later })
    }));
    let comparisons: Result<Vec<Compared>, KvUnavailable> = comparisons.await.into_iter().collect();
    let comparisons = comparisons.map_err(|KvUnavailable| Reject::service_unavailable())?;
    let needs_nothing =
        |one: &&Compared| matches!(one.comparison, StoredMapping::Same | StoredMapping::LeftToOrigins);
    let pais = |wanted: StoredMapping| {
        comparisons.iter().filter(move |one| one.comparison == wanted).map(|one| one.pai)
    };
    let later = comparisons.iter().filter_map(|one| {
        let mapping = one.later.clone()?;
        Some(PaiMappingRequest { pai: one.pai, mapping })
    });
    let response = PaiMappingsResponse {
        same: comparisons.iter().filter(needs_nothing).count(),
        behind: pais(StoredMapping::Behind).count(),
        ahead: pais(StoredMapping::Ahead).collect(),
        foreign: pais(StoredMapping::Foreign).collect(),
        later: later.collect(),
    };
    Ok(json_response(StatusCode::OK, &response)?)
}
