//! Checks a call before anything in its body is read: its type and size, the page that it comes
//! from, its rate. Signatures are checked in `ott/authenticate.rs`.

use crate::call::Call;
use crate::platform::{Platform, RateLimiter};
use bytes::Bytes;
use http::Request;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ORIGIN};
use onbill_domain::limits::BODY_BYTES_MAX;
use onbill_domain::reject::{ErrorCode, Reject};
use std::net::IpAddr;

/// A caller that is over its rate waits this many seconds: the longest period that the platform's
/// limiter counts in.
const RATE_RETRY_AFTER_SECONDS: u32 = 60;

/// The body of a call, not parsed: at most 16 KiB (else 413) of `application/json` (else 415). A
/// length that is no number is 400.
pub(crate) fn read_json_body(request: &Request<Bytes>) -> Result<&Bytes, Reject> {
    let headers = request.headers();
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") || headers.get_all(CONTENT_TYPE).iter().count() != 1
    {
        return Err(Reject::new(ErrorCode::UnsupportedMediaType, "The body must be application/json."));
    }
    // A length that is too large is believed; what came is measured whatever the header claims.
    let claimed = headers.get(CONTENT_LENGTH).map_or(Ok("0"), |value| {
        let digits = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        digits.ok_or_else(|| Reject::invalid_request("The Content-Length header is malformed."))
    })?;
    // More digits than a length has are too many bytes.
    let claimed = claimed.parse::<usize>().unwrap_or(usize::MAX);
    if claimed.max(request.body().len()) > BODY_BYTES_MAX {
        return Err(Reject::new(ErrorCode::BodyTooLarge, "The body must be at most 16 KiB."));
    }
    Ok(request.body())
}

/// Only our own frame may make the widget's calls (else 403): a page elsewhere cannot make a
/// customer's browser request SMS or sign up.
pub(crate) fn check_same_origin<P: Platform>(call: &Call<'_, P>) -> Result<(), Reject> {
    let is_own_page = call.header(ORIGIN) == Some(&call.site_origin);
    let has_fetch_site = call.request.headers().contains_key("sec-fetch-site");
    if is_own_page && (!has_fetch_site || call.header("sec-fetch-site") == Some("same-origin")) {
        Ok(())
    } else {
        Err(Reject::new(ErrorCode::Forbidden, "This call is for the widget's own frame only."))
    }
}

/// Holds a browser to its rate (else 429).
pub(crate) async fn check_widget_rate<P: Platform>(call: &Call<'_, P>) -> Result<(), Reject> {
    let address = call.header("cf-connecting-ip").unwrap_or_default();
    check_rate(call, RateLimiter::Widget, &address_rate_key(address)).await
}

/// Holds a browser to its rate for logos and fonts (else 429), which is counted apart: they must not
/// use up what the customer's steps need.
pub(crate) async fn check_asset_rate<P: Platform>(call: &Call<'_, P>) -> Result<(), Reject> {
    let address = call.header("cf-connecting-ip").unwrap_or_default();
    check_rate(call, RateLimiter::Widget, &format!("asset/{}", address_rate_key(address))).await
}

/// Holds a browser to a rate of its own for numbers (else 429): each can send an SMS, and a customer
/// enters few of them.
pub(crate) async fn check_pin_rate<P: Platform>(call: &Call<'_, P>) -> Result<(), Reject> {
    let address = call.header("cf-connecting-ip").unwrap_or_default();
    check_rate(call, RateLimiter::Pin, &address_rate_key(address)).await
}

/// Holds a partner to its rate (else 429).
pub(crate) async fn check_partner_rate<P: Platform>(call: &Call<'_, P>, partner: &str) -> Result<(), Reject> {
    check_rate(call, RateLimiter::Partner, partner).await
}

/// Holds a partner's calls about numbers to a rate of their own (else 429): each can send an SMS or
/// query an account, and there are far fewer of them than charges.
pub(crate) async fn check_device_rate<P: Platform>(call: &Call<'_, P>, partner: &str) -> Result<(), Reject> {
    check_rate(call, RateLimiter::Device, partner).await
}

async fn check_rate<P: Platform>(call: &Call<'_, P>, limiter: RateLimiter, key: &str) -> Result<(), Reject> {
    if call.platform.is_within_rate(limiter, key).await {
        Ok(())
    } else {
        Err(Reject::too_many_requests("Too many calls; please slow down.", RATE_RETRY_AFTER_SECONDS))
    }
}

/// The key under which an address counts as one caller: an IPv4 address, or the /64 that one IPv6
/// subscriber has to itself (RFC 6177 §2).
fn address_rate_key(address: &str) -> String {
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

    fn refused_status(content_type: &str, content_length: Option<&str>, bytes: usize) -> Option<u16> {
        let mut request = Request::builder();
        if !content_type.is_empty() {
            request = request.header(CONTENT_TYPE, content_type);
        }
        if let Some(length) = content_length {
            request = request.header(CONTENT_LENGTH, length);
        }
        let request = request.body(Bytes::from(vec![b' '; bytes])).expect("is a request");
        read_json_body(&request).err().map(|reject| reject.code.status().as_u16())
    }

    #[test]
    fn body_is_small_json_whatever_its_headers_claim() {
        for fine in ["application/json", "Application/JSON; charset=utf-8", " application/json ;x"] {
            assert_eq!(refused_status(fine, None, 2), None, "{fine}");
        }
        for other in
            ["", "text/plain", "application/jsonp", "application/problem+json", "multipart/form-data"]
        {
            assert_eq!(refused_status(other, None, 2), Some(415), "{other}");
        }
        assert_eq!(refused_status("application/json", None, BODY_BYTES_MAX), None);
        assert_eq!(refused_status("application/json", None, BODY_BYTES_MAX + 1), Some(413));
        assert_eq!(refused_status("application/json", Some("2"), BODY_BYTES_MAX + 1), Some(413));
        for claim in ["16385", "99999999999999999999999999"] {
            assert_eq!(refused_status("application/json", Some(claim), 2), Some(413), "{claim}");
        }
        for claim in ["-1", "x", "2, 2", "0x2"] {
            assert_eq!(refused_status("application/json", Some(claim), 2), Some(400), "{claim}");
        }
    }

    #[test]
    fn ipv6_neighbours_share_one_rate() {
        assert_eq!(address_rate_key("203.0.113.9"), "203.0.113.9");
        assert_eq!(address_rate_key("::ffff:203.0.113.9"), "203.0.113.9");
        assert_eq!(address_rate_key("2001:db8:1:2::9"), address_rate_key("2001:db8:1:2:ffff::1"));
        assert_ne!(address_rate_key("2001:db8:1:2::9"), address_rate_key("2001:db8:1:3::9"));
        assert_eq!(address_rate_key("what?"), "unknown");
    }
}
