//! Tests against a party that drops or forgets kept connections, byte by byte on a real socket.

use super::{CspClient, HttpPeer, SignedClient, Unclear};
use crate::ambient::{SystemClock, SystemRandom};
use crate::instruments::Instruments;
use onbill_domain::currency::Currency;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::encoding::encode_base64url;
use onbill_domain::ids::{ExtId, OperatorId, PartnerId};
use onbill_domain::key::Keyring;
use onbill_domain::money::Money;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::wire::csp::{
    AccountValidateRequest, BillChargeRequest, BillRefundRequest, BillingDecision, ChargeKind,
};
use serde_json::json;
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const DEADLINE: Duration = Duration::from_secs(2);

/// What the party does with the second request of each connection, after it has acted on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Second {
    Close,
    Swallow,
    Answer,
}

/// The operator's systems.
struct Party {
    second: Second,
    /// Whether a charge is known whose post was not answered.
    keeps_charges: bool,
    connections: AtomicUsize,
    /// The first line and the `signature-input` of each request.
    requests: Mutex<Vec<(String, String)>>,
}

impl Party {
    async fn start(second: Second, keeps_charges: bool) -> (Arc<Self>, CspClient) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there are ports");
        let address = listener.local_addr().expect("has one");
        let party = Arc::new(Self {
            second,
            keeps_charges,
            connections: AtomicUsize::new(0),
            requests: Mutex::default(),
        });
        let serving = Arc::clone(&party);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(Arc::clone(&serving).serve(stream));
            }
        });
        let secret = encode_base64url(&[1; 32]);
        let ring = json!([{"id": "k", "party": "operator:acme", "use": "origin-to-bss", "alg": "hmac-sha256", "secret": secret}]);
        let keys = Arc::new(Keyring::parse(&ring.to_string()).expect("is well formed"));
        let peer = Arc::new(HttpPeer::new(DEADLINE).expect("starts"));
        let clock = Arc::new(SystemClock);
        let instruments = Instruments::new(clock.clone());
        let client = SignedClient::new(keys, peer, clock, Arc::new(SystemRandom));
        let acme = OperatorId::parse("acme").expect("is a slug");
        (party, CspClient::new(&format!("http://{address}"), &acme, client, instruments))
    }

    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        let mut count = 0;
        while let Some(request) = read_request(&mut stream).await {
            count += 1;
            let line = request.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
            let input = request.lines().find(|line| line.starts_with("signature-input:")).unwrap_or_default();
            let answer = self.answer(&line);
            self.requests.lock().expect("is whole").push((line, input.to_owned()));
            match self.second {
                Second::Close if count == 2 => return,
                Second::Swallow if count == 2 => std::future::pending().await,
                _ => stream.write_all(answer.as_bytes()).await.expect("is read"),
            }
        }
    }

    fn answer(&self, line: &str) -> String {
        let (status, body) = match line {
            "POST /account/validate" => {
                ("200 OK", r#"{"status":"ACTIVE","type":"postpaid","subscriberID":"s"}"#)
            }
            "GET /transaction/t" if !self.has_seen("POST /transaction") || !self.keeps_charges => {
                ("404 Not Found", r#"{"code":"transaction-not-found"}"#)
            }
            _ => ("201 Created", r#"{"status":"APPROVED"}"#),
        };
        let status =
            if line.starts_with("GET") { status.replace("201 Created", "200 OK") } else { status.to_owned() };
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    fn lines(&self) -> Vec<String> {
        self.requests.lock().expect("is whole").iter().map(|(line, _)| line.clone()).collect()
    }

    fn has_seen(&self, line: &str) -> bool {
        self.lines().iter().any(|seen| seen == line)
    }
}

/// Reads head and body; `None` at the end of the connection.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().expect("is a number")) {
                return Some(text.into_owned());
            }
        }
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
}

fn sample_msisdn() -> Msisdn {
    Msisdn::parse("+12025550101").expect("is E.164")
}

fn sample_question() -> AccountValidateRequest {
    AccountValidateRequest {
        msisdn: sample_msisdn(),
        partner: None,
        offer: None,
        amount: None,
        purpose: None,
    }
}

fn sample_amount() -> Money {
    Money { amount_minor: 1599, currency: Currency::parse("USD").expect("is listed") }
}

fn sample_partner() -> PartnerId {
    PartnerId::parse("netflix").expect("is a slug")
}

fn sample_charge() -> BillChargeRequest {
    let day = |day: &str| Day::parse(day).expect("is a day");
    BillChargeRequest {
        transaction_id: "t".to_owned(),
        msisdn: sample_msisdn(),
        amount: sample_amount(),
        description: "Netflix".to_owned(),
        service_period: ServicePeriod::new(day("2027-01-01"), day("2027-01-31")).expect("is one"),
        partner: sample_partner(),
        ext_transaction_id: ExtId::parse("n").expect("is an id"),
        subscriber_id: "s".to_owned(),
        offer: None,
        plan: None,
        charge_code: None,
        tax: None,
        kind: ChargeKind::Subscription,
    }
}

#[tokio::test]
async fn look_up_is_repeated_on_a_fresh_connection() {
    let (party, csp) = Party::start(Second::Close, false).await;
    for n in 0..6 {
        let account = csp.look_up_account(&sample_question()).await;
        assert!(account.is_ok_and(|account| account.is_some()), "{n}");
    }
    assert_eq!(csp.look_up_charge("t").await, Ok(None));
    let requests = party.requests.lock().expect("is whole").clone();
    let signatures: HashSet<_> = requests.iter().map(|(_, input)| input.clone()).collect();
    assert_eq!(signatures.len(), requests.len(), "each has a nonce of its own");
    assert!(requests.len() > 7, "some were repeated");
}

#[tokio::test]
async fn dropped_charge_is_looked_up_before_it_is_repeated() {
    for (keeps_charges, posts) in [(false, 2), (true, 1)] {
        let (party, csp) = Party::start(Second::Close, keeps_charges).await;
        assert!(csp.look_up_account(&sample_question()).await.is_ok());
        let billed = csp.submit_charge(&sample_charge()).await.expect("is clear");
        assert_eq!(billed.status, BillingDecision::Approved);
        let mut expected = vec!["POST /account/validate", "POST /transaction", "GET /transaction/t"];
        expected.extend(vec!["POST /transaction"; posts - 1]);
        assert_eq!(party.lines(), expected, "keeps charges: {keeps_charges}");
    }
}

#[tokio::test]
async fn dropped_refund_is_repeated_under_its_id() {
    let (party, csp) = Party::start(Second::Close, false).await;
    assert!(csp.look_up_account(&sample_question()).await.is_ok());
    let refund = BillRefundRequest {
        refund_id: "r".to_owned(),
        transaction_id: "t".to_owned(),
        amount: sample_amount(),
        partner: sample_partner(),
        charge_code: None,
        tax: None,
    };
    assert!(csp.submit_refund(&refund).await.is_ok());
    assert_eq!(party.lines(), ["POST /account/validate", "POST /refund", "POST /refund"]);
}

#[tokio::test]
async fn dropped_sms_is_never_repeated() {
    let (party, csp) = Party::start(Second::Close, false).await;
    assert!(csp.look_up_account(&sample_question()).await.is_ok());
    assert_eq!(csp.send_sms(&sample_msisdn(), "Hello").await, Err(Unclear));
    assert_eq!(party.lines(), ["POST /account/validate", "POST /notification"]);
}

#[tokio::test]
async fn swallowed_look_up_does_not_wait_for_its_deadline() {
    let (party, csp) = Party::start(Second::Swallow, false).await;
    assert!(csp.look_up_account(&sample_question()).await.is_ok());
    let asked_at = tokio::time::Instant::now();
    assert!(csp.look_up_account(&sample_question()).await.is_ok());
    assert!(asked_at.elapsed() < DEADLINE, "it is answered on another connection");
    assert_eq!(party.connections.load(Ordering::SeqCst), 2);
    // A post is not asked twice, because it may be under way.
    assert!(csp.look_up_account(&sample_question()).await.is_ok());
    assert_eq!(csp.submit_charge(&sample_charge()).await, Err(Unclear));
    assert_eq!(party.lines().iter().filter(|line| *line == "POST /transaction").count(), 1);
}

#[tokio::test]
async fn idle_connection_is_not_used_again() {
    let (party, csp) = Party::start(Second::Answer, false).await;
    for _ in 0..2 {
        assert!(csp.look_up_account(&sample_question()).await.is_ok());
    }
    assert_eq!(party.connections.load(Ordering::SeqCst), 1, "calls in a row share a connection");
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert!(csp.look_up_account(&sample_question()).await.is_ok());
    assert_eq!(party.connections.load(Ordering::SeqCst), 2);
}
