//! Web origins (RFC 6454) and return URLs held to a list of them.

use crate::limits::URL_BYTES_MAX;
use http::Uri;

/// The origin of an absolute http or https URL, as a browser writes it: scheme, host, and the port unless it is
/// the scheme's own. `None` when the text is anything else, carries user information, or is too long.
pub fn parse_site_origin(url: &str) -> Option<String> {
    // A browser and this parser must agree on where the host ends: characters they could differ on are refused.
    if url.len() > URL_BYTES_MAX || url.bytes().any(|b| !b.is_ascii_graphic() || b"\\<>\"`{}|^".contains(&b))
    {
        return None;
    }
    let uri: Uri = url.split('#').next()?.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return None;
    }
    let own_port = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    let host = authority.host().to_ascii_lowercase();
    match authority.port() {
        Some(port) => {
            let port: u16 = port.as_str().parse().ok()?;
            Some(if port == own_port {
                format!("{scheme}://{host}")
            } else {
                format!("{scheme}://{host}:{port}")
            })
        }
        // A colon with no port, or one out of range.
        None if authority.as_str().len() != authority.host().len() => None,
        None => Some(format!("{scheme}://{host}")),
    }
}

/// Whether `url` lies on one of the listed origins.
pub fn is_on_site_origin(url: &str, origins: &[String]) -> bool {
    parse_site_origin(url).is_some_and(|origin| origins.contains(&origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_urls_have_an_origin() {
        assert_eq!(
            parse_site_origin("https://My.Acme.example/done?x=1#top").as_deref(),
            Some("https://my.acme.example")
        );
        assert_eq!(parse_site_origin("http://127.0.0.1:8790/").as_deref(), Some("http://127.0.0.1:8790"));
        assert_eq!(parse_site_origin("https://acme.example:443").as_deref(), Some("https://acme.example"));
        for bad in [
            "javascript:alert(1)",
            "//acme.example/",
            "/done",
            "https://user@acme.example/",
            "https://acme.example\\@evil.example/",
            "https://acme.example /",
            "ftp://acme.example/",
            "https://acme.example:99999/",
            "data:text/html,x",
            "",
        ] {
            assert_eq!(parse_site_origin(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_look_alike_is_not_on_the_list() {
        let list = ["https://acme.example".to_owned()];
        assert!(is_on_site_origin("https://acme.example/bill", &list));
        for other in
            ["https://acme.example.evil.example/", "http://acme.example/", "https://acme.example:8443/"]
        {
            assert!(!is_on_site_origin(other, &list), "{other}");
        }
    }
}
