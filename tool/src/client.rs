//! One HTTP call over http or https. Redirects are not followed: a signature is for one address.
//! The machine's own roots decide about certificates; `SSL_CERT_FILE` names another file of them.

use crate::connection::{check_roots_file, explain, explain_body};
use anyhow::{Context as _, anyhow, bail};
use bytes::{Bytes, BytesMut};
use http::{Request, Response, Uri};
use std::time::Duration;

/// Far more than any response of onbill, and little enough for a terminal.
const BODY_BYTES_MAX: usize = 1024 * 1024;

pub(crate) struct Client(reqwest::Client);

impl Client {
    /// A client whose calls end after `patience`.
    pub(crate) fn new(patience: Duration) -> anyhow::Result<Self> {
        check_roots_file()?;
        // A process has one TLS provider, so a second attempt to install the same one is not an error.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(patience)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .context("start the HTTP client")?;
        Ok(Self(client))
    }

    pub(crate) async fn send(&self, request: Request<Bytes>) -> anyhow::Result<Response<Bytes>> {
        let request = reqwest::Request::try_from(request).context("build the request")?;
        let server = request.url().origin().ascii_serialization();
        let answer = self.0.execute(request).await;
        let mut answer = answer.map_err(|error| anyhow!("{server}: {}", explain(&error)))?;
        let mut response = Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        let mut body = BytesMut::new();
        while let Some(chunk) =
            answer.chunk().await.map_err(|error| anyhow!("{server}: {}", explain_body(&error)))?
        {
            if body.len() + chunk.len() > BODY_BYTES_MAX {
                bail!("the response is larger than {BODY_BYTES_MAX} bytes");
            }
            body.extend_from_slice(&chunk);
        }
        response.body(body.freeze()).context("read the response")
    }
}

/// The address of a path below a base, or of an absolute URL, in the spelling in which it is sent:
/// what is signed must be what the server sees.
pub(crate) fn address(base: &str, path: &str) -> anyhow::Result<Uri> {
    let is_absolute = path.starts_with("http://") || path.starts_with("https://");
    let text = if is_absolute {
        path.to_owned()
    } else if path.starts_with('/') {
        format!("{}{path}", base.trim_end_matches('/'))
    } else {
        bail!("the path must begin with /, not {path:?}");
    };
    let url = reqwest::Url::parse(&text)
        .with_context(|| format!("{text} is no URL: it must begin with http:// or https://"))?;
    if !matches!(url.scheme(), "http" | "https") {
        bail!("the address must begin with http:// or https://: {text}");
    }
    let uri: Uri = url.as_str().parse().with_context(|| format!("{text} is no address"))?;
    // A password in an address would be sent, and is never wanted here.
    if uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
        bail!("the address must name a host, without a user");
    }
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn error_names_the_server() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("is free");
        let address = listener.local_addr().expect("has one");
        drop(listener);
        let request = Request::get(format!("http://{address}/path?a=b")).body(Bytes::new());
        let client = Client::new(Duration::from_secs(5)).expect("starts");
        let error = client.send(request.expect("is one")).await.expect_err("is not reached");
        let refused = "the connection was refused: start your server, or correct the address";
        assert_eq!(error.to_string(), format!("http://{address}: {refused}"));
    }

    #[test]
    fn address_is_what_the_server_sees() {
        for (base, path, uri) in [
            ("https://Pay.example.com:443/", "/ott/v1/x?a=b", "https://pay.example.com/ott/v1/x?a=b"),
            ("http://127.0.0.1:8787", "/ott/v1/a%2fb", "http://127.0.0.1:8787/ott/v1/a%2fb"),
            ("http://127.0.0.1:8787", "https://a.example/b c", "https://a.example/b%20c"),
        ] {
            assert_eq!(address(base, path).expect("is one").to_string(), uri);
        }
        for (base, path) in
            [("https://a.example", "ott"), ("ftp://a.example", "/"), ("https://u:p@a.example", "/")]
        {
            assert!(address(base, path).is_err(), "{base} {path}");
        }
    }
}
