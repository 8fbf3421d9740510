//! A `GET` over a connection of its own, for pages that are larger than the bodies of calls.

use http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Status and body; `None` when nothing, or no HTTP, answers at this host and port.
pub async fn get_page(address: &str, path: &str) -> Option<(StatusCode, String)> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await.ok()?;
    let (head, body) = response.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((StatusCode::from_u16(status).ok()?, body.to_owned()))
}
