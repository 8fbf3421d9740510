//! Coupons: the operator's systems → origin have them made, partner → edge → origin redeems them. No answer has a code
//! or a number in it; the requests that do have no `Debug`.

use crate::coupon_code::CouponCode;
use crate::day::ServicePeriod;
use crate::ids::{ExtId, OfferId, OperatorId};
use crate::locale::Locale;
use crate::money::Money;
use crate::msisdn::Msisdn;
use crate::pai::Pai;
use crate::reject::Reject;
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the charges of coupons are named by, where partners name the others. No name of a partner's begins with it.
pub const COUPON_CHARGE_PREFIX: &str = "onbill-coupon-";

/// `POST /operator/v1/coupons`: make a coupon and send it.
#[derive(Clone, Serialize, Deserialize)]
pub struct CouponRequest {
    /// The operator's name for the coupon, unique for ever.
    #[serde(rename = "extCouponID")]
    pub ext_coupon_id: ExtId,
    /// Who has bought it: their number gets the text message, their bill the charge.
    pub msisdn: Msisdn,
    /// Which of the configured plans.
    pub plan: ExtId,
    /// What it costs, once, when it is redeemed.
    pub amount: Money,
    /// What it is for; the plan's own offer when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferId>,
    /// The language of its text messages, English when absent.
    #[serde(default)]
    pub locale: Locale,
}

/// `POST /operator/v1/coupons/{extCouponID}/resend`, whose body may be empty.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CouponResendRequest {
    /// The operator's name for this message, unique for the coupon. The same again sends nothing more.
    #[serde(rename = "resendID", default, skip_serializing_if = "Option::is_none")]
    pub resend_id: Option<ExtId>,
}

/// `POST /operator/v1/coupons/{extCouponID}/void`, whose body may be empty: the path says it all.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CouponVoidRequest {}

/// How a coupon stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CouponState {
    /// Its text message is on its way.
    Issued,
    /// The message centre has taken its text message.
    Sent,
    /// The text message is on the customer's phone.
    Delivered,
    /// Spent, for ever.
    Redeemed,
    /// Too old, and never spent.
    Expired,
    /// Taken back by the operator.
    Voided,
}

impl CouponState {
    /// The word in JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "ISSUED",
            Self::Sent => "SENT",
            Self::Delivered => "DELIVERED",
            Self::Redeemed => "REDEEMED",
            Self::Expired => "EXPIRED",
            Self::Voided => "VOIDED",
        }
    }
}

impl fmt::Display for CouponState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a text message with a code is not on the customer's phone, and will not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UndeliveredReason {
    /// The gateway could not deliver it in time.
    Expired,
    /// Somebody has deleted it at the gateway.
    Deleted,
    /// The gateway cannot deliver it.
    Undeliverable,
    /// The gateway, or the network, does not want to.
    Rejected,
    /// The gateway has not taken it at all.
    Refused,
    /// It was given up after several tries, none of which said whether it was taken.
    GivenUp,
    /// It was not sent: its number is nobody's by now, or somebody else's.
    NotSent,
}

impl UndeliveredReason {
    const ALL: [Self; 7] = [
        Self::Expired,
        Self::Deleted,
        Self::Undeliverable,
        Self::Rejected,
        Self::Refused,
        Self::GivenUp,
        Self::NotSent,
    ];

    /// The word in JSON, in the books and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Deleted => "deleted",
            Self::Undeliverable => "undeliverable",
            Self::Rejected => "rejected",
            Self::Refused => "refused",
            Self::GivenUp => "given-up",
            Self::NotSent => "not-sent",
        }
    }

    /// Reads such a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// That a text message does not arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undelivered {
    /// Since when that is known.
    pub at: Timestamp,
    /// Why.
    pub reason: UndeliveredReason,
    /// The gateway's own code, where it gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// A coupon as the operator's systems see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CouponResponse {
    /// Our name for it.
    #[serde(rename = "couponID")]
    pub coupon_id: String,
    /// The operator's.
    #[serde(rename = "extCouponID")]
    pub ext_coupon_id: ExtId,
    /// How it stands.
    pub state: CouponState,
}

/// The same with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CouponDetails {
    /// Names and state.
    #[serde(flatten)]
    pub coupon: CouponResponse,
    /// The plan.
    pub plan: ExtId,
    /// How many months it pays for.
    pub months: u8,
    /// What it is for.
    pub offer: OfferId,
    /// What it costs.
    pub amount: Money,
    /// How many text messages with a code it has had, each with another one.
    pub texts: u32,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When the message centre took the last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// When that was on the phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
    /// That it does not arrive there, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undelivered: Option<Undelivered>,
    /// Until when it can be redeemed.
    pub expires_at: Timestamp,
    /// When it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redeemed_at: Option<Timestamp>,
    /// The days that it pays for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_period: Option<ServicePeriod>,
    /// Our name for its charge, by which billing has it.
    #[serde(rename = "transactionID", default, skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// Redeemed for somebody else than its buyer.
    pub gift: bool,
    /// Redeemed, and then refused by billing: nobody has paid for it.
    pub unpaid: bool,
    /// When it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voided_at: Option<Timestamp>,
}

/// `POST /ott/v1/coupon/redeem`: spend a coupon.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CouponRedeemRequest {
    /// The code, as the customer typed it.
    pub code: String,
    /// The partner's name for this redemption; the same again gets the same answer.
    pub ext_reference: ExtId,
    /// Whose subscription it pays for. Without it, the buyer's, if they have no subscription that is on the bill already:
    /// the partner would know their PAI. Else a gift to somebody that onbill does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pai: Option<Pai>,
}

impl CouponRedeemRequest {
    /// The code; 400 `invalid-request` for a slip, of which no origin has to be asked.
    pub fn parse_code(&self) -> Result<CouponCode, Reject> {
        CouponCode::parse(&self.code)
            .ok_or_else(|| Reject::invalid_request("code was mistyped: its symbols do not fit together."))
    }
}

/// It is spent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CouponRedeemResponse {
    /// Always `REDEEMED`: others are refused.
    pub status: String,
    /// The plan.
    pub plan: ExtId,
    /// How many months it pays for.
    pub months: u8,
    /// What it cost.
    pub amount: Money,
    /// What it is for.
    pub offer: OfferId,
    /// Whose it is: the subscriber that the months are for. Absent for a gift to somebody whom the partner has not named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pai: Option<Pai>,
    /// The operator that sold it.
    pub operator: OperatorId,
    /// The days that are paid for.
    pub service_period: ServicePeriod,
    /// The name of its charge, by which it is refunded and reconciled.
    #[serde(rename = "extTransactionID")]
    pub ext_transaction_id: ExtId,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coupon_code::CouponTag;
    use serde_json::json;

    #[test]
    fn a_coupon_is_asked_for_by_the_contracts_names() {
        let mut body = json!({"extCouponID": "c-1", "msisdn": "+12025550101", "plan": "6M",
                              "amount": {"value": 8999, "currency": "USD"}, "unknown": true});
        let read = |body: &serde_json::Value| {
            crate::wire::parse::<CouponRequest>(body.to_string().as_bytes())
                .map_err(|reject| reject.code.as_str())
        };
        let request = read(&body).map(|request| (request.locale, request.offer.is_none()));
        assert_eq!(request, Ok((Locale::En, true)));
        for (member, bad) in [
            ("extCouponID", json!("a b")),
            ("msisdn", json!("2025550101")),
            ("plan", json!(6)),
            ("amount", json!({"value": 89.99, "currency": "USD"})),
            ("locale", json!("xx")),
            ("offer", json!("No Such")),
        ] {
            let good = std::mem::replace(&mut body[member], bad);
            assert_eq!(read(&body).err(), Some("invalid-request"), "{member}");
            if good.is_null() {
                body.as_object_mut().expect("is an object").remove(member);
            } else {
                body[member] = good;
            }
        }
    }

    #[test]
    fn a_reason_is_one_word_everywhere() {
        for reason in UndeliveredReason::ALL {
            assert_eq!(serde_json::to_value(reason).ok(), Some(json!(reason.as_str())));
            assert_eq!(UndeliveredReason::parse(reason.as_str()), Some(reason));
        }
        assert_eq!(UndeliveredReason::parse("lost"), None);
    }

    #[test]
    fn a_slip_is_told_apart_before_anybody_is_asked() {
        let tag = CouponTag::parse("AC").expect("are symbols");
        let code = CouponCode::from_random(tag, [7; 10]).grouped();
        let request = |code: &str| CouponRedeemRequest {
            code: code.to_owned(),
            ext_reference: ExtId::parse("r-1").expect("is an identifier"),
            pai: None,
        };
        assert!(request(&code.to_lowercase()).parse_code().is_ok());
        let slip = request(&code[..23]).parse_code().err().expect("is one");
        assert_eq!(slip.code.as_str(), "invalid-request");
        assert!(!slip.message.contains(&code[..4]));
    }
}
