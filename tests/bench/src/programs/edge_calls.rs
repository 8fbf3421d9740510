//! The partner's calls to the edge, and the origin behind it that answers each of them at once.

use super::constant_server::{ConstantServer, json_response};
use super::keys::OPERATOR;
use super::program::Program;
use super::worker::Worker;
use crate::bench::Bench;
use crate::measure::HttpLoad;
use anyhow::Result;
use bytes::Bytes;
use http::{Request, StatusCode};
use onbill_domain::digest::sha256;
use onbill_domain::pai::Pai;
use serde_json::{Value, json};
use std::sync::Arc;

/// Concurrent calls: a partner's pool of connections. The runtime works on one core, and this keeps it busy.
const CONNECTIONS: usize = 32;

const PATH_OF_TOKEN: &str = "/ott/v1/token/validate";
const PATH_OF_CHARGE: &str = "/ott/v1/transaction";

/// Which of the partner's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EdgeCall {
    TokenCheck,
    Charge,
}

/// An origin that answers both calls with a success, signed as a real one's response is.
pub(crate) async fn start_origin_stub() -> Result<ConstantServer> {
    let token = json!({"pai": pai_of(1).to_string(), "operator": OPERATOR, "offer": "netflix-standard", "status": "ACTIVE",
        "type": "postpaid", "locale": "en", "returnURL": "https://pay.example/return/1"});
    let charge = json!({"transactionID": "0192a6c4-7c1e-7000-8000-000000000001", "extTransactionID": "n-1",
        "status": "APPROVED", "rawResult": {"scope": "billing", "rawCode": "00"}});
    let answer = move |request: &Request<Bytes>| {
        let is_token = request.uri().path() == PATH_OF_TOKEN;
        let mut response = if is_token { json_response(200, &token) } else { json_response(201, &charge) };
        for (name, value) in SIGNED_RESPONSE {
            response.headers_mut().insert(name, http::HeaderValue::from_static(value));
        }
        response
    };
    ConstantServer::start(Arc::new(answer)).await
}

/// Headers of the usual length. Nothing here verifies them: that is the partner's part.
const SIGNED_RESPONSE: [(&str, &str); 3] = [
    ("content-digest", "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
    (
        "signature-input",
        "sig1=(\"@status\" \"content-digest\" \"content-type\" \"signature\";req;key=\"sig1\");created=1795000000;\
         nonce=\"00000000000000000000000000000000\";keyid=\"acme-netflix-origin-to-partner-1\";tag=\"onbill-answer\"",
    ),
    ("signature", "sig1=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
];

/// Starts a worker and prepares this load for it.
pub(crate) async fn start_load<'b>(
    bench: &'b Bench,
    worker: Worker,
    call: EdgeCall,
    origin: &ConstantServer,
) -> Result<(Program, HttpLoad<'b>)> {
    let mut program = worker.spawn(bench, origin.address)?;
    program.wait_until_listening().await?;
    let authority = program.address.to_string();
    let make_requests = move |count| (0..count).map(|_| sign_call(bench, &authority, call)).collect();
    let expected = if call == EdgeCall::TokenCheck { StatusCode::OK } else { StatusCode::CREATED };
    let target = (program.address, program.tree());
    Ok((program, HttpLoad::new(target, CONNECTIONS, expected, Box::new(make_requests))))
}

fn sign_call(bench: &Bench, authority: &str, call: EdgeCall) -> Result<Request<Bytes>> {
    let id = bench.keys.unique_id();
    let pai = Pai::from_random(sha256(id.as_bytes()).first_chunk().copied().unwrap_or_default());
    let (path, body) = match call {
        EdgeCall::TokenCheck => {
            let token = bench.keys.sign_signup_token(pai)?;
            (PATH_OF_TOKEN, json!({"token": token, "extReference": id}))
        }
        EdgeCall::Charge => (PATH_OF_CHARGE, charge_body(&id, &pai.to_string(), 0)),
    };
    bench.keys.sign_partner_call(authority, path, &body)
}

/// A month of one subscriber, so many months after December 2026: each is charged once.
pub(crate) fn charge_body(id: &str, pai: &str, months: usize) -> Value {
    let (year, month) = (2026 + months.div_ceil(12), (11 + months) % 12 + 1);
    json!({"extTransactionID": id, "pai": pai, "amount": {"value": 1599, "currency": "USD"},
        "description": "Netflix Standard", "servicePeriod":
            {"from": format!("{year}-{month:02}-01"), "to": format!("{year}-{month:02}-28")}})
}

fn pai_of(byte: u8) -> Pai {
    Pai::from_random([byte; 16])
}
