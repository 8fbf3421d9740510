//! Which path is which route, and which methods it takes. Nothing is done here.

use http::Method;
use onbill_domain::wire::origin::{PAI_MAPPING, PAI_MAPPINGS};

/// A route, with the variable parts of its path as they came (percent-encoded).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    Healthz,
    Loader,
    Frame,
    Account,
    AccountUnlink,
    AccountValidate,
    Pin,
    Signup,
    Result,
    Return { operator: &'a str, ticket: &'a str },
    OriginPaiMapping,
    OriginPaiMappings,
    OttAccountValidate,
    OttPin,
    OttTokenValidate,
    OttCouponRedeem,
    OttNotification,
    OttPartnerSubscription,
    OttSubscriptionChange { partner_subscription_id: &'a str },
    OttTransaction,
    OttTransactionStatus { ext_transaction_id: &'a str },
    OttRefund { ext_transaction_id: &'a str },
    OttRefundStatus { ext_transaction_id: &'a str, ext_refund_id: &'a str },
}

/// The route of `path`.
pub(crate) fn find(path: &str) -> Option<Route<'_>> {
    Some(match path {
        "/healthz" => Route::Healthz,
        "/widget/v1/onbill.js" => Route::Loader,
        "/widget/v1/frame" => Route::Frame,
        "/widget/v1/account" => Route::Account,
        "/widget/v1/account/unlink" => Route::AccountUnlink,
        "/widget/v1/account/validate" => Route::AccountValidate,
        "/widget/v1/pin" => Route::Pin,
        "/widget/v1/signup" => Route::Signup,
        "/widget/v1/result" => Route::Result,
        PAI_MAPPING => Route::OriginPaiMapping,
        PAI_MAPPINGS => Route::OriginPaiMappings,
        "/ott/v1/account/validate" => Route::OttAccountValidate,
        "/ott/v1/pin" => Route::OttPin,
        "/ott/v1/token/validate" => Route::OttTokenValidate,
        "/ott/v1/coupon/redeem" => Route::OttCouponRedeem,
        "/ott/v1/notification" => Route::OttNotification,
        "/ott/v1/partnerSubscription" => Route::OttPartnerSubscription,
        "/ott/v1/transaction" => Route::OttTransaction,
        _ => return find_with_parts(path),
    })
}

fn find_with_parts(path: &str) -> Option<Route<'_>> {
    let mut parts = path.strip_prefix('/')?.split('/');
    if parts.clone().any(str::is_empty) {
        return None;
    }
    match (parts.next()?, parts.next()?, parts.next()?) {
        ("widget", "v1", "return") => match (parts.next()?, parts.next()?, parts.next()) {
            (operator, ticket, None) => Some(Route::Return { operator, ticket }),
            _ => None,
        },
        ("ott", "v1", "partnerSubscription") => match (parts.next()?, parts.next()) {
            (partner_subscription_id, None) => Some(Route::OttSubscriptionChange { partner_subscription_id }),
            _ => None,
        },
        ("ott", "v1", "transaction") => {
            let ext_transaction_id = parts.next()?;
            match (parts.next(), parts.next(), parts.next()) {
                (None, ..) => Some(Route::OttTransactionStatus { ext_transaction_id }),
                (Some("refund"), None, _) => Some(Route::OttRefund { ext_transaction_id }),
                (Some("refund"), Some(ext_refund_id), None) => {
                    Some(Route::OttRefundStatus { ext_transaction_id, ext_refund_id })
                }
                _ => None,
            }
        }
        _ => None,
    }
}

impl Route<'_> {
    /// The path as a pattern: what the log says, so that a ticket or an identifier never stands there.
    pub(crate) fn pattern(self) -> &'static str {
        match self {
            Self::Healthz => "/healthz",
            Self::Loader => "/widget/v1/onbill.js",
            Self::Frame => "/widget/v1/frame",
            Self::Account => "/widget/v1/account",
            Self::AccountUnlink => "/widget/v1/account/unlink",
            Self::AccountValidate => "/widget/v1/account/validate",
            Self::Pin => "/widget/v1/pin",
            Self::Signup => "/widget/v1/signup",
            Self::Result => "/widget/v1/result",
            Self::Return { .. } => "/widget/v1/return/{operator}/{ticket}",
            Self::OriginPaiMapping => PAI_MAPPING,
            Self::OriginPaiMappings => PAI_MAPPINGS,
            Self::OttAccountValidate => "/ott/v1/account/validate",
            Self::OttPin => "/ott/v1/pin",
            Self::OttTokenValidate => "/ott/v1/token/validate",
            Self::OttCouponRedeem => "/ott/v1/coupon/redeem",
            Self::OttNotification => "/ott/v1/notification",
            Self::OttPartnerSubscription => "/ott/v1/partnerSubscription",
            Self::OttSubscriptionChange { .. } => "/ott/v1/partnerSubscription/{partnerSubscriptionID}",
            Self::OttTransaction => "/ott/v1/transaction",
            Self::OttTransactionStatus { .. } => "/ott/v1/transaction/{extTransactionID}",
            Self::OttRefund { .. } => "/ott/v1/transaction/{extTransactionID}/refund",
            Self::OttRefundStatus { .. } => "/ott/v1/transaction/{extTransactionID}/refund/{extRefundID}",
        }
    }

    /// The methods it takes, as in `Allow`. A `HEAD` of the partner's is not among them: its signature would cover
    /// another method than the origin is asked with.
    pub(crate) fn allow(self) -> &'static str {
        match self {
            Self::Healthz | Self::Loader | Self::Frame | Self::Return { .. } => "GET, HEAD",
            Self::OttTransactionStatus { .. } | Self::OttRefundStatus { .. } => "GET",
            Self::OttSubscriptionChange { .. } => "PUT",
            _ => "POST",
        }
    }

    /// Whether it takes this method.
    pub(crate) fn takes(self, method: &Method) -> bool {
        self.allow().split(", ").any(|allowed| allowed == method.as_str())
    }

    /// Whether a person looks at its answer, so that refusals are pages too.
    pub(crate) fn is_page(self) -> bool {
        matches!(self, Self::Frame | Self::Return { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_route_or_none() {
        for path in [
            "/healthz",
            "/widget/v1/onbill.js",
            "/widget/v1/frame",
            "/widget/v1/account",
            "/widget/v1/account/unlink",
            "/widget/v1/account/validate",
            "/widget/v1/pin",
            "/widget/v1/signup",
            "/widget/v1/result",
            "/origin/v1/pai-mapping",
            "/origin/v1/pai-mappings",
            "/ott/v1/account/validate",
            "/ott/v1/pin",
            "/ott/v1/token/validate",
            "/ott/v1/coupon/redeem",
            "/ott/v1/notification",
            "/ott/v1/partnerSubscription",
            "/ott/v1/transaction",
        ] {
            assert_eq!(find(path).map(Route::pattern), Some(path));
        }
        let back = Route::Return { operator: "acme", ticket: "t" };
        assert_eq!(find("/widget/v1/return/acme/t"), Some(back));
        let status = Route::OttTransactionStatus { ext_transaction_id: "a%2Fb" };
        assert_eq!(find("/ott/v1/transaction/a%2Fb"), Some(status));
        let change = Route::OttSubscriptionChange { partner_subscription_id: "s-1" };
        assert_eq!(find("/ott/v1/partnerSubscription/s-1"), Some(change));
        let refund = Route::OttRefund { ext_transaction_id: "refund" };
        assert_eq!(find("/ott/v1/transaction/refund/refund"), Some(refund));
        let status = Route::OttRefundStatus { ext_transaction_id: "a%2Fb", ext_refund_id: "r" };
        assert_eq!(find("/ott/v1/transaction/a%2Fb/refund/r"), Some(status));
        for path in [
            "",
            "/",
            "/healthz/",
            "/Healthz",
            "/widget/v1/return/acme",
            "/widget/v1/return/acme/",
            "/widget/v1/return//t",
            "/widget/v1/return/acme/t/u",
            "/ott/v1/transaction/",
            "/ott/v1/transaction/a/b",
            "/ott/v1/partnerSubscription/",
            "/ott/v1/partnerSubscription/a/b",
            "/ott/v1/transaction/a/refund/",
            "/ott/v1/transaction/a/refund//",
            "/ott/v1/transaction//refund",
            "/ott/v1/transaction//refund/r",
            "/ott/v1/transaction/a/refund/r/s",
            "/ott/v1/transaction/a/Refund",
            "/ott/v1/transactions",
            "/ott/v1/notification/n-1",
            "//healthz",
        ] {
            assert_eq!(find(path), None, "{path}");
        }
    }

    #[test]
    fn a_partners_head_is_not_a_get() {
        assert!(Route::Healthz.takes(&Method::HEAD));
        assert!(!Route::OttTransactionStatus { ext_transaction_id: "x" }.takes(&Method::HEAD));
        let refund = Route::OttRefundStatus { ext_transaction_id: "x", ext_refund_id: "r" };
        assert!(refund.takes(&Method::GET) && !refund.takes(&Method::HEAD) && !refund.takes(&Method::POST));
        assert!(!Route::Pin.takes(&Method::OPTIONS));
    }
}
