//! The page that a customer returns to after the partner's. The operator names it, and the result of
//! the visit is added to its query.

use crate::site_origin::is_on_site_origin;
use percent_encoding::percent_decode_str;

/// The query parameter that the result is in.
pub const RESULT_PARAMETER: &str = "onbill_result";

/// Why a return URL is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnUrlFault {
    /// It is not a URL on one of the operator's dashboards.
    NotListed,
    /// It already has a result: the page would not know which of two is the visit's.
    HasResult,
}

impl ReturnUrlFault {
    /// What an engineer reads.
    pub fn message(self) -> &'static str {
        match self {
            Self::NotListed => "returnURL is not on the operator's site.",
            Self::HasResult => "returnURL already has onbill_result.",
        }
    }
}

/// Checks a return URL against the operator's dashboards.
pub fn check_return_url(url: &str, dashboards: &[String]) -> Result<(), ReturnUrlFault> {
    if !is_on_site_origin(url, dashboards) {
        return Err(ReturnUrlFault::NotListed);
    }
    let before_fragment = url.split('#').next().unwrap_or_default();
    let query = before_fragment.split_once('?').map_or("", |(_, query)| query);
    if query.split('&').any(is_result) { Err(ReturnUrlFault::HasResult) } else { Ok(()) }
}

/// Whether a pair of a query is a result, as a page reads it: with its name decoded.
pub fn is_result(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default();
    percent_decode_str(name).eq(RESULT_PARAMETER.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn return_url_is_listed_and_has_no_result() {
        let dashboards = ["https://my.acme.example".to_owned()];
        let check = |url: &str| check_return_url(url, &dashboards);
        for good in [
            "/done",
            "/?x=1",
            "/?onbill_results=1",
            "/?x=onbill_result",
            "/#?onbill_result=1",
            "/onbill_result",
        ] {
            assert_eq!(check(&format!("https://my.acme.example{good}")), Ok(()), "{good}");
        }
        for taken in [
            "?onbill_result=a.b.c",
            "/?x=1&onbill_result",
            "/?onbill_result=#top",
            "/?onbill%5Fresult=a.b.c",
            "/?%6fnbill_result",
        ] {
            let url = format!("https://my.acme.example{taken}");
            assert_eq!(check(&url), Err(ReturnUrlFault::HasResult), "{taken}");
        }
        for other in ["https://evil.example/", "javascript:alert(1)", "/done", ""] {
            assert_eq!(check(other), Err(ReturnUrlFault::NotListed), "{other}");
        }
    }
}
