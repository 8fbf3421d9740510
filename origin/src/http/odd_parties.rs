//! Tests against parties that answer late, redirect, or have a certificate that does not fit, on real sockets.

use super::{HttpPeer, Peer, Unreachable};
use bytes::Bytes;
use http::{Request, StatusCode};
use onbill_domain::encoding::decode_base64;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// The deadline of the tests. That of the CSP API and of webhooks is longer, by the same rule.
const DEADLINE: Duration = Duration::from_millis(500);
const LATE: Duration = Duration::from_millis(700);

/// A certificate for `other.example` that it has signed itself, and its key. They are used here only.
const CERTIFICATE: &str = "MIIBoTCCAUegAwIBAgIURZlOMhTseFx5roVSZJD5p6nn/6IwCgYIKoZIzj0EAwIwGDEWMBQGA1UEAwwNb3RoZXIuZXhhbXBsZTAg\
    Fw0yNjExMzAxNTAwMjNaGA8yMTI2MTEwNjE1MDAyM1owGDEWMBQGA1UEAwwNb3RoZXIuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqG\
    SM49AwEHA0IABKfIyRzADnrpJHTtfm7Vn3BMWh/95duusGluHoLKt+55uQCIlxqXPz8wE4T1kmXdUqiWTYP/veX/q76q6Dq4Nv6j\
    bTBrMB0GA1UdDgQWBBSx1BGtUOjIeilt6rQDhQA4zqDKUzAfBgNVHSMEGDAWgBSx1BGtUOjIeilt6rQDhQA4zqDKUzAPBgNVHRMB\
    Af8EBTADAQH/MBgGA1UdEQQRMA+CDW90aGVyLmV4YW1wbGUwCgYIKoZIzj0EAwIDSAAwRQIgFJfjfJaJ6ULx0AR/HqAK7MCx8iWl\
    6oNddvg9rKpVvo4CIQDkWERdpXVfCB5Lj01Olf12iaXAF/hUG+Mca1xRQZ8rFg==";
const PRIVATE_KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8kdbbZfPfJTPKKQAQjgfH1n4VzKObni1AZHwIEKjpbihRANCAASn\
    yMkcwA566SR07X5u1Z9wTFof/eXbrrBpbh6CyrfuebkAiJcalz8/MBOE9ZJl3VKolk2D/73l/6u+qug6uDb+";

/// A party that gives this response to each call after a pause, and counts the calls.
async fn start_party(pause: Duration, response: String) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there are ports");
    let (address, calls) = (listener.local_addr().expect("has one"), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&calls);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (counted, response) = (Arc::clone(&counted), response.clone());
            tokio::spawn(async move {
                let mut head = [0; 4096];
                if stream.read(&mut head).await.is_ok_and(|read| read > 0) {
                    counted.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(pause).await;
                    // The caller may have gone away.
                    let _ = stream.write_all(response.as_bytes()).await;
                }
            });
        }
    });
    (address, calls)
}

async fn get(url: String) -> Result<StatusCode, Unreachable> {
    let request = Request::get(url).body(Bytes::new()).expect("is a request");
    HttpPeer::new(DEADLINE).expect("starts").send(request).await.map(|response| response.status())
}

fn ok() -> String {
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_owned()
}

#[tokio::test]
async fn response_after_the_deadline_is_none() {
    let (in_time, _) = start_party(Duration::ZERO, ok()).await;
    assert_eq!(get(format!("http://{in_time}/")).await, Ok(StatusCode::OK));
    let (late, calls) = start_party(LATE, ok()).await;
    assert_eq!(get(format!("http://{late}/")).await, Err(Unreachable));
    assert_eq!(calls.load(Ordering::SeqCst), 1, "it is for the caller to repeat a call");
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let (elsewhere, followed) = start_party(Duration::ZERO, ok()).await;
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let redirect =
            format!("HTTP/1.1 {status}\r\nlocation: http://{elsewhere}/\r\ncontent-length: 0\r\n\r\n");
        let (party, _) = start_party(Duration::ZERO, redirect).await;
        let seen = get(format!("http://{party}/")).await.map(|status| status.to_string());
        assert_eq!(seen.as_deref(), Ok(status));
    }
    assert_eq!(followed.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn call_ends_before_it_is_sent_where_the_certificate_does_not_fit() {
    // The client installs the TLS provider of the process.
    let peer = HttpPeer::new(Duration::from_secs(5)).expect("starts");
    let bytes = |text: &str| decode_base64(text).expect("is base64");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(bytes(PRIVATE_KEY)));
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(bytes(CERTIFICATE))], key)
        .expect("key and certificate fit");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there are ports");
    let port = listener.local_addr().expect("has one").port();
    let party = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("is called");
        TlsAcceptor::from(Arc::new(config)).accept(stream).await.map(|_| ())
    });
    let request =
        Request::get(format!("https://localhost:{port}/")).body(Bytes::new()).expect("is a request");
    assert_eq!(peer.send(request).await.map(|response| response.status()), Err(Unreachable));
    let refused = party.await.expect("ends").expect_err("no call came").to_string();
    assert!(refused.contains("alert") || refused.contains("eof"), "{refused}");
}
