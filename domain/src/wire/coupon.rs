//! Coupons: the operator's systems have them issued (→ origin), partners redeem them (→ edge →
//! origin). No response has a code or a number; requests that have one do not implement `Debug`.

use crate::coupon_code::CouponCode;
use crate::day::ServicePeriod;
use crate::ids::{ExtId, OfferId, OperatorId};
use crate::locale::Locale;
use crate::money::Money;
use crate::msisdn::Msisdn;
use crate::pai::Pai;
use crate::reject::Reject;
use crate::timestamp::Timestamp;
use crate::wire::audit::ActorRole;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Prefix of the `extTransactionID` of a coupon's charge. Partners may not use it for their own.
pub const COUPON_CHARGE_PREFIX: &str = "onbill-coupon-";

/// `POST /operator/v1/coupons`: issue a coupon and send it by SMS.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CouponRequest {
    /// The operator's id of the coupon, never reused.
    #[serde(rename = "extCouponID")]
    pub ext_coupon_id: ExtId,
    /// The buyer's number: it gets the SMS, and its bill the charge.
    pub msisdn: Msisdn,
    /// One of the configured coupon plans.
    pub plan: ExtId,
    /// The price, charged once on redemption.
    pub amount: Money,
    /// The offer that it pays for; the plan's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferId>,
    /// The language of its SMS; English when absent.
    #[serde(default, deserialize_with = "deserialize_locale")]
    pub locale: Locale,
}

/// `null` counts as absent, as it does for the other members that may be absent.
fn deserialize_locale<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Locale, D::Error> {
    Ok(Option::<Locale>::deserialize(deserializer)?.unwrap_or_default())
}

/// `POST /operator/v1/coupons/{extCouponID}/resend`, whose body may be empty.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CouponResendRequest {
    /// The operator's id of this SMS, unique for the coupon. Repeating it sends nothing more. It is the
    /// reference in the audit.
    #[serde(rename = "resendID", default, skip_serializing_if = "Option::is_none")]
    pub resend_id: Option<ExtId>,
    /// Who asks for it, by the operator's id of them; the id of the signing key when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<ExtId>,
    /// At which desk; `admin` when absent, for a system that does it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<ActorRole>,
}

/// `POST /operator/v1/coupons/{extCouponID}/void`, whose body may be empty.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CouponVoidRequest {
    /// Who asks for it, by the operator's id of them; the id of the signing key when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<ExtId>,
    /// At which desk; `admin` when absent, for a system that does it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<ActorRole>,
    /// The operator's reference for the audit, such as a ticket. It must not identify the customer.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ExtId>,
}

crate::wire_enum! {
    /// The state of a coupon.
    pub enum CouponState {
        /// Its SMS is queued.
        Issued = "ISSUED",
        /// The SMS gateway has accepted its SMS.
        Sent = "SENT",
        /// Its SMS is on the customer's phone.
        Delivered = "DELIVERED",
        /// It was redeemed, and cannot be redeemed again.
        Redeemed = "REDEEMED",
        /// It expired without being redeemed.
        Expired = "EXPIRED",
        /// The operator voided it.
        Voided = "VOIDED",
    }
}

impl fmt::Display for CouponState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

crate::wire_enum! {
    /// Why the SMS with a code will not reach the customer's phone.
    pub enum UndeliveredReason {
        /// The gateway could not deliver it in time.
        Expired = "expired",
        /// It was deleted at the gateway.
        Deleted = "deleted",
        /// The gateway cannot deliver it.
        Undeliverable = "undeliverable",
        /// The gateway or the network rejected it after accepting it.
        Rejected = "rejected",
        /// The gateway did not accept it.
        Refused = "refused",
        /// Several attempts failed without saying whether the gateway accepted it.
        GivenUp = "given-up",
        /// It was not sent, because the number is unassigned or another subscriber's by now.
        NotSent = "not-sent",
    }
}

/// An SMS that will not be delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undelivered {
    /// When onbill learned of it.
    pub at: Timestamp,
    /// Why the SMS is not delivered.
    pub reason: UndeliveredReason,
    /// The gateway's own code, if it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// A coupon's ids and state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CouponResponse {
    /// The coupon's id at onbill.
    #[serde(rename = "couponID")]
    pub coupon_id: String,
    /// The operator's id of the coupon.
    #[serde(rename = "extCouponID")]
    pub ext_coupon_id: ExtId,
    /// The coupon's state.
    pub state: CouponState,
}

/// A coupon with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CouponDetails {
    /// Ids and state.
    #[serde(flatten)]
    pub coupon: CouponResponse,
    /// The coupon plan.
    pub plan: ExtId,
    /// The number of months that it pays for.
    pub months: u8,
    /// The offer that it pays for.
    pub offer: OfferId,
    /// The price, charged on redemption.
    pub amount: Money,
    /// The number of SMS with a code so far, each with another code.
    #[serde(rename = "texts")]
    pub sms_count: u32,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When the gateway accepted the newest SMS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// When the newest SMS was delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
    /// That the newest SMS will not be delivered, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undelivered: Option<Undelivered>,
    /// When it expires unless it is redeemed.
    pub expires_at: Timestamp,
    /// When it was redeemed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redeemed_at: Option<Timestamp>,
    /// The days that it pays for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_period: Option<ServicePeriod>,
    /// The id of its charge, by which billing knows it.
    #[serde(rename = "transactionID", default, skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// Whether it was redeemed for another person than its buyer.
    pub gift: bool,
    /// Whether billing declined its charge after the redemption, so that it was not paid for.
    pub unpaid: bool,
    /// When the operator voided it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voided_at: Option<Timestamp>,
}

/// `POST /ott/v1/coupon/redeem`: redeem a coupon.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CouponRedeemRequest {
    /// The code, as the customer typed it.
    pub code: String,
    /// The partner's id of this redemption; repeating it gets the stored response.
    pub ext_reference: ExtId,
    /// The subscriber whose subscription it pays for. When absent, it pays for the buyer's, unless
    /// the buyer has a subscription on the bill already (the partner would have sent its PAI): then
    /// it is a gift to a person whom onbill does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pai: Option<Pai>,
}

impl CouponRedeemRequest {
    /// The code; 400 `invalid-request` when it was mistyped, which no origin has to be asked about.
    pub fn parse_code(&self) -> Result<CouponCode, Reject> {
        CouponCode::parse(&self.code)
            .ok_or_else(|| Reject::invalid_request("code was mistyped: its symbols do not fit together."))
    }
}

/// A redeemed coupon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CouponRedeemResponse {
    /// Always `REDEEMED`: every other coupon is refused.
    pub status: String,
    /// The coupon plan.
    pub plan: ExtId,
    /// The number of months that it pays for.
    pub months: u8,
    /// The price that is charged to the buyer.
    pub amount: Money,
    /// The offer that it pays for.
    pub offer: OfferId,
    /// The subscriber whom the months are for; absent for a gift to a person without a PAI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pai: Option<Pai>,
    /// The operator that sold it.
    pub operator: OperatorId,
    /// The days that are paid for.
    pub service_period: ServicePeriod,
    /// The id of its charge, by which it is refunded and reconciled.
    #[serde(rename = "extTransactionID")]
    pub ext_transaction_id: ExtId,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coupon_code::CouponTag;
    use serde_json::json;

    #[test]
    fn coupon_request_has_the_members_of_the_contract() {
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
    fn undelivered_reason_is_the_same_word_in_json() {
        for reason in UndeliveredReason::ALL {
            assert_eq!(serde_json::to_value(reason).ok(), Some(json!(reason.as_str())));
            assert_eq!(UndeliveredReason::parse(reason.as_str()), Some(reason));
        }
        assert_eq!(UndeliveredReason::parse("lost"), None);
    }

    #[test]
    fn mistyped_coupon_code_is_refused_and_not_quoted() {
        let tag = CouponTag::parse("AC").expect("are symbols");
        let code = CouponCode::from_random(tag, [7; 10]).grouped();
        let request = |code: &str| CouponRedeemRequest {
            code: code.to_owned(),
            ext_reference: ExtId::parse("r-1").expect("is an identifier"),
            pai: None,
        };
        assert!(request(&code.to_lowercase()).parse_code().is_ok());
        let reject = request(&code[..23]).parse_code().err().expect("is one");
        assert_eq!(reject.code.as_str(), "invalid-request");
        assert!(!reject.message.contains(&code[..4]));
    }
}
