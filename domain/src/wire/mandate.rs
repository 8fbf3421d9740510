//! The operator's systems → origin, under `/operator/v1`: what customers have agreed to, as evidence.
//! There is no number in it.

use crate::day::Day;
use crate::decline_reason::DeclineReason;
use crate::digest::sha256;
use crate::ids::{ExtId, OfferId, PartnerId};
use crate::locale::Locale;
use crate::mandate::MandateProof;
use crate::money::Money;
use crate::pai::Pai;
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// The query of `GET /mandates`.
#[derive(Debug, Serialize, Deserialize)]
pub struct MandatesQuery {
    /// The first day on which they were recorded, in UTC.
    pub from: Day,
    /// The last such day, included.
    pub to: Day,
    /// `next` of the previous page; the first page when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A page of mandates, in the order in which they were recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MandatesResponse {
    /// At most [`MANDATES_PER_PAGE`](crate::limits::MANDATES_PER_PAGE) lines.
    pub mandates: Vec<MandateLine>,
    /// The cursor of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The end of the chain, on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<ChainEnd>,
}

/// Where a chain of lines ends: without it, lines that are missing at the end would not be missed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainEnd {
    /// How many lines the chain has.
    pub lines: u64,
    /// The hash of the last one.
    pub hash: String,
}

/// One mandate. Each line has the hash of the one before, so that none can be left out or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MandateLine {
    /// The mandate's id at onbill.
    #[serde(rename = "mandateID")]
    pub mandate_id: String,
    /// The partner to whom the customer agreed.
    pub partner: PartnerId,
    /// The customer's PAI.
    pub pai: Pai,
    /// The operator's offer, if the plan is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferId>,
    /// The partner's plan.
    pub plan: ExtId,
    /// The price for a period, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// Always `month`.
    pub period: String,
    /// The terms, by the operator's id.
    #[serde(rename = "termsID", default, skip_serializing_if = "Option::is_none")]
    pub terms_id: Option<String>,
    /// The SHA-256 of their text, in hex.
    #[serde(rename = "termsSHA256", default, skip_serializing_if = "Option::is_none")]
    pub terms_sha256: Option<String>,
    /// The SHA-256 of the words that the customer saw, in hex.
    #[serde(rename = "wordsSHA256", default, skip_serializing_if = "Option::is_none")]
    pub words_sha256: Option<String>,
    /// The customer's language, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// How the number was proved.
    pub proof: MandateProof,
    /// By what: a flow's hash in base64url, or a partner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_reference: Option<String>,
    /// When the customer agreed.
    pub accepted_at: Timestamp,
    /// When that was recorded.
    pub recorded_at: Timestamp,
    /// The mandate that this one continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<String>,
    /// The subscription; absent for a visit of the widget, which covers nothing by itself.
    #[serde(rename = "partnerSubscriptionID", default, skip_serializing_if = "Option::is_none")]
    pub partner_subscription_id: Option<String>,
    /// The first day that it covers, in the operator's time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_force_from: Option<Day>,
    /// The partner's id of the change that it came of.
    #[serde(rename = "changeID", default, skip_serializing_if = "Option::is_none")]
    pub change_id: Option<ExtId>,
    /// When the subscription was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Why its PAI was closed then; absent if the partner has cancelled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<DeclineReason>,
    /// The hash of the line before, or of nothing for the first.
    pub previous: String,
    /// The SHA-256, in hex, of this line's JSON text before `,"hash"`.
    pub hash: String,
}

/// What the text of a line ends with, before its hash.
const BEFORE_HASH: &str = ",\"hash\":\"";

/// `previous` of the first line.
pub fn first_previous() -> String {
    to_hex(&sha256(b""))
}

/// Lower-case hex.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl MandateLine {
    /// Puts the line behind the one with this hash, and gives its own hash.
    pub fn chain(&mut self, previous: &str) -> Result<String, serde_json::Error> {
        previous.clone_into(&mut self.previous);
        self.hash = String::new();
        let text = serde_json::to_string(self)?;
        self.hash = hash_of_text(&text).unwrap_or_default();
        Ok(self.hash.clone())
    }
}

/// The hash that the text of a line must have; `None` if it is not the text of a line.
pub fn hash_of_text(line: &str) -> Option<String> {
    let (hashed, rest) = line.rsplit_once(BEFORE_HASH)?;
    rest.ends_with("\"}").then(|| to_hex(&sha256(hashed.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn line_is_pinned_with_its_hash() {
        let mut line: MandateLine = serde_json::from_value(json!({
            "mandateID": "ps-1", "partner": "netflix", "pai": "01010101-0101-4101-8101-010101010101",
            "plan": "standard", "period": "month", "proof": "pin", "acceptedAt": "2026-11-18T11:06:40Z",
            "recordedAt": "2026-11-18T11:06:40Z", "previous": "", "hash": "",
        }))
        .expect("is a line");
        let hash = line.chain(&first_previous()).expect("is JSON");
        let hashed = r#"{"mandateID":"ps-1","partner":"netflix","pai":"01010101-0101-4101-8101-010101010101","plan":"standard","period":"month","proof":"pin","acceptedAt":"2026-11-18T11:06:40Z","recordedAt":"2026-11-18T11:06:40Z","previous":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855""#;
        assert_eq!(hash, to_hex(&sha256(hashed.as_bytes())));
        let text = serde_json::to_string(&line).expect("is JSON");
        assert_eq!(text, format!("{hashed},\"hash\":\"{hash}\"}}"));
        assert_eq!(hash_of_text(&text), Some(hash));
        assert_eq!(hash_of_text("{}"), None);
    }
}
