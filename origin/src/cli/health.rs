//! `health`: asks the running origin whether it is ready.

use super::opening::load_config;
use super::output::print_line;
use super::verb_outcome::VerbOutcome;
use anyhow::Context as _;
use bytes::Bytes;
use clap::Args;
use http::{Request, StatusCode};
use onbill_origin::config::AdminListen;
use onbill_origin::http::{HttpPeer, Peer as _};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

/// A ready origin answers at once, and who checks the health of a container waits for some seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ask the origin on this machine whether it is ready, as the health check of a container does.
///
/// It calls /readyz at the address in `admin_listen`, or in `listen` if that is "off" or absent. Exit code 0 when
/// it is ready, 1 when it is not, and says why, or does not answer.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let (config, _) = load_config(config)?;
        let peer = HttpPeer::new(PATIENCE).context("the HTTP client does not start")?;
        let listener = reachable_address(own_listener(config.admin_listen, config.listen));
        let url = format!("http://{listener}/readyz");
        let answer = peer.send(Request::get(&url).body(Bytes::new())?).await;
        let is_ready = matches!(&answer, Ok(answer) if answer.status() == StatusCode::OK);
        match answer {
            Ok(_) if is_ready => print_line!("ready"),
            Ok(answer) => {
                let reasons = list_reasons(answer.body());
                print_line!("not ready: {url} answers {}{reasons}", answer.status());
            }
            Err(_) => print_line!("not ready: {url} does not answer"),
        }
        Ok(VerbOutcome::findings_if(!is_ready))
    }
}

/// The listener that is certainly this origin's. Another one may have the default of `admin_listen`, and an
/// origin continues without that.
fn own_listener(admin: AdminListen, listen: SocketAddr) -> SocketAddr {
    admin.address().filter(|_| !admin.is_default()).unwrap_or(listen)
}

/// The words that say why an origin is not ready, in brackets; nothing if there are none.
fn list_reasons(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let reasons: Vec<&str> =
        body["reasons"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) }
}

/// The address at which this machine reaches a listener, which may listen on all of its addresses.
fn reachable_address(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_listed_as_they_are() {
        let body = br#"{"code": "service-unavailable", "reasons": ["queues-stopped", "stopping"]}"#;
        assert_eq!(list_reasons(body), " (queues-stopped, stopping)");
        for other in ["", "{}", "Bad Gateway", r#"{"reasons": []}"#] {
            assert_eq!(list_reasons(other.as_bytes()), "", "{other}");
        }
    }

    #[test]
    fn origin_is_asked_where_no_other_one_answers() {
        let listen: SocketAddr = "127.0.0.1:8788".parse().expect("is an address");
        let named = AdminListen::try_from("127.0.0.1:9464".to_owned()).expect("is an address");
        let asked = |admin| own_listener(admin, listen).port();
        assert_eq!([AdminListen::default(), AdminListen::off(), named].map(asked), [8788, 8788, 9464]);
    }

    #[test]
    fn listener_is_reached_from_its_own_machine() {
        for (listen, reached) in
            [("0.0.0.0:8788", "127.0.0.1:8788"), ("[::]:8788", "[::1]:8788"), ("10.0.0.7:80", "10.0.0.7:80")]
        {
            let address: SocketAddr = listen.parse().expect("is an address");
            assert_eq!(reachable_address(address).to_string(), reached);
        }
    }
}
