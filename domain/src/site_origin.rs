//! Site origins: the origin of a web page (RFC 6454), which is its scheme, host and port.

use crate::limits::URL_BYTES_MAX;
use http::Uri;

/// The site origin of an absolute http or https URL, as a browser writes it: without the scheme's
/// default port. `None` for any other text, a URL with user information, or one that is too long.
pub fn parse_site_origin(url: &str) -> Option<String> {
    // A browser and this parser must agree on where the host ends, so characters on which they
    // could differ are refused.
    if url.len() > URL_BYTES_MAX || url.bytes().any(|b| !b.is_ascii_graphic() || b"\\<>\"`{}|^".contains(&b))
    {
        return None;
    }
    let uri: Uri = url.split('#').next()?.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return None;
    }
    let default_port = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    let host = authority.host().to_ascii_lowercase();
    match authority.port() {
        Some(port) => {
            let port: u16 = port.as_str().parse().ok()?;
            Some(if port == default_port {
                format!("{scheme}://{host}")
            } else {
                format!("{scheme}://{host}:{port}")
            })
        }
        // A colon without a port, or a port out of range.
        None if authority.as_str().len() != authority.host().len() => None,
        None => Some(format!("{scheme}://{host}")),
    }
}

/// Whether the site origin of `url` is one of `site_origins`.
pub fn is_on_site_origin(url: &str, site_origins: &[String]) -> bool {
    parse_site_origin(url).is_some_and(|origin| site_origins.contains(&origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn site_origin_is_of_plain_urls_only() {
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
    fn look_alike_is_not_on_the_site() {
        let list = ["https://acme.example".to_owned()];
        assert!(is_on_site_origin("https://acme.example/bill", &list));
        for other in
            ["https://acme.example.evil.example/", "http://acme.example/", "https://acme.example:8443/"]
        {
            assert!(!is_on_site_origin(other, &list), "{other}");
        }
    }
}
