//! Telling the partner and the edge how a PAI stands. What is told is how it stands at that moment, with its version: of
//! several changes the last one is enough, and whoever hears an older version after a newer one drops it.

use super::later_at_last;
use super::webhook;
use crate::app::App;
use crate::store::{HandOff, PaiStanding};
use http::StatusCode;
use onbill_domain::key::KeyUse;
use onbill_domain::pai::Pai;
use onbill_domain::wire::kv::PaiMapping;
use onbill_domain::wire::origin::{PAI_MAPPING_PATH, PaiMappingRequest};
use onbill_domain::wire::partner::{ACCOUNT_STATE_PATH, AccountStateRequest};

/// One attempt at telling the partner.
pub(super) async fn notify_partner(app: &App, pai: Pai, attempt: u32) -> HandOff {
    let standing = match read(app, pai, attempt).await {
        Ok(standing) => standing,
        Err(outcome) => return outcome,
    };
    // A partner without an address of its own learns by the declines.
    let Some(url) = app.config.partner_url(&standing.partner) else { return HandOff::Dropped };
    let state = AccountStateRequest {
        pai,
        state: standing.state,
        reason: standing.closed_reason,
        sequence: standing.version,
    };
    let (url, party) = (format!("{url}{ACCOUNT_STATE_PATH}"), format!("partner:{}", standing.partner));
    match webhook::post(app, KeyUse::OriginToPartner, &party, &url, &state).await {
        Some(status) if status.is_success() => HandOff::Done { raw_code: None },
        status => again(app, attempt, "partner", status),
    }
}

/// One attempt at telling the edge.
pub(super) async fn update_mapping(app: &App, pai: Pai, attempt: u32) -> HandOff {
    let standing = match read(app, pai, attempt).await {
        Ok(standing) => standing,
        Err(outcome) => return outcome,
    };
    let mapping = mapping(app, &standing);
    let url = format!("{}{PAI_MAPPING_PATH}", app.config.edge_url);
    let party = format!("operator:{}", app.config.operator);
    match webhook::post(app, KeyUse::OriginToEdge, &party, &url, &PaiMappingRequest { pai, mapping }).await {
        Some(status) if status.is_success() => HandOff::Done { raw_code: None },
        status => again(app, attempt, "edge", status),
    }
}

/// What the edge is to know of a PAI.
pub(crate) fn mapping(app: &App, standing: &PaiStanding) -> PaiMapping {
    PaiMapping {
        operator: app.config.operator.clone(),
        subscriber: standing.handle.clone(),
        state: standing.state,
        version: standing.version,
    }
}

async fn read(app: &App, pai: Pai, attempt: u32) -> Result<PaiStanding, HandOff> {
    match app.store.standing_of_pai(pai).await {
        Ok(Some(standing)) => Ok(standing),
        Ok(None) => Err(HandOff::Dropped),
        Err(error) => {
            tracing::error!(?error, "how a PAI stands could not be read");
            Err(later_at_last(app, attempt))
        }
    }
}

fn again(app: &App, attempt: u32, who: &str, status: Option<StatusCode>) -> HandOff {
    tracing::warn!(
        who,
        attempt,
        status = status.map(|status| status.as_u16()),
        "how a PAI stands was not heard"
    );
    later_at_last(app, attempt)
}
