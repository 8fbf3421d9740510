//! `health`: asks the running origin whether it is ready.

use super::output::print_line;
use super::verb_outcome::VerbOutcome;
use anyhow::Context as _;
use bytes::Bytes;
use clap::Args;
use http::{Request, StatusCode};
use onbill_origin::config::Config;
use onbill_origin::http::{HttpPeer, Peer as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

/// A ready origin answers at once, and who checks the health of a container waits for some seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ask the origin on this machine whether it is ready, as the health check of a container does.
///
/// It calls /healthz at the address in `listen`. Exit code 0 when it is ready, 1 when it is not or does not answer.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let (config, _) = Config::load(config).map_err(anyhow::Error::msg)?;
        let peer = HttpPeer::new(PATIENCE).context("the HTTP client does not start")?;
        let url = format!("http://{}/healthz", reachable(config.listen));
        let answer = peer.send(Request::get(&url).body(Bytes::new())?).await;
        let is_ready = matches!(&answer, Ok(answer) if answer.status() == StatusCode::OK);
        match answer {
            Ok(_) if is_ready => print_line!("ready"),
            Ok(answer) => print_line!("not ready: {url} answers {}", answer.status()),
            Err(_) => print_line!("not ready: {url} does not answer"),
        }
        Ok(VerbOutcome::findings_if(!is_ready))
    }
}

/// The address at which this machine reaches a listener, which may listen on all of its addresses.
fn reachable(listen: SocketAddr) -> SocketAddr {
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
    fn listener_is_reached_from_its_own_machine() {
        for (listen, reached) in
            [("0.0.0.0:8788", "127.0.0.1:8788"), ("[::]:8788", "[::1]:8788"), ("10.0.0.7:80", "10.0.0.7:80")]
        {
            let address: SocketAddr = listen.parse().expect("is an address");
            assert_eq!(reachable(address).to_string(), reached);
        }
    }
}
