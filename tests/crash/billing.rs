//! The operator's billing, as strict as the sandbox, on a real socket; and its bills, for the
//! audit.

use crate::signed_caller::EDGE;
use axum::Router;
use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use onbill_domain::currency::Currency;
use onbill_domain::ids::{OfferId, OperatorId};
use onbill_domain::msisdn::Msisdn;
use onbill_origin::ambient::{SystemClock, SystemRandom};
use onbill_origin::http::HttpPeer;
use onbill_sandbox::operator::{BrandColours, Operator, OperatorConfig};
use onbill_sandbox::{PartyDependencies, account_file};
use onbill_test_harness::keys::{self, KeyHolder};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

/// A line on a bill.
pub(crate) struct BilledLine {
    pub(crate) transaction_id: String,
    /// Set for a refund; its value is then negative.
    pub(crate) refund_id: Option<String>,
    pub(crate) msisdn: String,
    pub(crate) value: i64,
}

/// The operator, listening.
pub(crate) struct OperatorBilling {
    operator: Operator,
    router: Router,
    pub(crate) url: String,
}

impl OperatorBilling {
    /// Opens for the accounts of this file.
    pub(crate) async fn open_for_accounts(accounts: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let url = format!("http://{}", listener.local_addr().expect("is bound"));
        let operator = OperatorId::parse("acme").expect("is a slug");
        let config = OperatorConfig {
            colours: BrandColours::of(&operator),
            coupons: None,
            terms: None,
            staff: None,
            operator,
            name: "Acme Mobile".to_owned(),
            country: "US".to_owned(),
            currency: Currency::parse("USD").expect("is listed"),
            public_url: url.clone(),
            edge_url: format!("https://{EDGE}"),
            offer: OfferId::parse("netflix-standard").expect("is a slug"),
            return_path: "/done".to_owned(),
            keys: keys::keyring(&KeyHolder::Operator("acme")),
            accounts: account_file::parse(accounts).expect("is an account file"),
            gateway: None,
        };
        let outside = PartyDependencies {
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            http: Arc::new(HttpPeer::new(Duration::from_secs(10)).expect("the HTTP client starts")),
        };
        let operator = Operator::new(config, outside);
        let router = operator.router();
        let served = router.clone();
        tokio::spawn(async move { axum::serve(listener, served).await });
        Self { operator, router, url }
    }

    /// The dashboard's assertion that this number is its customer's.
    pub(crate) fn sign_assertion(&self, number: &str) -> String {
        let msisdn = Msisdn::parse(number).expect("is E.164");
        self.operator.assertion(vec![msisdn]).expect("signs")
    }

    /// Injects faults from now on, as the sandbox's `/faults` defines them; `{}` clears all.
    pub(crate) async fn inject_faults(&self, faults: &Value) {
        let request = Request::post("/faults").header("content-type", "application/json");
        let (status, text) = self.send_as_staff(request.body(Body::from(faults.to_string()))).await;
        assert_eq!(status, StatusCode::OK, "{text}");
    }

    /// The lines on the bills of these numbers.
    pub(crate) async fn read_bill_lines(&self, numbers: impl Iterator<Item = &str>) -> Vec<BilledLine> {
        let mut lines = Vec::new();
        for number in numbers {
            let bill = self.read_page(&format!("/bill?msisdn={}", number.replace('+', "%2B"))).await;
            lines.extend(bill["lines"].as_array().expect("has lines").iter().map(|line| BilledLine {
                transaction_id: line["transactionID"].as_str().expect("has an id").to_owned(),
                refund_id: line["refundID"].as_str().map(str::to_owned),
                msisdn: number.to_owned(),
                value: line["amount"]["value"].as_i64().expect("has an amount"),
            }));
        }
        lines
    }

    /// The SMS of these numbers.
    pub(crate) async fn read_sms(&self, numbers: impl Iterator<Item = &str>) -> Vec<String> {
        let mut texts = Vec::new();
        for number in numbers {
            let inbox = self.read_page(&format!("/sms?msisdn={}", number.replace('+', "%2B"))).await;
            let inbox = inbox.as_array().expect("is a list").iter();
            texts.extend(inbox.map(|message| message["text"].as_str().expect("is text").to_owned()));
        }
        texts
    }

    /// A page about a subscriber, as JSON.
    async fn read_page(&self, page: &str) -> Value {
        let request = Request::get(page).header("accept", "application/json").body(Body::empty());
        let (status, text) = self.send_as_staff(request).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        serde_json::from_str(&text).expect("is JSON")
    }

    /// A call of the operator's own staff, without the network.
    async fn send_as_staff(&self, request: http::Result<Request<Body>>) -> (StatusCode, String) {
        let request = request.expect("is a request");
        let answer = self.router.clone().oneshot(request).await.expect("routers do not fail");
        let status = answer.status();
        let body = to_bytes(answer.into_body(), usize::MAX).await.expect("is whole");
        (status, String::from_utf8(body.to_vec()).expect("is text"))
    }
}

/// Faults after which only billing knows whether the line exists, and faults that only delay.
pub(crate) fn billing_faults() -> [Value; 6] {
    [
        json!({"transaction": "error-after", "refund": "error-after"}),
        json!({"transaction": "hang"}),
        json!({"transaction": "hang-after", "refund": "hang-after"}),
        json!({"transaction": "garbage"}),
        json!({"transaction": "error-after", "transaction-status": "down"}),
        json!({"down": true}),
    ]
}
