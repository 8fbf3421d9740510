//! Client of the operator's CSP API: account status, billing, SMS. Every call is signed.
//!
//! Nothing here decides what an unexpected response means for a charge: it returns [`Unclear`], and
//! the queue retries.

use super::signed_client::SignedClient;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use onbill_domain::ids::OperatorId;
use onbill_domain::key::{KeyUse, Party};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::{ErrorBody, ErrorCode};
use onbill_domain::wire::csp::{
    AccountValidateRequest, AccountValidateResponse, BillChargeRequest, BillChargeResponse,
    BillRefundRequest, BillRefundResponse, SmsRequest,
};
use onbill_domain::wire::read_object;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// There was no response, or one that does not show what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unclear;

/// Client of one operator's CSP API.
pub struct CspClient {
    url: String,
    operator: Party,
    client: SignedClient,
}

impl CspClient {
    /// Calls `url` as the onbill of `operator`.
    pub fn new(url: &str, operator: &OperatorId, client: SignedClient) -> Self {
        Self { url: url.trim_end_matches('/').to_owned(), operator: Party::operator(operator), client }
    }

    /// Looks up the operator's record of an account; `None` when the operator reports that there is
    /// none. A response without an id of the subscriber counts as none, because that id
    /// distinguishes two subscribers of one number.
    pub async fn look_up_account(&self, msisdn: &Msisdn) -> Result<Option<AccountValidateResponse>, Unclear> {
        let request = AccountValidateRequest { msisdn: msisdn.clone() };
        match self.send_call(Method::POST, "/account/validate", Some(&request)).await? {
            (StatusCode::OK, body) => {
                let answer: AccountValidateResponse = parse_body(&body)?;
                if answer.subscriber_id.is_empty() { Err(Unclear) } else { Ok(Some(answer)) }
            }
            (StatusCode::NOT_FOUND, body) if has_code(&body, ErrorCode::AccountNotFound) => Ok(None),
            _ => Err(Unclear),
        }
    }

    /// Puts a line on the bill, once per transaction id.
    pub async fn submit_charge(&self, charge: &BillChargeRequest) -> Result<BillChargeResponse, Unclear> {
        match self.send_call(Method::POST, "/transaction", Some(charge)).await? {
            (StatusCode::OK | StatusCode::CREATED, body) => parse_body(&body),
            _ => Err(Unclear),
        }
    }

    /// Looks up the outcome of a transaction id; `None` when billing reports that it has never seen
    /// it.
    pub async fn look_up_charge(&self, transaction_id: &str) -> Result<Option<BillChargeResponse>, Unclear> {
        let path = format!("/transaction/{transaction_id}");
        match self.send_call::<()>(Method::GET, &path, None).await? {
            (StatusCode::OK, body) => parse_body(&body).map(Some),
            (StatusCode::NOT_FOUND, body) if has_code(&body, ErrorCode::TransactionNotFound) => Ok(None),
            _ => Err(Unclear),
        }
    }

    /// Refunds part or all of a charge on its bill, once per refund id.
    pub async fn submit_refund(&self, refund: &BillRefundRequest) -> Result<BillRefundResponse, Unclear> {
        match self.send_call(Method::POST, "/refund", Some(refund)).await? {
            // The status alone means approved; a body, where there is one, may decline.
            (StatusCode::OK | StatusCode::CREATED, body) if body.is_empty() => parse_body(b"{}"),
            (StatusCode::OK | StatusCode::CREATED, body) => parse_body(&body),
            _ => Err(Unclear),
        }
    }

    /// Sends an SMS to a subscriber.
    pub async fn send_sms(&self, msisdn: &Msisdn, text: &str) -> Result<(), Unclear> {
        let request = SmsRequest { msisdn: msisdn.clone(), text: text.to_owned() };
        match self.send_call(Method::POST, "/notification", Some(&request)).await? {
            (status, _) if status.is_success() => Ok(()),
            _ => Err(Unclear),
        }
    }

    async fn send_call<T: Serialize>(
        &self,
        method: Method,
        path: &str,
        body: Option<&T>,
    ) -> Result<(StatusCode, Bytes), Unclear> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        let body = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Bytes::from(serde_json::to_vec(body).map_err(|_| Unclear)?)
            }
            None => Bytes::new(),
        };
        let request = request.body(body).map_err(|_| Unclear)?;
        let response = self.client.send(KeyUse::OriginToOperator, &self.operator, request).await;
        let response = response.map_err(|_| Unclear)?;
        Ok((response.status(), response.into_body()))
    }
}

/// Whether the 404 comes from the operator itself. A misrouted proxy responds with 404 as well, and
/// would end an account by it.
fn has_code(body: &[u8], code: ErrorCode) -> bool {
    read_object::<ErrorBody>(body).is_ok_and(|error| error.code == code.as_str())
}

fn parse_body<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unclear> {
    read_object(body).map_err(|_| Unclear)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::{SystemClock, SystemRandom};
    use crate::http::{Peer, Unreachable};
    use async_trait::async_trait;
    use http::Response;
    use onbill_domain::encoding::encode_base64url;
    use onbill_domain::key::Keyring;
    use onbill_domain::wire::csp::BillingDecision;
    use serde_json::json;
    use std::sync::Arc;

    /// Gives every call the same response.
    struct SameResponse(u16, &'static str);

    #[async_trait]
    impl Peer for SameResponse {
        async fn send(&self, _: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
            Response::builder().status(self.0).body(Bytes::from(self.1)).map_err(|_| Unreachable)
        }
    }

    fn csp_client(status: u16, body: &'static str) -> CspClient {
        let secret = encode_base64url(&[1; 32]);
        let ring = json!([{"id": "k", "party": "operator:acme", "use": "origin-to-bss", "alg": "hmac-sha256",
                           "secret": secret}]);
        let keys = Arc::new(Keyring::parse(&ring.to_string()).expect("is well formed"));
        let peer = Arc::new(SameResponse(status, body));
        let client = SignedClient::new(keys, peer, Arc::new(SystemClock), Arc::new(SystemRandom));
        let acme = OperatorId::parse("acme").expect("is a slug");
        CspClient::new("https://bss.acme.example/csp", &acme, client)
    }

    #[tokio::test]
    async fn not_found_is_believed_from_the_operator_only() {
        let msisdn = Msisdn::parse("+12025550101").expect("is E.164");
        let csp = csp_client(404, r#"{"code":"account-not-found","message":"There is no such account."}"#);
        assert_eq!(csp.look_up_account(&msisdn).await.map(|answer| answer.is_some()), Ok(false));
        assert_eq!(csp.look_up_charge("t").await, Err(Unclear));
        let csp = csp_client(404, r#"{"code":"transaction-not-found","message":"There is no such charge."}"#);
        assert_eq!(csp.look_up_charge("t").await, Ok(None));
        // A misrouted proxy, a path that the operator does not have, an empty page.
        for body in ["<html>404 Not Found", r#"{"code":"not-found","message":"There is no such path."}"#, ""]
        {
            let csp = csp_client(404, body);
            assert_eq!(csp.look_up_account(&msisdn).await.err(), Some(Unclear), "{body}");
            assert_eq!(csp.look_up_charge("t").await, Err(Unclear), "{body}");
        }
    }

    #[tokio::test]
    async fn refund_response_of_a_proxy_is_unclear() {
        let currency = onbill_domain::currency::Currency::parse("USD").expect("is listed");
        let refund = BillRefundRequest {
            refund_id: "r".to_owned(),
            transaction_id: "t".to_owned(),
            amount: onbill_domain::money::Money { amount_minor: 1, currency },
        };
        let says = async |status, body| {
            csp_client(status, body).submit_refund(&refund).await.map(|answer| answer.status)
        };
        for body in ["", "{}", r#"{"refundID":"r"}"#, r#"{"status":"APPROVED"}"#] {
            assert_eq!(says(201, body).await, Ok(BillingDecision::Approved), "{body}");
        }
        assert_eq!(says(200, r#"{"status":"DECLINED","rawCode":"61"}"#).await, Ok(BillingDecision::Declined));
        for body in ["<html>200 OK", r#"{"status":"PERHAPS"}"#, "[]"] {
            assert_eq!(says(200, body).await, Err(Unclear), "{body}");
        }
        assert_eq!(says(202, "").await, Err(Unclear));
        assert_eq!(says(404, r#"{"code":"transaction-not-found","message":"No."}"#).await, Err(Unclear));
    }

    #[tokio::test]
    async fn account_without_subscriber_id_is_refused() {
        let msisdn = Msisdn::parse("+12025550101").expect("is E.164");
        let named = csp_client(200, r#"{"status":"ACTIVE","type":"postpaid","subscriberID":"s-1"}"#);
        assert_eq!(named.look_up_account(&msisdn).await.map(|answer| answer.is_some()), Ok(true));
        for body in [
            r#"{"status":"ACTIVE","type":"postpaid","subscriberID":""}"#,
            r#"{"status":"ACTIVE","type":"postpaid"}"#,
            r#"{"status":"UNHEARD-OF","type":"postpaid","subscriberID":"s-1"}"#,
            "<html>200 OK",
        ] {
            assert_eq!(csp_client(200, body).look_up_account(&msisdn).await.err(), Some(Unclear), "{body}");
        }
    }
}
