//! The customer's own page in the widget: what they have linked, what was charged, and unlinking. Edge → origin, under
//! `/edge/v1/account`; the widget's calls to the edge have the same bodies with `operator` added.
//!
//! A browser gets these answers: no PAI and no number is in them.

use crate::day::ServicePeriod;
use crate::decline_reason::DeclineReason;
use crate::ids::PartnerId;
use crate::money::Money;
use crate::pai::PaiState;
use crate::timestamp::Timestamp;
use crate::wire::ott::TransactionStatus;
use crate::wire::subscription::SubscriptionStatus;
use serde::{Deserialize, Serialize};

/// `POST /edge/v1/account`: the holder of a proven number looks at their page.
#[derive(Serialize, Deserialize)]
pub struct AccountPageRequest {
    /// The flow, proven.
    pub flow: String,
    /// Where the charges go on, from the page before; the newest when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// What the holder of a number sees of it. With a cursor, it is the same but for older charges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountPage {
    /// What is linked, then what has ended, each with the newest first; at most
    /// [`ACCOUNT_SUBSCRIPTIONS_MAX`](crate::limits::ACCOUNT_SUBSCRIPTIONS_MAX).
    pub subscriptions: Vec<SubscriptionView>,
    /// Charges of all of them, newest first; at most [`ACCOUNT_CHARGES_PER_PAGE`](crate::limits::ACCOUNT_CHARGES_PER_PAGE).
    pub charges: Vec<ChargeView>,
    /// Where older ones go on; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A link to a partner, as the customer reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionView {
    /// Its name within this flow.
    pub subscription: String,
    /// Who may charge.
    pub partner: PartnerId,
    /// What was subscribed to, as far as it is on sale here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// How it stands.
    pub state: PaiState,
    /// How the partner says that the subscription stands, if it has told of one. What is cancelled there is not charged, but
    /// it could be for as long as it is linked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<SubscriptionStatus>,
    /// How it ended, when it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<ClosureView>,
}

/// The end of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosureView {
    /// When; what ended before that was written down has no time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Why: one of the reasons that end a PAI.
    pub reason: DeclineReason,
}

/// A charge, as the customer reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChargeView {
    /// Who charged.
    pub partner: PartnerId,
    /// When.
    pub at: Timestamp,
    /// For what, in the partner's words.
    pub description: String,
    /// The days it pays for.
    pub service_period: ServicePeriod,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub status: TransactionStatus,
    /// Why it was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline_reason: Option<DeclineReason>,
    /// What was given back of it, if anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded: Option<Money>,
    /// What is on its way back, if anything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunding: Option<Money>,
}

/// `POST /edge/v1/account/unlink`: the customer ends a link, for ever. Again is the same.
#[derive(Serialize, Deserialize)]
pub struct UnlinkRequest {
    /// The flow, proven.
    pub flow: String,
    /// The link's name within it.
    pub subscription: String,
}

/// The link as it stands now: ended, by this call or by whatever came first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnlinkResponse {
    /// It.
    pub subscription: SubscriptionView,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency;
    use crate::day::Day;
    use crate::encoding::encode_base64url;
    use crate::limits::{
        ACCOUNT_CHARGES_PER_PAGE, ACCOUNT_SUBSCRIPTIONS_MAX, BODY_BYTES_MAX, CHARGE_MINOR_MAX,
        DESCRIPTION_CHARS_MAX,
    };
    use crate::wire::edge::FlowStep;

    /// The edge takes no larger answer from an origin.
    #[test]
    fn the_longest_page_is_within_the_limit_of_an_answer() {
        let at = Timestamp::from_unix_seconds(1_795_000_000);
        let day = |text| Day::parse(text).expect("is a day");
        let partner = PartnerId::parse(&"p".repeat(40)).expect("is a slug");
        let amount =
            Money { amount_minor: CHARGE_MINOR_MAX, currency: Currency::parse("USD").expect("is listed") };
        // Of four bytes each.
        let longest_text = "🎬".repeat(DESCRIPTION_CHARS_MAX);
        let longest_reason = DeclineReason::ALL
            .into_iter()
            .max_by_key(|reason| reason.as_str().len())
            .expect("there are some");
        let subscription = SubscriptionView {
            subscription: encode_base64url(&[7; 32]),
            partner: partner.clone(),
            title: Some(longest_text.clone()),
            since: at,
            state: PaiState::Suspended,
            status: Some(SubscriptionStatus::Cancelled),
            ended: Some(ClosureView { at: Some(at), reason: longest_reason }),
        };
        let charge = ChargeView {
            partner,
            at,
            description: longest_text,
            service_period: ServicePeriod::new(day("2026-12-01"), day("2026-12-31")).expect("is a period"),
            amount,
            status: TransactionStatus::Declined,
            decline_reason: Some(longest_reason),
            refunded: Some(amount),
            refunding: Some(amount),
        };
        let page = AccountPage {
            subscriptions: vec![subscription; ACCOUNT_SUBSCRIPTIONS_MAX],
            charges: vec![charge; ACCOUNT_CHARGES_PER_PAGE as usize],
            cursor: Some("c".repeat(80)),
        };
        let flow = format!("{0}.{0}", encode_base64url(&[7; 32]));
        let step = serde_json::to_vec(&FlowStep::Account { flow, page }).expect("is JSON");
        assert!(step.len() <= BODY_BYTES_MAX, "{} bytes", step.len());
    }
}
