//! `onbill call`: one signed call, and its response.

use crate::client::{Client, address};
use crate::exit;
use crate::signer::{KeyOptions, ResponseSigner, Signer, signed_base};
use anyhow::{Context as _, bail};
use bytes::Bytes;
use clap::Args;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use serde_json::Value;
use std::io::{Read as _, Write as _, stdin, stdout};
use std::process::ExitCode;
use std::time::Duration;

/// Response headers worth showing.
const SHOWN_HEADERS: [&str; 4] = ["content-type", "x-correlator", "retry-after", "location"];

#[derive(Args)]
pub(crate) struct Arguments {
    /// GET, POST or PUT.
    method: String,
    /// The path with its query, such as /ott/v1/transaction/mine-1, or a whole URL.
    path: String,
    /// The body: JSON, @FILE, or @- for the standard input.
    #[arg(short, long, value_name = "JSON")]
    data: Option<String>,
    /// A header field, such as "x-correlator: mine". May be repeated.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// The address of the edge, or for an operator of its origin.
    #[arg(
        long,
        visible_alias = "edge",
        value_name = "URL",
        env = "ONBILL_URL",
        default_value = "http://127.0.0.1:8787"
    )]
    url: String,
    #[command(flatten)]
    keys: KeyOptions,
    /// Print the signature base and the signature too.
    #[arg(long)]
    show_base: bool,
    /// Seconds to wait for the response. The edge waits for less.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
}

impl Arguments {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let signer = Signer::read(&self.keys)?;
        let mut request = self.build_request()?;
        signer.sign(&mut request)?;
        if self.show_base {
            print_signature(&request);
        }
        let headers = request.headers().clone();
        let operator = operator_of(&request);
        let response = Client::new(Duration::from_secs(self.timeout))?.send(request).await;
        let response = response.with_context(|| format!("call {}", self.url))?;
        let mut signed_by = signer.response_signer(&headers, &response);
        if let Some(operator) = &operator {
            signed_by = signed_by.for_operator(operator);
        }
        // A reader that closes the pipe early (`| head`) is not an error.
        let _ = writeln!(stdout(), "{}", format_response(&response, signed_by));
        if response.status().is_success() && signed_by.is_refused() {
            return Ok(exit::unsigned_success());
        }
        Ok(exit::of_status(response.status()))
    }

    fn build_request(&self) -> anyhow::Result<Request<Bytes>> {
        let method = Method::from_bytes(self.method.to_uppercase().as_bytes()).context("read the method")?;
        let body = read_body(self.data.as_deref())?;
        let mut request = Request::builder().method(method).uri(address(&self.url, &self.path)?);
        if let Some(headers) = request.headers_mut() {
            headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
            if !body.is_empty() {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            }
            for header in &self.headers {
                let (name, value) =
                    header.split_once(':').with_context(|| format!("{header:?} has no colon"))?;
                let name: HeaderName =
                    name.trim().parse().with_context(|| format!("{name:?} is no header"))?;
                headers.insert(name, HeaderValue::from_str(value.trim()).context("read a header's value")?);
            }
        }
        request.body(body).context("build the request")
    }
}

/// The operator that a call names in its query or in its body. One that names none is about a PAI or a
/// charge, whose operator only the caller knows.
fn operator_of(request: &Request<Bytes>) -> Option<String> {
    // An operator's id has no character that would be escaped.
    let mut pairs = request.uri().query().unwrap_or_default().split('&');
    if let Some(operator) = pairs.find_map(|pair| pair.strip_prefix("operator=")) {
        return Some(operator.to_owned());
    }
    let body: Value = serde_json::from_slice(request.body()).ok()?;
    Some(body.get("operator")?.as_str()?.to_owned())
}

fn read_body(data: Option<&str>) -> anyhow::Result<Bytes> {
    let Some(data) = data else { return Ok(Bytes::new()) };
    match data.strip_prefix('@') {
        None => Ok(Bytes::copy_from_slice(data.as_bytes())),
        Some("-") => {
            let mut body = Vec::new();
            stdin().read_to_end(&mut body).context("read the standard input")?;
            Ok(body.into())
        }
        Some("") => bail!("-d @ needs the name of a file"),
        Some(file) => Ok(std::fs::read(file).with_context(|| format!("read {file}"))?.into()),
    }
}

fn print_signature(request: &Request<Bytes>) {
    eprintln!("-- signature base (no newline at its end)\n{}", signed_base(request).unwrap_or_default());
    eprintln!("-- header fields");
    for name in ["content-digest", "signature-input", "signature"] {
        if let Some(value) = request.headers().get(name) {
            eprintln!("{name}: {}", value.to_str().unwrap_or_default());
        }
    }
    eprintln!("--");
}

/// Formats status, shown headers and body; a JSON body is indented.
fn format_response(response: &Response<Bytes>, signed_by: ResponseSigner<'_>) -> String {
    let mut head = vec![response.status().to_string()];
    if response.status().is_success() {
        match signed_by {
            ResponseSigner::Party(party) => head.push(format!("signed by: {party}")),
            ResponseSigner::Other(party) => {
                head.push(format!("signed by: {party} (not the operator of this call: do not act on it)"));
            }
            ResponseSigner::Unverified => {
                head.push("signed by: no one (a partner must not act on it)".to_owned());
            }
            ResponseSigner::NotExpected => {}
        }
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

    #[test]
    fn response_shows_status_headers_and_body() {
        let response = Response::builder()
            .status(409)
            .header("server", "x")
            .header("x-correlator", "c-1")
            .body(Bytes::from(r#"{"code":"token-already-used"}"#))
            .expect("is a response");
        assert_eq!(
            format_response(&response, ResponseSigner::Unverified),
            "409 Conflict\nx-correlator: c-1\n\n{\n  \"code\": \"token-already-used\"\n}"
        );
    }

    #[test]
    fn success_says_who_signed_it() {
        let response = Response::new(Bytes::new());
        for (signer, text) in [
            (ResponseSigner::Party("operator:acme"), "200 OK\nsigned by: operator:acme"),
            (
                ResponseSigner::Party("operator:nova").for_operator("acme"),
                "200 OK\nsigned by: operator:nova (not the operator of this call: do not act on it)",
            ),
            (ResponseSigner::Unverified, "200 OK\nsigned by: no one (a partner must not act on it)"),
            (ResponseSigner::NotExpected, "200 OK"),
        ] {
            assert_eq!(format_response(&response, signer), text);
        }
    }
    #[test]
    fn call_names_its_operator_in_query_or_body() {
        for (target, body, operator) in [
            ("/ott/v1/transaction/mine-1?operator=acme", "", Some("acme")),
            ("/ott/v1/pin", r#"{"msisdn":"+12025550101","operator":"nova"}"#, Some("nova")),
            ("/ott/v1/transaction", r#"{"pai":"p"}"#, None),
            ("/ott/v1/transaction/mine-1", "", None),
        ] {
            let request = Request::post(format!("https://pay.example.com{target}")).body(Bytes::from(body));
            assert_eq!(operator_of(&request.expect("is a request")).as_deref(), operator, "{target}");
        }
        let signed = ResponseSigner::Party("operator:acme");
        assert_eq!(signed.for_operator("acme"), signed);
        assert!(!signed.is_refused() && signed.for_operator("nova").is_refused());
        assert_eq!(ResponseSigner::NotExpected.for_operator("acme"), ResponseSigner::NotExpected);
    }
}
