//! A minimal HTTP/1.1 client for programs on this machine: one request per connection, without TLS, redirects or
//! connection reuse.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};

/// No program of the local system sends more headers than this.
const HEADERS_MAX: usize = 64;

/// Whether the program at this base URL answers `/healthz` with 200.
pub(crate) fn is_healthy(base_url: &str) -> bool {
    let request = Request::get(format!("{base_url}/healthz")).body(Bytes::new());
    request.is_ok_and(|request| {
        send_request(&request, Duration::from_secs(2)).is_ok_and(|response| response.status() == 200)
    })
}

/// Sends a request with an absolute http URI. `timeout` applies to each network operation, not to all of them together.
pub(crate) fn send_request(request: &Request<Bytes>, timeout: Duration) -> io::Result<Response<Bytes>> {
    let (Some("http"), Some(authority)) = (request.uri().scheme_str(), request.uri().authority()) else {
        return Err(io::Error::other("only plain http:// addresses can be called"));
    };
    let address = (authority.host(), authority.port_u16().unwrap_or(80)).to_socket_addrs()?.next();
    let address = address.ok_or_else(|| io::Error::other("the address names no machine"))?;
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    stream.write_all(&encode_head(request, authority.as_str()))?;
    stream.write_all(request.body())?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response)?;
    parse_response(&response).ok_or_else(|| io::Error::other("the response is not HTTP"))
}

fn encode_head(request: &Request<Bytes>, authority: &str) -> Vec<u8> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let method = request.method();
    let length = match request.body().len() {
        0 => String::new(),
        length => format!("content-length: {length}\r\n"),
    };
    let head = format!("{method} {target} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n{length}");
    let mut head = head.into_bytes();
    for (name, value) in request.headers() {
        head.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    head.extend(b"\r\n");
    head
}

fn parse_response(response: &[u8]) -> Option<Response<Bytes>> {
    let end = response.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = (std::str::from_utf8(&response[..end]).ok()?, &response[end + 4..]);
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?;
    let mut response = Response::builder().status(StatusCode::from_bytes(status.as_bytes()).ok()?);
    let mut chunked = false;
    for line in lines.take(HEADERS_MAX) {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = HeaderValue::from_str(value.trim()).ok()?;
        chunked |= name == http::header::TRANSFER_ENCODING && value == "chunked";
        response = response.header(name, value);
    }
    let body = if chunked { decode_chunked(body)? } else { body.to_vec() };
    response.body(body.into()).ok()
}

/// Decodes the chunked transfer coding (RFC 9112 §7.1); trailers are dropped.
fn decode_chunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).ok()?.split(';').next()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        let chunk = rest.get(end + 2..)?.get(..size)?;
        body.extend_from_slice(chunk);
        rest = rest.get(end + 2 + size..)?.strip_prefix(b"\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn chunked_response_is_joined() {
        let response = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nx-correlator: c\r\n\r\n3\r\n{\"a\r\n4;x=y\r\n\":1}\r\n0\r\n\r\n";
        let response = parse_response(response).expect("is HTTP");
        assert_eq!(
            (response.status().as_u16(), &response.headers()["x-correlator"]),
            (201, &"c".parse().expect("is text"))
        );
        assert_eq!(&response.body()[..], b"{\"a\":1}");
        assert!(
            parse_response(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc").is_none(),
            "cut short"
        );
        assert!(parse_response(b"SSH-2.0-OpenSSH\r\n\r\n").is_none());
    }

    #[test]
    fn request_arrives_as_it_was_built() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("has a port");
        let url = format!("http://{}/a?b=c", listener.local_addr().expect("is bound"));
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("is called");
            let mut seen = Vec::new();
            while !seen.ends_with(b"hello") {
                let mut byte = [0];
                stream.read_exact(&mut byte).expect("the request is not over");
                seen.extend(byte);
            }
            stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno").expect("is read");
            String::from_utf8(seen).expect("is text")
        });
        let request =
            Request::post(url).header("x-test", "1").body(Bytes::from("hello")).expect("is a request");
        let response = send_request(&request, Duration::from_secs(5)).expect("answers");
        assert_eq!((response.status().as_u16(), &response.body()[..]), (404, &b"no"[..]));
        let seen = server.join().expect("ends");
        assert!(seen.starts_with("POST /a?b=c HTTP/1.1\r\nhost: 127.0.0.1:"), "{seen}");
        assert!(seen.contains("\r\ncontent-length: 5\r\n") && seen.contains("\r\nx-test: 1\r\n"), "{seen}");
    }
}
