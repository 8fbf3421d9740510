//! Reading a simulated party's configuration file and the files it names.

use onbill_domain::key::Keyring;
use onbill_domain::site_origin::parse_site_origin;
use serde::de::DeserializeOwned;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

/// Reads a JSON file; the error names the file and the position.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    let text = read(path)?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Reads a key ring; the error names the file and the key.
pub fn read_keys(path: &Path) -> Result<Keyring, String> {
    Keyring::parse(&read(path)?).map_err(|complaint| format!("{}: {complaint}", path.display()))
}

pub fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// The address to listen on: loopback only, since pages here show numbers to every visitor.
pub fn loopback(listen: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        listen.parse().map_err(|_| format!("listen: {listen} is not an address and port"))?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(format!("listen: {listen} is not a loopback address, and these pages are for this machine only"))
    }
}

/// An absolute URL without a path, as the configuration names a party.
pub fn base_url(name: &str, url: &str) -> Result<String, String> {
    parse_site_origin(url)
        .filter(|origin| url.trim_end_matches('/').eq_ignore_ascii_case(origin))
        .ok_or_else(|| format!("{name}: {url} must be an http or https URL without a path"))
}

/// The host and port of a [`base_url`].
pub fn authority(base: &str) -> String {
    base.split_once("://").map_or(base, |(_, authority)| authority).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_served() {
        assert!(loopback("127.0.0.1:8790").is_ok());
        assert!(loopback("[::1]:8790").is_ok());
        for other in ["0.0.0.0:8790", "192.168.1.2:8790", "localhost:8790", "8790"] {
            assert!(loopback(other).is_err(), "{other}");
        }
    }

    #[test]
    fn party_is_named_by_its_origin() {
        assert_eq!(base_url("edge_url", "http://127.0.0.1:8787/").as_deref(), Ok("http://127.0.0.1:8787"));
        assert!(base_url("edge_url", "http://127.0.0.1:8787/x").is_err());
        assert!(base_url("edge_url", "127.0.0.1:8787").is_err());
        assert_eq!(authority("http://127.0.0.1:8787"), "127.0.0.1:8787");
    }
}
