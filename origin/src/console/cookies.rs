//! The console's cookies. Behind TLS they have the prefix `__Host-`: a browser then takes them from this
//! host only, over TLS, for every path (RFC 6265bis §4.1.3.2).
//!
//! On `http://localhost` browsers differ: Firefox takes such cookies, Chromium takes `Secure` but not the
//! prefix, and Safari takes neither. There, for development alone, the cookies have neither.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

/// A cookie of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CookieName {
    /// The id of the session.
    Session,
    /// The secret of a sign-in that is under way.
    SignIn,
}

impl CookieName {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "onbill-console",
            Self::SignIn => "onbill-console-sign-in",
        }
    }
}

/// How cookies are written, by the address of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cookies {
    is_secure: bool,
}

impl Cookies {
    pub(super) fn for_url(url: &str) -> Self {
        Self { is_secure: url.starts_with("https://") }
    }

    fn full_name(self, name: CookieName) -> String {
        format!("{}{}", if self.is_secure { "__Host-" } else { "" }, name.as_str())
    }

    /// A cookie for so many seconds, or until the browser is closed; 0 deletes it.
    ///
    /// `SameSite=Lax`: the identity provider leads back here from its own site, and `Strict` would hide
    /// the cookies from that very navigation. What changes anything is a POST with a token.
    pub(super) fn set(self, name: CookieName, value: &str, max_age_seconds: Option<i64>) -> HeaderValue {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let age = max_age_seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let name = self.full_name(name);
        let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}");
        HeaderValue::from_str(&cookie).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    pub(super) fn delete(self, name: CookieName) -> HeaderValue {
        self.set(name, "", Some(0))
    }

    /// The value, if there is one. A name that is there twice is none of ours: another program has added one.
    pub(super) fn read(self, name: CookieName, headers: &HeaderMap) -> Option<String> {
        let wanted = self.full_name(name);
        let texts = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
        let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(name, _)| *name == wanted).map(|(_, value)| value);
        let first = values.next()?;
        values.next().is_none().then(|| first.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookie: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(cookie))])
    }

    #[test]
    fn cookie_behind_tls_is_of_this_host_alone() {
        let cookies = Cookies::for_url("https://console.acme.example");
        let set = cookies.set(CookieName::Session, "abc", None);
        assert_eq!(set, "__Host-onbill-console=abc; Path=/; HttpOnly; SameSite=Lax; Secure");
        let local = Cookies::for_url("http://localhost:9465");
        let set = local.set(CookieName::SignIn, "abc", Some(600));
        assert_eq!(set, "onbill-console-sign-in=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=600");
    }

    #[test]
    fn cookie_that_another_host_has_added_counts_for_nothing() {
        let cookies = Cookies::for_url("https://console.acme.example");
        let read = |cookie| cookies.read(CookieName::Session, &headers(cookie));
        assert_eq!(read("a=b; __Host-onbill-console=abc"), Some("abc".to_owned()));
        for none in ["", "onbill-console=abc", "__Host-onbill-console=a; __Host-onbill-console=b"] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
