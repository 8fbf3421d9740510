//! The customer's account page in the widget: linked subscriptions, charges, and unlinking.
//! Edge → origin, under `/edge/v1/account`; the widget calls the edge with the same bodies and an
//! `operator`.
//!
//! A browser reads these responses, so they have no PAI and no number.

use crate::day::{Day, ServicePeriod};
use crate::decline_reason::DeclineReason;
use crate::ids::PartnerId;
use crate::money::Money;
use crate::pai::PaiState;
use crate::timestamp::Timestamp;
use crate::wire::ott::TransactionStatus;
use crate::wire::strict;
use crate::wire::subscription::SubscriptionStatus;
use serde::{Deserialize, Serialize};

/// `POST /edge/v1/account`: a customer opens the account page of a number they have proved.
#[derive(Serialize, Deserialize)]
pub struct AccountPageRequest {
    /// The flow in which the number was proved.
    pub flow: String,
    /// The cursor of the previous page; the newest charges when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// The account page. A page after a cursor has the same subscriptions and older charges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountPage {
    /// Linked subscriptions, then closed ones, each newest first; at most
    /// [`ACCOUNT_SUBSCRIPTIONS_MAX`](crate::limits::ACCOUNT_SUBSCRIPTIONS_MAX).
    #[serde(deserialize_with = "strict")]
    pub subscriptions: Vec<SubscriptionView>,
    /// Charges of all subscriptions, newest first; at most
    /// [`ACCOUNT_CHARGES_PER_PAGE`](crate::limits::ACCOUNT_CHARGES_PER_PAGE).
    #[serde(deserialize_with = "strict")]
    pub charges: Vec<ChargeView>,
    /// The cursor of older charges; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A subscription with a partner, as the customer reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionView {
    /// The subscription's id within this flow, which is no PAI.
    pub subscription: String,
    /// The partner that may charge for it.
    pub partner: PartnerId,
    /// The offer's title, while the offer is on sale here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// When the customer signed up.
    pub since: Timestamp,
    /// The state of its PAI.
    pub state: PaiState,
    /// The status that the partner has reported, if any. A cancelled subscription is not charged;
    /// [`can_unlink`](Self::can_unlink) says whether its PAI still could be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<SubscriptionStatus>,
    /// The last day that coupons have paid for, from today on. These days end with the PAI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_until: Option<Day>,
    /// Nothing but coupons has paid for it: it ends after [`paid_until`](Self::paid_until), and nothing
    /// is charged then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ends_by_itself: bool,
    /// Whether the partner could still charge for it, so that unlinking it ends something. Origins of
    /// before do not say.
    #[serde(default = "is_unlinkable_by_default")]
    pub can_unlink: bool,
    /// When and why its PAI was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<ClosureView>,
}

/// To unlink once too often does no harm.
fn is_unlinkable_by_default() -> bool {
    true
}

/// When and why a PAI was closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosureView {
    /// When the PAI was closed; absent when that was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// One of the reasons that close a PAI: see [`DeclineReason::closes_pai`].
    pub reason: DeclineReason,
}

/// A charge, as the customer reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChargeView {
    /// The partner that charged.
    pub partner: PartnerId,
    /// When the charge was posted.
    pub at: Timestamp,
    /// The partner's description of it.
    pub description: String,
    /// The days that it pays for.
    pub service_period: ServicePeriod,
    /// The amount, tax included.
    pub amount: Money,
    /// Whether billing has approved it.
    pub status: TransactionStatus,
    /// Why it was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline_reason: Option<DeclineReason>,
    /// The date of the bill that it is on, if billing has reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billed_on: Option<Day>,
    /// The amount that was refunded, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded: Option<Money>,
    /// The amount of its pending refunds, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunding: Option<Money>,
    /// Our id of an approved charge, for its receipt: billing and partner know it as well. Origins of
    /// before do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The tax in an approved charge, if the partner has stated it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<Money>,
}

/// `POST /edge/v1/account/unlink`: the customer unlinks a subscription permanently. Repeating the
/// call changes nothing.
#[derive(Serialize, Deserialize)]
pub struct UnlinkRequest {
    /// The flow in which the number was proved.
    pub flow: String,
    /// The subscription's id within the flow.
    pub subscription: String,
}

/// The subscription after the call: closed, by this call or by an earlier event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnlinkResponse {
    /// The closed subscription.
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

    /// The edge refuses larger responses of an origin.
    #[test]
    fn longest_account_page_fits_the_body_limit() {
        let at = Timestamp::from_unix_seconds(1_795_000_000);
        let day = |text| Day::parse(text).expect("is a day");
        let partner = PartnerId::parse(&"p".repeat(40)).expect("is a slug");
        let amount =
            Money { amount_minor: CHARGE_MINOR_MAX, currency: Currency::parse("USD").expect("is listed") };
        // Characters of four bytes each.
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
            paid_until: Some(day("2027-05-27")),
            ends_by_itself: true,
            can_unlink: false,
            ended: Some(ClosureView { at: Some(at), reason: longest_reason }),
        };
        // An approved charge has the most to say: it has no reason, and a declined one nothing else.
        let charge = ChargeView {
            partner,
            at,
            description: longest_text,
            service_period: ServicePeriod::new(day("2026-12-01"), day("2026-12-31")).expect("is a period"),
            amount,
            status: TransactionStatus::Approved,
            decline_reason: None,
            billed_on: Some(day("2026-12-14")),
            refunded: Some(amount),
            refunding: Some(amount),
            reference: Some("025e8d4f-7b0c-853e-9154-6ff3b4c6e085".to_owned()),
            tax: Some(amount),
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
