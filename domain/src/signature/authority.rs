//! The authority of a request in the one spelling that is signed (RFC 9421 §2.2.3): in lower case,
//! without the scheme's default port.

use http::uri::{Authority, Uri};

const DEFAULT_PORTS: [u16; 2] = [80, 443];

/// The authority that a sender of a request to `uri` signs.
pub(super) fn signed_authority(uri: &Uri) -> Option<String> {
    let authority = uri.authority()?;
    let default_port = match uri.scheme_str()? {
        "https" => 443,
        _ => 80,
    };
    let host = authority.host().to_ascii_lowercase();
    Some(match authority.port_u16() {
        Some(port) if port != default_port => format!("{host}:{port}"),
        _ => host,
    })
}

/// The authorities that the sender of a request can have signed when its receiver finds `host` in
/// the `Host` field. Behind a TLS proxy the receiver does not know the scheme, so a default port may
/// or may not belong to the authority: both readings are listed. Empty for what is no authority.
pub fn possible_authorities(host: &str) -> Vec<String> {
    let Ok(authority) = host.trim().parse::<Authority>() else { return Vec::new() };
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return Vec::new();
    }
    let name = authority.host().to_ascii_lowercase();
    match authority.port_u16() {
        Some(port) if DEFAULT_PORTS.contains(&port) => vec![name.clone(), format!("{name}:{port}")],
        Some(port) => vec![format!("{name}:{port}")],
        // A colon without a port is the same as no port (RFC 3986 §6.2.3).
        None if authority.as_str().trim_end_matches(':').len() == authority.host().len() => vec![name],
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_is_read_as_it_may_be_signed() {
        for (host, authorities) in [
            ("onbill.acme.example", &["onbill.acme.example"][..]),
            ("OnBill.Acme.example:443", &["onbill.acme.example", "onbill.acme.example:443"]),
            ("onbill.acme.example:80", &["onbill.acme.example", "onbill.acme.example:80"]),
            ("onbill.acme.example:", &["onbill.acme.example"]),
            (" onbill.acme.example:08788", &["onbill.acme.example:8788"]),
            ("[2001:DB8::1]:443", &["[2001:db8::1]", "[2001:db8::1]:443"]),
            ("a@onbill.acme.example", &[]),
            ("a@onbill.acme.example:443", &[]),
            ("onbill.acme.example:70000", &[]),
            ("onbill.acme.example/x", &[]),
            ("", &[]),
        ] {
            assert_eq!(possible_authorities(host), authorities, "{host}");
        }
    }

    #[test]
    fn signed_authority_is_among_the_readings_of_its_host() {
        for uri in
            ["https://A.example/x", "https://a.example:443/", "http://a.example:443", "https://a.example:80"]
        {
            let uri: Uri = uri.parse().expect("is a URI");
            let signed = signed_authority(&uri).expect("has a host");
            let host = uri.authority().expect("has a host").as_str();
            assert!(possible_authorities(host).contains(&signed), "{uri}");
        }
    }
}
