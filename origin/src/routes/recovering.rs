//! What an origin does for callers while its ledger is being recovered: the ledger may lack what
//! other parties have seen, so it decides nothing and denies nothing.

use crate::fault::Failure;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{Method, StatusCode};
use onbill_domain::reject::Reject;

/// Whether the ledger is being recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recovering(pub(crate) bool);

/// What becomes of a call meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handling {
    /// It is handled as ever: it does not depend on what may be lost.
    Serve,
    /// It reads. What is there is answered; what is not there may be lost, so 404 becomes 503.
    Read,
    /// 503: it would decide by a ledger that is not complete.
    Refuse,
}

/// Everything that is not named here is refused, new calls included.
///
/// Account events are taken: they say what happened and when, and the operator sends those since
/// the copy again. The ledger's pages are refused although they only read: their reader would not
/// notice what is missing in them.
fn handling_of(method: &Method, path: &str) -> Handling {
    let get = method == Method::GET;
    let post = method == Method::POST;
    match path {
        "/" | "/healthz" | "/livez" | "/readyz" | "/version" | "/ott/v1/echo" if get => Handling::Serve,
        "/operator/v1/account-events" if post => Handling::Serve,
        "/edge/v1/pai"
        | "/edge/v1/subscription"
        | "/edge/v1/transaction"
        | "/edge/v1/return"
        | "/edge/v1/result"
            if post =>
        {
            Handling::Read
        }
        _ if get && path.starts_with("/sms/v1/receipt/") => Handling::Serve,
        _ if get && path.starts_with("/ott/v1/transaction/") => Handling::Read,
        _ if get && path.starts_with("/operator/v1/coupons/") => Handling::Read,
        _ => Handling::Refuse,
    }
}

/// The layer of all routes.
pub(super) async fn guard_recovery(
    State(recovering): State<Recovering>,
    request: Request,
    next: Next,
) -> Response {
    if !recovering.0 {
        return next.run(request).await;
    }
    match handling_of(request.method(), request.uri().path()) {
        Handling::Serve => next.run(request).await,
        Handling::Read => {
            let response = next.run(request).await;
            if response.status() == StatusCode::NOT_FOUND { refuse_call() } else { response }
        }
        Handling::Refuse => refuse_call(),
    }
}

fn refuse_call() -> Response {
    Failure::from(Reject::service_unavailable()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::{OTHER_ROUTES, PARTNER_ROUTES};

    /// Every other route is refused.
    const HANDLED: &[(&str, &str, Handling)] = &[
        ("get", "/healthz", Handling::Serve),
        ("get", "/livez", Handling::Serve),
        ("get", "/readyz", Handling::Serve),
        ("get", "/version", Handling::Serve),
        ("get", "/ott/v1/echo", Handling::Serve),
        ("post", "/operator/v1/account-events", Handling::Serve),
        ("get", "/sms/v1/receipt/{token}", Handling::Serve),
        ("get", "/ott/v1/transaction/{ext_transaction_id}", Handling::Read),
        ("get", "/ott/v1/transaction/{ext_transaction_id}/refund/{ext_refund_id}", Handling::Read),
        ("get", "/operator/v1/coupons/{ext_coupon_id}", Handling::Read),
        ("post", "/edge/v1/pai", Handling::Read),
        ("post", "/edge/v1/subscription", Handling::Read),
        ("post", "/edge/v1/transaction", Handling::Read),
        ("post", "/edge/v1/return", Handling::Read),
        ("post", "/edge/v1/result", Handling::Read),
    ];

    #[test]
    fn every_route_not_listed_is_refused() {
        let mut met = 0;
        for (method, path) in PARTNER_ROUTES.iter().chain(OTHER_ROUTES) {
            let listed = HANDLED.iter().find(|(of, at, _)| of == method && at == path);
            let expected = listed.map_or(Handling::Refuse, |(.., handling)| *handling);
            met += usize::from(listed.is_some());
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("is a method");
            assert_eq!(handling_of(&method, path), expected, "{method} {path}");
        }
        assert_eq!(met, HANDLED.len(), "a listed route is gone");
        assert_eq!(handling_of(&Method::POST, "/ott/v1/tomorrow"), Handling::Refuse);
    }
}
