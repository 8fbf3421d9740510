//! Partner → edge → origin: the OTT API for an app on a device that reads the number of its SIM.
//!
//! The partner sends the number here, and no response has it. Types that hold a number or a PIN do
//! not implement `Debug`.

use crate::account::AccountType;
use crate::day::Day;
use crate::ids::{ExtId, OfferId, OperatorId};
use crate::locale::Locale;
use crate::msisdn::Msisdn;
use crate::pai::Pai;
use crate::timestamp::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

/// `POST /account/validate`: may this subscriber pay on the bill, and under which PAI?
#[derive(Serialize, Deserialize)]
pub struct DeviceValidateRequest {
    /// The number, as the app read it.
    pub msisdn: Msisdn,
    /// The operator of the SIM; required where the edge serves several operators with this partner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<OperatorId>,
    /// The offer to buy; the partner's cheapest when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferId>,
    /// The PIN from the SMS, where the operator requires one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
    /// The id of the PIN; the newest that was sent to the number when absent.
    #[serde(rename = "pinID", default, skip_serializing_if = "Option::is_none")]
    pub pin_id: Option<ExtId>,
    /// Where the customer is, such as `APP`, in the partner's own words. It decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ExtId>,
}

/// An account that may pay on the bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceValidateResponse {
    /// Always `ACTIVE`: every other account is refused.
    pub status: String,
    /// How the account pays.
    #[serde(rename = "type")]
    pub account_type: AccountType,
    /// The subscriber's PAI for this partner.
    pub pai: Pai,
    /// The subscriber's operator.
    pub operator: OperatorId,
    /// The last day that coupons have paid for; charges begin the day after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_until: Option<Day>,
}

/// `POST /pin`: send a PIN to a number.
#[derive(Serialize, Deserialize)]
pub struct DevicePinRequest {
    /// The number, as the app read it.
    pub msisdn: Msisdn,
    /// The operator of the SIM; required where the edge serves several operators with this partner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<OperatorId>,
    /// The language of the SMS, by any tag such as `es-MX`; English when absent or not supported.
    #[serde(default, deserialize_with = "deserialize_language_tag")]
    pub locale: Locale,
}

fn deserialize_language_tag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Locale, D::Error> {
    let tag = Option::<String>::deserialize(deserializer)?;
    Ok(tag.and_then(|tag| Locale::from_tag(&tag)).unwrap_or_default())
}

/// A PIN is on its way, if the number has an account. The response does not say whether it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DevicePinResponse {
    /// The id of this PIN.
    #[serde(rename = "pinID")]
    pub pin_id: ExtId,
    /// When the PIN expires.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn code<T: serde::de::DeserializeOwned>(body: &Value) -> Option<&'static str> {
        crate::wire::parse::<T>(body.to_string().as_bytes()).err().map(|reject| reject.code.as_str())
    }

    #[test]
    fn device_request_needs_an_e164_number_only() {
        let mut body = json!({"msisdn": "+12025550101", "unknown": true});
        assert_eq!(code::<DeviceValidateRequest>(&body), None);
        assert_eq!(code::<DevicePinRequest>(&body), None);
        for (member, value) in
            [("operator", "acme"), ("offer", "netflix-standard"), ("pin", "012345"), ("channel", "APP")]
        {
            body[member] = json!(value);
        }
        body["pinID"] = json!("p-1");
        body["locale"] = json!("es");
        assert_eq!(code::<DeviceValidateRequest>(&body), None);
        assert_eq!(code::<DevicePinRequest>(&body), None);
        for good in ["+1 202 555 0101", "+1 (202) 555\u{2011}0101"] {
            body["msisdn"] = json!(good);
            assert_eq!(code::<DeviceValidateRequest>(&body), None, "{good}");
            assert_eq!(code::<DevicePinRequest>(&body), None, "{good}");
        }
        for bad in ["2025550101", "+1 202 555 0101 ext. 5", "12025550101", "+0202555010", ""] {
            body["msisdn"] = json!(bad);
            assert_eq!(code::<DeviceValidateRequest>(&body), Some("invalid-request"), "{bad}");
            assert_eq!(code::<DevicePinRequest>(&body), Some("invalid-request"), "{bad}");
        }
        // A JSON number would have lost its leading zero.
        let pin = json!({"msisdn": "+12025550101", "pin": 12345});
        assert_eq!(code::<DeviceValidateRequest>(&pin), Some("invalid-request"));
    }

    #[test]
    fn unknown_language_tag_means_english() {
        for (tag, locale) in
            [("es-MX", Locale::Es), ("ar", Locale::Ar), ("tlh", Locale::En), ("", Locale::En)]
        {
            let body = json!({"msisdn": "+12025550101", "locale": tag}).to_string();
            let request: DevicePinRequest = crate::wire::parse(body.as_bytes()).expect("is taken");
            assert_eq!(request.locale, locale, "{tag}");
        }
    }

    #[test]
    fn device_responses_have_the_members_of_the_contract() {
        let response = DeviceValidateResponse {
            status: "ACTIVE".to_owned(),
            account_type: AccountType::Postpaid,
            pai: Pai::from_random([1; 16]),
            operator: OperatorId::parse("acme").expect("is a slug"),
            paid_until: None,
        };
        assert_eq!(
            serde_json::to_value(&response).expect("is JSON"),
            json!({"status": "ACTIVE", "type": "postpaid", "pai": "01010101-0101-4101-8101-010101010101",
                   "operator": "acme"})
        );
        let pin = DevicePinResponse {
            pin_id: ExtId::parse("p-1").expect("is an identifier"),
            expires_at: Timestamp::from_unix_seconds(1_795_000_000),
        };
        assert_eq!(
            serde_json::to_value(&pin).expect("is JSON"),
            json!({"pinID": "p-1", "expiresAt": "2026-11-18T11:06:40Z"})
        );
    }
}
