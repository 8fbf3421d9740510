//! Edge → origin, under `/edge/v1`: the steps of the widget and the edge's own lookups. The widget
//! calls the edge with the same bodies and an `operator`.
//!
//! Types that hold a number, a PIN or a token do not implement `Debug`.

use crate::account::AccountType;
use crate::agreement::{Agreement, SignupSummary};
use crate::ids::{ExtId, OfferId, OperatorId, PartnerId};
use crate::locale::Locale;
use crate::money::Money;
use crate::pai::Pai;
use crate::timestamp::Timestamp;
use crate::token::SignupOutcome;
use crate::wire::account_page::AccountPage;
use crate::wire::kv::PaiMapping;
use crate::wire::strict;
use serde::{Deserialize, Serialize};

/// Header of a forwarded OTT call with the partner's `signature-input`.
pub const PARTNER_SIGNATURE_INPUT_HEADER: &str = "onbill-partner-signature-input";
/// Header of a forwarded OTT call with the partner's `signature`.
pub const PARTNER_SIGNATURE_HEADER: &str = "onbill-partner-signature";
/// Header of a forwarded OTT call with the subscriber's handle, if the edge's store had one.
pub const SUBSCRIBER_HANDLE_HEADER: &str = "onbill-subscriber";

/// The member that every call of the widget has: the operator on whose site the widget is.
#[derive(Debug, Serialize, Deserialize)]
pub struct OperatorField {
    /// The operator whose origin the call is for.
    pub operator: OperatorId,
}

/// `POST /edge/v1/validate`: a customer entered a number.
#[derive(Serialize, Deserialize)]
pub struct ValidateRequest {
    /// What the customer wants to do.
    #[serde(flatten)]
    pub purpose: FlowPurpose,
    /// The number as typed.
    pub msisdn: String,
    /// The language of the widget.
    pub locale: Locale,
    /// The page of the operator's site to return to; the dashboard when absent.
    #[serde(rename = "returnURL", default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
    /// The site origin of the page around the widget's frame, where the browser gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// The dashboard's signed session assertion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// A secret that the widget's frame has drawn, and sends with the assertion. The frame that
    /// presents an assertion first is the only one that may present it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<ExtId>,
    /// What the edge says of a challenge; absent where it has none. Only the edge's word counts: it
    /// replaces what the widget sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<ChallengeState>,
}

crate::wire_enum! {
    /// Whether the caller is known to be a person.
    pub enum ChallengeState {
        /// It is not, and the edge can ask for a challenge.
        Offered = "offered",
        /// The caller has solved one for this call.
        Passed = "passed",
    }
}

/// The widget's member with the solution of a challenge, for the edge only.
#[derive(Serialize, Deserialize)]
pub struct ChallengeField {
    /// As the challenge's own script has given it.
    #[serde(rename = "challengeToken", default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// What a customer wants to do in the widget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FlowPurpose {
    /// `"view": "account"`: open the account page, which lists charges and can unlink.
    Account {
        /// Always `account`.
        view: WidgetView,
    },
    /// `"offer"`: sign up for an offer.
    SignUp {
        /// The offer to buy.
        offer: OfferId,
    },
}

crate::wire_enum! {
    /// A page of the widget other than the sign-up.
    pub enum WidgetView {
        /// The customer's subscriptions and charges.
        Account = "account",
    }
}

/// What the customer does next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "lowercase")]
#[cfg_attr(
    target_pointer_width = "64",
    expect(clippy::large_enum_variant, reason = "a step is made, sent and dropped: there are never many")
)]
pub enum FlowStep {
    /// Enter the PIN from the SMS. The step is the same for every number, with an account or not.
    #[serde(rename_all = "camelCase")]
    Pin {
        /// The flow to continue. A customer with both it and the PIN has proved the number.
        flow: String,
        /// When the PIN expires.
        expires_at: Timestamp,
        /// The number of digits of the PIN.
        digits: usize,
    },
    /// Read what is agreed and continue to the partner.
    Confirm {
        /// The flow to continue, which also says which words are shown.
        flow: String,
        /// How the account pays.
        #[serde(rename = "type")]
        account_type: AccountType,
        /// The offer to confirm.
        #[serde(deserialize_with = "strict")]
        offer: OfferView,
        /// What the customer agrees to, in the words to show.
        #[serde(deserialize_with = "strict")]
        agreement: Agreement,
        /// Why the step is shown again, in a sentence for the customer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        notice: Option<String>,
    },
    /// Stop, because the subscriber already pays this partner on the bill. The flow opens the
    /// account page.
    #[serde(rename = "already-on-bill")]
    AlreadyOnBill {
        /// The flow, in which the number is proved.
        flow: String,
    },
    /// Read the account page.
    Account {
        /// The flow to continue.
        flow: String,
        /// The account page.
        #[serde(flatten)]
        page: AccountPage,
    },
}

/// An offer, as the customer reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferView {
    /// The offer's id.
    pub id: OfferId,
    /// The offer's title.
    pub title: String,
    /// The partner that delivers it.
    pub partner: PartnerId,
    /// The monthly price.
    pub price: Money,
}

/// `POST /edge/v1/pin`: the customer entered a PIN.
#[derive(Serialize, Deserialize)]
pub struct PinRequest {
    /// The flow that the PIN belongs to.
    pub flow: String,
    /// The PIN as typed.
    pub pin: String,
}

/// `POST /edge/v1/signup`: the customer continues to the partner.
#[derive(Serialize, Deserialize)]
pub struct SignupRequest {
    /// The flow in which the number was proved.
    pub flow: String,
}

/// What becomes of a sign-up that the customer has agreed to.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub enum SignupAnswer {
    /// It can begin.
    Begins(#[serde(deserialize_with = "strict")] Box<SignupResponse>),
    /// The words are others by now, and the customer has to read them first.
    ReadAgain(#[serde(deserialize_with = "strict")] Box<FlowStep>),
}

/// What the edge needs to open the partner's sign-up.
#[derive(Serialize, Deserialize)]
pub struct SignupResponse {
    /// The partner whose sign-up is opened.
    pub partner: PartnerId,
    /// The sign-up token.
    pub token: String,
    /// The PAI that the token is for.
    pub pai: Pai,
    /// What the edge stores of the PAI.
    pub mapping: PaiMapping,
    /// The customer's language.
    pub locale: Locale,
    /// Where the partner sends the customer afterwards: the edge's return page.
    #[serde(rename = "returnURL")]
    pub return_url: String,
}

/// `POST /edge/v1/return`: a customer returned from the partner.
#[derive(Serialize, Deserialize)]
pub struct ReturnRequest {
    /// The ticket in the return page's URL.
    pub ticket: String,
    /// Whether that URL has `outcome=cancelled`, by which the partner says that the customer left
    /// without finishing. It came through a browser, so it can only turn pending into cancelled and
    /// never changes a success.
    #[serde(default)]
    pub cancelled: bool,
}

/// Where to send the customer.
#[derive(Serialize, Deserialize)]
pub struct ReturnResponse {
    /// The operator's page, with the signed result in its query.
    pub location: String,
}

/// `POST /edge/v1/result`: the widget shows the outcome of a sign-up.
#[derive(Serialize, Deserialize)]
pub struct ResultRequest {
    /// The signed result from the return URL.
    pub result: String,
    /// The language of the words.
    #[serde(default)]
    pub locale: Locale,
}

/// A verified result.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultResponse {
    /// The outcome of the sign-up.
    pub outcome: SignupOutcome,
    /// The offer that was signed up for.
    pub offer: OfferView,
    /// The operator's page on which the customer sees what is charged, if it has one.
    #[serde(rename = "accountURL", default, skip_serializing_if = "Option::is_none")]
    pub account_url: Option<String>,
    /// What was signed up for, on success, in the words to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<SignupSummary>,
}

/// `POST /edge/v1/pai`: does this origin have that PAI? 200 with the mapping, or 404
/// `pai-not-found`.
#[derive(Debug, Serialize, Deserialize)]
pub struct PaiLookupRequest {
    /// The partner that sent the PAI.
    pub partner: PartnerId,
    /// The PAI to look up.
    pub pai: Pai,
}

/// `POST /edge/v1/transaction`: does this origin have that charge? 200, or 404
/// `transaction-not-found`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionLookupRequest {
    /// The partner that sent the id.
    pub partner: PartnerId,
    /// The partner's id of the charge.
    #[serde(rename = "extTransactionID")]
    pub ext_transaction_id: ExtId,
}

/// `POST /edge/v1/subscription`: does this origin have that subscription? 200, or 404
/// `pai-not-found`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionLookupRequest {
    /// The partner that sent the id.
    pub partner: PartnerId,
    /// The subscription's id at onbill, as the partner sent it.
    #[serde(rename = "partnerSubscriptionID")]
    pub partner_subscription_id: ExtId,
}

/// The origin has what was looked up.
#[derive(Debug, Serialize, Deserialize)]
pub struct LookupResponse {
    /// The operator of the origin.
    pub operator: OperatorId,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn confirm() -> serde_json::Value {
        json!({"step": "confirm", "flow": "f", "type": "postpaid", "notice": "changed",
            "offer": {"id": "standard", "title": "T", "partner": "netflix",
                      "price": {"value": 1599, "currency": "USD"}},
            "agreement": {"title": "t", "rows": [], "note": "n", "consent": "c", "links": [], "accept": "a",
                          "price": {"value": 1599, "currency": "USD"}}})
    }

    /// An edge from before there was such an answer takes it for none, and the customer may try again.
    #[test]
    fn step_to_be_read_again_is_no_sign_up() {
        assert!(matches!(serde_json::from_value(confirm()), Ok(SignupAnswer::ReadAgain(_))));
        assert!(serde_json::from_value::<SignupResponse>(confirm()).is_err());
    }
}
