//! `POST /edge/v1/return`: the customer returns from the partner.

use crate::ambient::{Clock, Random};
use crate::config::Config;
use crate::fault::Failure;
use crate::keys::TokenSigner;
use crate::routes::authentic::EdgeCall;
use crate::store::Store;
use axum::Json;
use axum::extract::State;
use onbill_domain::digest::sha256;
use onbill_domain::limits::RETURN_RESULT_TTL_SECONDS;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::return_url::{RESULT_PARAMETER, is_result};
use onbill_domain::token::{ISSUER, ResultClaims, SignupOutcome};
use onbill_domain::wire::edge::{ReturnRequest, ReturnResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 1. Finds the visit by its ticket: 404 `not-found`, also once its subscription has ended.
/// 2. Signs the outcome that the ledger has, not the one that the browser reports. Only while the
///    ledger has none does it accept the partner's report that the customer cancelled.
/// 3. 200 with the operator's URL and the result in its query.
pub(in crate::routes) async fn find_return_page(
    State(config): State<Arc<Config>>,
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
    State(random): State<Arc<dyn Random>>,
    State(signer): State<Arc<TokenSigner>>,
    call: EdgeCall,
) -> Result<Json<ReturnResponse>, Failure> {
    // 1.
    let request: ReturnRequest = parse(&call.body)?;
    let end = store.find_signup_result(sha256(request.ticket.as_bytes())).await?;
    let end = end.ok_or_else(|| Reject::new(ErrorCode::NotFound, "There is no such visit."))?;

    // 2.
    let outcome = match end.outcome {
        SignupOutcome::Pending if request.cancelled => SignupOutcome::Cancelled,
        known => known,
    };
    let now = clock.now().unix_seconds();
    let claims = ResultClaims {
        iss: ISSUER.to_owned(),
        aud: config.operator.clone(),
        outcome,
        offer: end.offer,
        partner_subscription_id: end.partner_subscription_id,
        jti: random.uuid(),
        iat: now,
        exp: now + RETURN_RESULT_TTL_SECONDS,
    };
    let result = signer.sign(&claims)?;

    // 3.
    Ok(Json(ReturnResponse { location: with_result(&end.return_url, &result) }))
}

/// Adds the result to the query, before any fragment, and leaves everything else as it is, byte for
/// byte. It replaces an older result, because a page that reads the first parameter must not read a
/// stale one. A JWS needs no escaping in a query.
fn with_result(url: &str, result: &str) -> String {
    let (page, fragment) =
        url.split_once('#').map_or((url, String::new()), |(page, end)| (page, format!("#{end}")));
    let (path, query) = page.split_once('?').unwrap_or((page, ""));
    let pairs = query.split('&').filter(|_| !query.is_empty());
    let others = pairs.filter(|pair| !is_result(pair));
    let own = format!("{RESULT_PARAMETER}={result}");
    let query: Vec<&str> = others.chain([own.as_str()]).collect();
    format!("{path}?{}{fragment}", query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_joins_whatever_query_there_is() {
        for (url, expected) in [
            ("https://a.example/done", "https://a.example/done?onbill_result=R"),
            ("https://a.example/done?x=1", "https://a.example/done?x=1&onbill_result=R"),
            (
                "https://a.example/done?onbill_result=old&onbill%5Fresult=old&x=1&onbill_result",
                "https://a.example/done?x=1&onbill_result=R",
            ),
            ("https://a.example/#/done", "https://a.example/?onbill_result=R#/done"),
            ("https://a.example/done?", "https://a.example/done?onbill_result=R"),
            (
                "https://a.example/?q=a%20b&flag&sig=abc%2Bdef==&&bad=%E9&onbill_result=x#/spa?x=1",
                "https://a.example/?q=a%20b&flag&sig=abc%2Bdef==&&bad=%E9&onbill_result=R#/spa?x=1",
            ),
            (
                "https://a.example/?&onbill_results=1&#",
                "https://a.example/?&onbill_results=1&&onbill_result=R#",
            ),
        ] {
            assert_eq!(with_result(url, "R"), expected);
        }
    }
}
