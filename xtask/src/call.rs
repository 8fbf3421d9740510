//! `cargo xtask call`: sends one request to the OTT API, signed with the key of the sandbox partner.

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
/// Response headers worth showing.
const SHOWN_HEADERS: [&str; 4] = ["content-type", "x-correlator", "retry-after", "location"];
/// 128 bits: no two calls get the same nonce.
const NONCE_BYTES: usize = 16;

/// Sends the call and prints the response.
pub(crate) fn send_call(call: &CallArguments) -> Outcome {
    if !call.edge.starts_with("http://") {
        return Err(Failure::new(format!(
            "`call` is for the local system: it speaks http://, not {}",
            call.edge
        )));
    }
    let file = call.keys.clone().unwrap_or_else(default_key_file);
    let text = fs::read_to_string(&file)
        .context(&format!("read {} (`cargo xtask dev` makes it, --keys names another)", file.display()))?;
    let keys = Keyring::parse(&text).context(&format!("use {}", file.display()))?;
    let request = sign_call(call, &keys, now(), &encode_base64url(&keys::random_secret()?[..NONCE_BYTES]))?;
    let response = http_client::send_request(&request, PATIENCE)
        .context(&format!("call {} (is `cargo xtask dev` running?)", call.edge))?;
    let signer = find_signer(&request, &response, &keys, now());
    // A reader that closes the pipe early (`| head`) is not an error.
    let _ = writeln!(stdout(), "{}", format_response(&response, signer));
    Ok(())
}

fn default_key_file() -> PathBuf {
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

/// Finds the operator whose origin signed the response to this request.
fn find_signer<'k>(
    request: &Request<Bytes>,
    response: &Response<Bytes>,
    keys: &'k Keyring,
    now: Timestamp,
) -> Option<&'k str> {
    let call = request.headers().get(SIGNATURE)?.to_str().ok()?;
    let content_type = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let presented = ReceivedSignature::from_headers(response.headers())?;
    let response = ResponseComponents {
        status: response.status().as_u16(),
        body: (response.body(), content_type),
        request_signature: call,
    };
    let verified = verify_response(&response, presented, keys, KeyUse::OriginToPartner, now).ok()?;
    Some(verified.key.party.as_str())
}

/// Formats status, shown headers and body; a JSON body is indented.
fn format_response(response: &Response<Bytes>, signer: Option<&str>) -> String {
    let mut head = vec![response.status().to_string()];
    if response.status().is_success() {
        head.push(format!("signed by: {}", signer.unwrap_or("nobody (a partner must not act on it)")));
    }
    for name in SHOWN_HEADERS {
        if let Some(value) = response.headers().get(name) {
            head.push(format!("{name}: {}", value.to_str().unwrap_or("(not text)")));
        }
    }
    let body = match serde_json::from_slice::<Value>(response.body()) {
        Ok(json) => format!("{json:#}"),
        Err(_) => String::from_utf8_lossy(response.body()).into_owned(),
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
    fn signed_call_verifies_at_the_edge() {
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
    fn response_shows_status_headers_and_body() {
        let response = Response::builder()
            .status(409)
            .header("server", "x")
            .header("x-correlator", "c-1")
            .body(Bytes::from(r#"{"code":"token-already-used"}"#))
            .expect("is an response");
        assert_eq!(
            format_response(&response, None),
            "409 Conflict\nx-correlator: c-1\n\n{\n  \"code\": \"token-already-used\"\n}"
        );
    }

    #[test]
    fn successful_response_names_its_signer() {
        let entry = json!([
            {"id": "n", "party": "partner:netflix", "use": "partner-call", "alg": "ed25519", "private": encode_base64url(&[3; 32])},
            {"id": "a", "party": "operator:acme", "use": "origin-to-partner", "alg": "hmac-sha256", "secret": encode_base64url(&[4; 32])},
        ]);
        let keys = Keyring::parse(&entry.to_string()).expect("is well formed");
        let request = sign_call(&call(Some("{}")), &keys, NOW, "0123456789abcdef").expect("has a key");
        let body = Bytes::from_static(b"{}");
        let response = ResponseComponents {
            status: 201,
            body: (&body, "application/json"),
            request_signature: request.headers()[SIGNATURE].to_str().expect("is text"),
        };
        let key = keys.find(KeyUse::OriginToPartner, "a").expect("is there");
        let headers = sign_response(&response, key, NOW, "0123456789abcdef").expect("signs");
        let response = Response::builder()
            .status(201)
            .header("content-type", "application/json")
            .header("content-digest", headers.content_digest.expect("has a body"))
            .header("signature-input", headers.signature_input)
            .header("signature", headers.signature)
            .body(body)
            .expect("is an response");
        let genuine = find_signer(&request, &response, &keys, NOW);
        assert_eq!(genuine, Some("operator:acme"));
        assert!(format_response(&response, genuine).contains("signed by: operator:acme"));
        let changed = response.map(|_| Bytes::from_static(b"[]"));
        assert_eq!(find_signer(&request, &changed, &keys, NOW), None);
        assert!(format_response(&changed, None).contains("signed by: nobody"));
    }
}
