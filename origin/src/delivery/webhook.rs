//! Telling the partner how a charge or a refund went that was pending when its post was answered. The body is what a
//! `GET` answers; the partner may get it twice, and the verdict never in two versions: a settled state does not change.
//! Only what remains of a charge may be less by then, or more: its other refunds go on.

use super::later;
use crate::app::App;
use crate::store::{HandOff, StoreError};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};
use onbill_domain::ids::PartnerId;
use onbill_domain::key::KeyUse;
use onbill_domain::signature;
use onbill_domain::wire::partner::{REFUND_STATE_PATH, TRANSACTION_STATE_PATH};
use serde::Serialize;

/// Seconds until the next attempt at a notice: soon at first, for a partner that is restarting; then it is parked.
pub(super) const RETRY_SECONDS: [i64; 9] = [10, 60, 300, 3_600, 21_600, 86_400, 86_400, 86_400, 86_400];

/// One attempt at telling how a charge stands.
pub(super) async fn of_charge(app: &App, transaction_id: &str, attempt: u32) -> HandOff {
    let told = app.store.told_of_charge(transaction_id.to_owned()).await;
    tell(app, TRANSACTION_STATE_PATH, told, attempt).await
}

/// One attempt at telling how a refund stands.
pub(super) async fn of_refund(app: &App, refund_id: &str, attempt: u32) -> HandOff {
    let told = app.store.told_of_refund(refund_id.to_owned()).await;
    tell(app, REFUND_STATE_PATH, told, attempt).await
}

async fn tell<T: Serialize>(
    app: &App,
    path: &str,
    told: Result<Option<(PartnerId, T)>, StoreError>,
    attempt: u32,
) -> HandOff {
    let again = || later(app, attempt, &RETRY_SECONDS).unwrap_or(HandOff::Parked);
    let (partner, state) = match told {
        Ok(Some(told)) => told,
        Ok(None) => return HandOff::Dropped,
        Err(error) => {
            tracing::error!(?error, "what a notice tells could not be read");
            return again();
        }
    };
    // A partner without an address of its own asks instead.
    let Some(url) = app.config.partner_url(&partner) else { return HandOff::Dropped };
    let (url, party) = (format!("{url}{path}"), format!("partner:{partner}"));
    match post(app, KeyUse::OriginToPartner, &party, &url, &state).await {
        Some(status) if status.is_success() => HandOff::Done { raw_code: None },
        status => {
            let status = status.map(|status| status.as_u16());
            tracing::warn!(%partner, path, attempt, status, "a partner did not take a notice");
            again()
        }
    }
}

/// A signed call to `party`: the status that it answers with, if it answers.
pub(super) async fn post<T: Serialize>(
    app: &App,
    key_use: KeyUse,
    party: &str,
    url: &str,
    state: &T,
) -> Option<StatusCode> {
    Some(call(app, key_use, party, url, state).await?.status())
}

/// The same with the whole answer.
pub(crate) async fn call<T: Serialize>(
    app: &App,
    key_use: KeyUse,
    party: &str,
    url: &str,
    said: &T,
) -> Option<Response<Bytes>> {
    let body = Bytes::from(serde_json::to_vec(said).ok()?);
    let request = Request::builder().method(Method::POST).uri(url).header(CONTENT_TYPE, "application/json");
    let mut request = request.body(body).ok()?;
    let key = app.keys.signing_key(key_use, party)?;
    signature::sign_request(&mut request, key, app.now(), &app.random.nonce())?;
    app.peer.send(request).await.ok()
}
