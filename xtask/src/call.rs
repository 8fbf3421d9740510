//! `cargo xtask call`: one request to the OTT API by hand, signed as the sandbox partner signs its own.

use std::fs;
use std::io::{Write, stdout};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use onbill_domain::encoding::encode_base64url;
use onbill_domain::key::{KeyUse, Keyring};
use onbill_domain::signature::{
    ReceivedSignature, ResponseComponents, SIGNATURE, sign_request, verify_response,
};
use onbill_domain::timestamp::Timestamp;
use serde_json::Value;

use crate::arguments::CallArguments;
use crate::failure::{Context, Failure, Outcome};
use crate::system::LOCAL_FOLDER;
use crate::{http_client, keys};

/// Longer than the edge waits for the slowest origin.
const PATIENCE: Duration = Duration::from_secs(30);
/// The rest of an answer's headers are the server's own affairs.
const HEADERS_OF_INTEREST: [&str; 4] = ["content-type", "x-correlator", "retry-after", "location"];
/// 128 bits, which no two calls share.
const NONCE_BYTES: usize = 16;

/// Sends the call and prints the answer.
pub(crate) fn send(call: &CallArguments) -> Outcome {
    if !call.edge.starts_with("http://") {
        return Err(Failure::new(format!(
            "`call` is for the local system: it speaks http://, not {}",
            call.edge
        )));
    }
    let file = call.keys.clone().unwrap_or_else(default_keys);
    let text = fs::read_to_string(&file)
        .context(&format!("read {} (`cargo xtask dev` makes it, --keys names another)", file.display()))?;
    let keys = Keyring::parse(&text).context(&format!("use {}", file.display()))?;
    let request = sign_call(call, &keys, now(), &encode_base64url(&keys::random_secret()?[..NONCE_BYTES]))?;
    let answer = http_client::send_request(&request, PATIENCE)
        .context(&format!("call {} (is `cargo xtask dev` running?)", call.edge))?;
    let signer = find_signer(&request, &answer, &keys, now());
    // A reader that has seen enough (`| head`) is no failure.
    let _ = writeln!(stdout(), "{}", format_response(&answer, signer));
    Ok(())
}

fn default_keys() -> PathBuf {
    LOCAL_FOLDER.keys_dir().join(keys::partner_file("netflix"))
}

fn sign_call(call: &CallArguments, keys: &Keyring, now: Timestamp, nonce: &str) -> Outcome<Request<Bytes>> {
    let key = keys.keys_for_use(KeyUse::PartnerCall).last();
    let key = key.ok_or_else(|| Failure::new("the key file has no key of the use partner-call"))?;
    let body = call.body.clone().unwrap_or_default();
    let mut request = Request::builder()
        .method(call.method.as_str())
        .uri(format!("{}{}", call.edge.trim_end_matches('/'), call.path))
        .header("accept", "application/json");
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    let mut request = request.body(Bytes::from(body)).context("build that request")?;
    sign_request(&mut request, key, now, nonce).ok_or_else(|| {
        Failure::new("the key file has the public half only: who calls needs the private one")
    })?;
    Ok(request)
}

#[expect(clippy::disallowed_methods, reason = "a signature says when it was made")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Whose origin has signed the answer to this request.
fn find_signer<'k>(
    request: &Request<Bytes>,
    answer: &Response<Bytes>,
    keys: &'k Keyring,
    now: Timestamp,
) -> Option<&'k str> {
    let call = request.headers().get(SIGNATURE)?.to_str().ok()?;
    let content_type = answer.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let presented = ReceivedSignature::from_headers(answer.headers())?;
    let answer = ResponseComponents {
        status: answer.status().as_u16(),
        body: (answer.body(), content_type),
        request_signature: call,
    };
    let verified = verify_response(&answer, presented, keys, KeyUse::OriginToPartner, now).ok()?;
    Some(verified.key.party.as_str())
}

/// Status, the headers that matter, and the body, indented where it is JSON.
fn format_response(answer: &Response<Bytes>, signer: Option<&str>) -> String {
    let mut head = vec![answer.status().to_string()];
    if answer.status().is_success() {
        head.push(format!("signed by: {}", signer.unwrap_or("nobody (a partner must not act on it)")));
    }
    for name in HEADERS_OF_INTEREST {
        if let Some(value) = answer.headers().get(name) {
            head.push(format!("{name}: {}", value.to_str().unwrap_or("(not text)")));
        }
    }
    let body = match serde_json::from_slice::<Value>(answer.body()) {
        Ok(json) => format!("{json:#}"),
        Err(_) => String::from_utf8_lossy(answer.body()).into_owned(),
    };
    format!("{}\n\n{}", head.join("\n"), body.trim_end()).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use onbill_domain::signature::{RequestComponents, sign_response, verify_request};
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_000_000);

    fn call(body: Option<&str>) -> CallArguments {
        CallArguments {
            method: "POST".into(),
            path: "/ott/v1/transaction?x=1".into(),
            body: body.map(str::to_owned),
            edge: "http://127.0.0.1:8787/".into(),
            keys: None,
        }
    }

    #[test]
    fn the_edge_can_verify_what_call_signs() {
        let entry = json!([{"id": "n", "party": "partner:netflix", "use": "partner-call", "alg": "ed25519",
            "private": encode_base64url(&[3; 32])}]);
        let keys = Keyring::parse(&entry.to_string()).expect("is well formed");
        for body in [None, Some(r#"{"pai":"x"}"#)] {
            let request = sign_call(&call(body), &keys, NOW, "0123456789abcdef").expect("has a key");
            let target = RequestComponents {
                method: "POST",
                authority: "127.0.0.1:8787",
                path: "/ott/v1/transaction",
                query: "x=1",
                body: body.map(|body| (body.as_bytes(), "application/json")),
            };
            let presented = ReceivedSignature::from_headers(request.headers()).expect("is signed");
            assert!(verify_request(&target, presented, &keys, KeyUse::PartnerCall, NOW).is_ok());
        }
    }

    #[test]
    fn an_answer_shows_what_matters() {
        let answer = Response::builder()
            .status(409)
            .header("server", "x")
            .header("x-correlator", "c-1")
            .body(Bytes::from(r#"{"code":"token-already-used"}"#))
            .expect("is an answer");
        assert_eq!(
            format_response(&answer, None),
            "409 Conflict\nx-correlator: c-1\n\n{\n  \"code\": \"token-already-used\"\n}"
        );
    }

    #[test]
    fn a_success_says_who_has_signed_it() {
        let entry = json!([
            {"id": "n", "party": "partner:netflix", "use": "partner-call", "alg": "ed25519", "private": encode_base64url(&[3; 32])},
            {"id": "a", "party": "operator:acme", "use": "origin-to-partner", "alg": "hmac-sha256", "secret": encode_base64url(&[4; 32])},
        ]);
        let keys = Keyring::parse(&entry.to_string()).expect("is well formed");
        let request = sign_call(&call(Some("{}")), &keys, NOW, "0123456789abcdef").expect("has a key");
        let body = Bytes::from_static(b"{}");
        let answer = ResponseComponents {
            status: 201,
            body: (&body, "application/json"),
            request_signature: request.headers()[SIGNATURE].to_str().expect("is text"),
        };
        let key = keys.find(KeyUse::OriginToPartner, "a").expect("is there");
        let headers = sign_response(&answer, key, NOW, "0123456789abcdef").expect("signs");
        let answer = Response::builder()
            .status(201)
            .header("content-type", "application/json")
            .header("content-digest", headers.content_digest.expect("has a body"))
            .header("signature-input", headers.signature_input)
            .header("signature", headers.signature)
            .body(body)
            .expect("is an answer");
        let genuine = find_signer(&request, &answer, &keys, NOW);
        assert_eq!(genuine, Some("operator:acme"));
        assert!(format_response(&answer, genuine).contains("signed by: operator:acme"));
        let changed = answer.map(|_| Bytes::from_static(b"[]"));
        assert_eq!(find_signer(&request, &changed, &keys, NOW), None);
        assert!(format_response(&changed, None).contains("signed by: nobody"));
    }
}
