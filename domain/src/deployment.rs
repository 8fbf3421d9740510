//! Where an edge runs, and which addresses it may name there. An edge on this machine calls parties
//! on this machine, over plain http; one that others reach must never do either.

use crate::site_origin::parse_site_origin;
use http::Uri;
use std::net::{Ipv4Addr, Ipv6Addr};

crate::word_enum! {
    /// Where an edge runs.
    pub enum Deployment {
        /// On a developer's machine, with all other parties.
        Local = "local",
        /// Where operators, partners and customers reach it.
        Public = "public",
    }
}

/// The rule of [`Deployment::allows`], for complaints.
pub const ALLOWED_ORIGINS: &str = "https://host[:port]; http and this machine only where DEPLOYMENT is local";

impl Deployment {
    /// Whether an edge here may name `text`: a site origin in the one spelling that browsers use, over
    /// TLS and on another machine. A local edge may also name this machine. The host is a plain name
    /// or address: `*`, `;` and `,` may stand in a URL, but mean something else in a content security
    /// policy.
    pub fn allows(self, text: &str) -> bool {
        let has_allowed_host = |uri: Uri| {
            let host = uri.host().unwrap_or_default();
            let is_over_tls = text.starts_with("https://");
            is_plain_host(host)
                && match self {
                    Self::Local => is_over_tls || is_this_machine(host),
                    Self::Public => is_over_tls && !is_this_machine(host),
                }
        };
        parse_site_origin(text).is_some_and(|origin| origin == text)
            && text.parse().is_ok_and(has_allowed_host)
    }
}

/// Whether a host in a URL is the machine itself.
pub fn is_this_machine(host: &str) -> bool {
    if let Some(address) = strip_brackets(host) {
        return address.parse::<Ipv6Addr>().is_ok_and(|address| match address.to_ipv4_mapped() {
            Some(mapped) => is_own_ipv4(mapped),
            None => address.is_loopback() || address.is_unspecified(),
        });
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    host == "localhost" || host.ends_with(".localhost") || host.parse().is_ok_and(is_own_ipv4)
}

fn is_own_ipv4(address: Ipv4Addr) -> bool {
    address.is_loopback() || address.is_unspecified()
}

fn is_plain_host(host: &str) -> bool {
    if let Some(address) = strip_brackets(host) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    // A browser reads `127.1` and `0x7f000001` as addresses, so whatever ends like a number is one.
    let last = host.rsplit('.').find(|label| !label.is_empty()).unwrap_or_default();
    let is_number = last.starts_with("0x") || last.bytes().all(|b| b.is_ascii_digit());
    host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        && (!is_number || host.parse::<Ipv4Addr>().is_ok())
}

fn strip_brackets(host: &str) -> Option<&str> {
    host.strip_prefix('[')?.strip_suffix(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_edge_names_other_machines_over_tls() {
        for fine in ["https://origin.acme.example", "https://10.0.0.7:8443", "https://[2001:db8::1]"] {
            assert!(Deployment::Public.allows(fine) && Deployment::Local.allows(fine), "{fine}");
        }
        for own in
            ["http://127.0.0.1:8788", "http://localhost", "http://[::1]:8788", "https://localhost:8788"]
        {
            assert!(Deployment::Local.allows(own), "{own}");
            assert!(!Deployment::Public.allows(own), "{own}");
        }
        for own in
            ["https://127.9.9.9", "https://[::ffff:127.0.0.1]", "https://0.0.0.0", "https://x.localhost"]
        {
            assert!(!Deployment::Public.allows(own), "{own}");
        }
    }

    #[test]
    fn odd_spelling_of_an_address_is_never_allowed() {
        for odd in [
            "http://origin.acme.example",
            "http://localhost.acme.example",
            "http://127.0.0.1.acme.example",
            "https://127.1",
            "https://2130706433",
            "https://0x7f000001",
            "https://origin.acme.example/",
            "https://Origin.acme.example",
            "https://*.acme.example",
            "https://a.example;script-src",
            "https://[::1;*]",
            "origin.acme.example",
            "",
        ] {
            assert!(!Deployment::Local.allows(odd), "{odd}");
            assert!(!Deployment::Public.allows(odd), "{odd}");
        }
    }
}
