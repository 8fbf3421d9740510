//! Addresses that may be called without TLS: those of this machine itself.

use onbill_domain::plain_text::is_plain_text;
use onbill_domain::site_origin::parse_site_origin;

/// Requires HTTPS for every address except this machine's own, because numbers and tokens travel
/// over it.
pub(crate) fn require_https(url: &str, member: &str) -> Result<(), String> {
    let origin =
        parse_site_origin(url).ok_or_else(|| format!("{member}: {url} is not an http or https URL"))?;
    // A URL is shown as it is written, in an SMS for example.
    if !is_plain_text(url) {
        return Err(format!("{member} must have no control characters and nothing invisible"));
    }
    let host = origin.split_once("://").map_or("", |(_, authority)| authority);
    let local = ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|name| host == *name || host.starts_with(&format!("{name}:")));
    if origin.starts_with("https://") || local {
        Ok(())
    } else {
        Err(format!("{member}: {url} must be https"))
    }
}

/// An address as it is shown where its path or query may be a secret, as those of many webhooks are.
pub(crate) fn mask_url(url: &str) -> String {
    match parse_site_origin(url) {
        Some(origin) if url == origin || url.strip_suffix('/') == Some(origin.as_str()) => origin,
        Some(origin) => format!("{origin}/***"),
        None => "***".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masked_address_shows_its_host_only() {
        for (url, shown) in [
            ("https://hooks.example/services/T0/secret", "https://hooks.example/***"),
            ("https://hooks.example?token=secret", "https://hooks.example/***"),
            ("https://ops.example:8443/", "https://ops.example:8443"),
            ("https://hooks.example/***", "https://hooks.example/***"),
        ] {
            assert_eq!(mask_url(url), shown);
        }
        assert_eq!(mask_url("secret"), "***");
    }
}
