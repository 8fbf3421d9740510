//! What every call with a body must be before anything in it is read: of the right type and size, from the right
//! place, within its rate. Signatures are in `ott/authenticate.rs`.

use crate::call::Call;
use crate::platform::{Platform, Sieve};
use bytes::Bytes;
use http::Request;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ORIGIN};
use onbill_domain::limits::BODY_BYTES_MAX;
use onbill_domain::reject::{ErrorCode, Reject};
use std::net::IpAddr;

/// Who is over a rate comes back after this many seconds: the longest period that the platform's limiter counts in.
const RATE_RETRY_AFTER_SECONDS: u32 = 60;

/// The body of a call, unread: at most 16 KiB (else 413) of `application/json` (else 415).
pub(crate) fn json_body(request: &Request<Bytes>) -> Result<&Bytes, Reject> {
    let headers = request.headers();
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") || headers.get_all(CONTENT_TYPE).iter().count() != 1
    {
        return Err(Reject::new(ErrorCode::UnsupportedMediaType, "The body must be application/json."));
    }
    // What it claims is believed when it is too much, and what came is counted whatever it claimed.
    let claims_too_much = headers.get(CONTENT_LENGTH).is_some_and(|value| {
        value.to_str().ok().and_then(|text| text.parse::<usize>().ok()).is_none_or(|n| n > BODY_BYTES_MAX)
    });
    if claims_too_much || request.body().len() > BODY_BYTES_MAX {
        return Err(Reject::new(ErrorCode::BodyTooLarge, "The body must be at most 16 KiB."));
    }
    Ok(request.body())
}

/// The widget's calls come from our own frame only (else 403): a page elsewhere cannot have a customer's browser
/// send text messages or sign up.
pub(crate) fn same_origin<P: Platform>(call: &Call<'_, P>) -> Result<(), Reject> {
    let from_own_page = call.header(ORIGIN) == Some(&call.own_origin);
    let site = call.request.headers().contains_key("sec-fetch-site");
    if from_own_page && (!site || call.header("sec-fetch-site") == Some("same-origin")) {
        Ok(())
    } else {
        Err(Reject::new(ErrorCode::Forbidden, "This call is for the widget's own frame only."))
    }
}

/// Holds a browser to its rate (else 429).
pub(crate) async fn widget_rate<P: Platform>(call: &Call<'_, P>) -> Result<(), Reject> {
    let address = call.header("cf-connecting-ip").unwrap_or_default();
    within_rate(call, Sieve::Widget, &rate_key(address)).await
}

/// Holds a partner to its rate (else 429).
pub(crate) async fn partner_rate<P: Platform>(call: &Call<'_, P>, partner: &str) -> Result<(), Reject> {
    within_rate(call, Sieve::Partner, partner).await
}

/// Holds a partner's calls about numbers to a rate of their own (else 429): each can make a text message or ask after an
/// account, and there are far fewer of them than charges.
pub(crate) async fn device_rate<P: Platform>(call: &Call<'_, P>, partner: &str) -> Result<(), Reject> {
    within_rate(call, Sieve::Device, partner).await
}

async fn within_rate<P: Platform>(call: &Call<'_, P>, sieve: Sieve, key: &str) -> Result<(), Reject> {
    if call.platform.rate_limit(sieve, key).await {
        Ok(())
    } else {
        Err(Reject::too_many_requests("Too many calls; please slow down.", RATE_RETRY_AFTER_SECONDS))
    }
}

/// What counts as one caller: an IPv4 address, or the /64 that one IPv6 subscriber has to itself (RFC 6177 §2).
fn rate_key(address: &str) -> String {
    match address.trim().parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.to_string(),
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(content_type: &str, content_length: Option<&str>, bytes: usize) -> Option<u16> {
        let mut request = Request::builder();
        if !content_type.is_empty() {
            request = request.header(CONTENT_TYPE, content_type);
        }
        if let Some(length) = content_length {
            request = request.header(CONTENT_LENGTH, length);
        }
        let request = request.body(Bytes::from(vec![b' '; bytes])).expect("is a request");
        json_body(&request).err().map(|reject| reject.code.status().as_u16())
    }

    #[test]
    fn a_body_is_json_and_small_whatever_its_headers_claim() {
        for fine in ["application/json", "Application/JSON; charset=utf-8", " application/json ;x"] {
            assert_eq!(verdict(fine, None, 2), None, "{fine}");
        }
        for other in
            ["", "text/plain", "application/jsonp", "application/problem+json", "multipart/form-data"]
        {
            assert_eq!(verdict(other, None, 2), Some(415), "{other}");
        }
        assert_eq!(verdict("application/json", None, BODY_BYTES_MAX), None);
        assert_eq!(verdict("application/json", None, BODY_BYTES_MAX + 1), Some(413));
        assert_eq!(verdict("application/json", Some("2"), BODY_BYTES_MAX + 1), Some(413));
        for claim in ["16385", "99999999999999999999999999", "-1", "x"] {
            assert_eq!(verdict("application/json", Some(claim), 2), Some(413), "{claim}");
        }
    }

    #[test]
    fn neighbours_in_one_ipv6_network_count_as_one() {
        assert_eq!(rate_key("203.0.113.9"), "203.0.113.9");
        assert_eq!(rate_key("::ffff:203.0.113.9"), "203.0.113.9");
        assert_eq!(rate_key("2001:db8:1:2::9"), rate_key("2001:db8:1:2:ffff::1"));
        assert_ne!(rate_key("2001:db8:1:2::9"), rate_key("2001:db8:1:3::9"));
        assert_eq!(rate_key("what?"), "unknown");
    }
}
