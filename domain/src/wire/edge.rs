//! Edge → origin: the widget's steps and the edge's own questions, under `/edge/v1`. The widget's calls to the edge
//! have the same bodies with `operator` added.
//!
//! Types that hold a number, a PIN or a token have no `Debug`.

use crate::account::AccountType;
use crate::ids::{ExtId, OfferId, OperatorId, PartnerId};
use crate::locale::Locale;
use crate::money::Money;
use crate::pai::Pai;
use crate::timestamp::Timestamp;
use crate::token::SignupOutcome;
use crate::wire::account_page::AccountPage;
use crate::wire::kv::PaiMapping;
use serde::{Deserialize, Serialize};

/// Header of a forwarded OTT call: the partner's `signature-input`.
pub const PARTNER_SIGNATURE_INPUT_HEADER: &str = "onbill-partner-signature-input";
/// Header of a forwarded OTT call: the partner's `signature`.
pub const PARTNER_SIGNATURE_HEADER: &str = "onbill-partner-signature";
/// Header of a forwarded OTT call: the subscriber's handle from the edge's store, when it had one.
pub const SUBSCRIBER_HANDLE_HEADER: &str = "onbill-subscriber";

/// What every call of the widget says first: which operator's page it is on.
#[derive(Debug, Serialize, Deserialize)]
pub struct OperatorField {
    /// The operator.
    pub operator: OperatorId,
}

/// `POST /edge/v1/validate`: a customer entered a number.
#[derive(Serialize, Deserialize)]
pub struct ValidateRequest {
    /// What they have come for.
    #[serde(flatten)]
    pub purpose: FlowPurpose,
    /// The number as typed.
    pub msisdn: String,
    /// The language they are reading.
    pub locale: Locale,
    /// Where on the operator's site they want to end up; the dashboard itself when absent.
    #[serde(rename = "returnURL", default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
    /// The dashboard's signed assertion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// What a customer has come to the widget for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FlowPurpose {
    /// `"view": "account"`: to see what is charged to their number, and perhaps to end it.
    Account {
        /// Which it is.
        view: WidgetView,
    },
    /// `"offer"`: to buy.
    SignUp {
        /// What.
        offer: OfferId,
    },
}

/// What the widget shows beside the way to buy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WidgetView {
    /// What is linked to a number, and what was charged to it.
    Account,
}

/// What the customer does next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "lowercase")]
pub enum FlowStep {
    /// Enter the PIN from the text message. The same for every number.
    #[serde(rename_all = "camelCase")]
    Pin {
        /// The flow to continue: whoever holds it and the PIN has proved the number.
        flow: String,
        /// When the PIN is over.
        expires_at: Timestamp,
        /// How many digits it has.
        digits: usize,
    },
    /// Read the offer and go on to the partner.
    Confirm {
        /// The flow to continue.
        flow: String,
        /// How the account pays.
        #[serde(rename = "type")]
        account_type: AccountType,
        /// What is on offer.
        offer: OfferView,
    },
    /// Nothing is to be bought: the subscriber pays this partner on the bill. The flow opens their own page.
    #[serde(rename = "already-on-bill")]
    AlreadyOnBill {
        /// The flow, proven.
        flow: String,
    },
    /// Read their own page.
    Account {
        /// The flow to continue.
        flow: String,
        /// The page.
        #[serde(flatten)]
        page: AccountPage,
    },
}

/// An offer as the customer reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferView {
    /// Its name.
    pub id: OfferId,
    /// Its title.
    pub title: String,
    /// The partner who delivers it.
    pub partner: PartnerId,
    /// Its monthly price.
    pub price: Money,
}

/// `POST /edge/v1/pin`: the customer entered a PIN.
#[derive(Serialize, Deserialize)]
pub struct PinRequest {
    /// The flow.
    pub flow: String,
    /// The PIN as typed.
    pub pin: String,
}

/// `POST /edge/v1/signup`: the customer goes on to the partner.
#[derive(Serialize, Deserialize)]
pub struct SignupRequest {
    /// The flow, proven.
    pub flow: String,
}

/// What the edge needs to open the partner's sign-up.
#[derive(Serialize, Deserialize)]
pub struct SignupResponse {
    /// Whom to open it at.
    pub partner: PartnerId,
    /// The sign-up token.
    pub token: String,
    /// The PAI it stands for.
    pub pai: Pai,
    /// What the edge keeps of it.
    pub mapping: PaiMapping,
    /// The language.
    pub locale: Locale,
    /// Where the partner sends the customer afterwards: the edge's return page.
    #[serde(rename = "returnURL")]
    pub return_url: String,
}

/// `POST /edge/v1/return`: a customer came back from the partner.
#[derive(Serialize, Deserialize)]
pub struct ReturnRequest {
    /// The ticket in the return page's URL.
    pub ticket: String,
    /// The partner says, by `outcome=cancelled` in that URL, that the customer left without finishing. It came
    /// through a browser: it can only turn "not known yet" into "cancelled", never a success into anything else.
    #[serde(default)]
    pub cancelled: bool,
}

/// How it ended and where to go.
#[derive(Serialize, Deserialize)]
pub struct ReturnResponse {
    /// The operator's page, with the signed result in its query.
    pub location: String,
}

/// `POST /edge/v1/result`: the widget shows how it ended.
#[derive(Serialize, Deserialize)]
pub struct ResultRequest {
    /// The signed result from the return URL.
    pub result: String,
}

/// A checked result.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultResponse {
    /// How it ended.
    pub outcome: SignupOutcome,
    /// What was being signed up for.
    pub offer: OfferView,
}

/// `POST /edge/v1/pai`: does this origin own that PAI? 200 with the mapping, or 404 `pai-not-found`.
#[derive(Debug, Serialize, Deserialize)]
pub struct PaiLookupRequest {
    /// The partner who named it.
    pub partner: PartnerId,
    /// The PAI.
    pub pai: Pai,
}

/// `POST /edge/v1/transaction`: does this origin have a charge of that name? 200, or 404 `transaction-not-found`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionLookupRequest {
    /// The partner who named it.
    pub partner: PartnerId,
    /// The partner's name for it.
    #[serde(rename = "extTransactionID")]
    pub ext_transaction_id: ExtId,
}

/// `POST /edge/v1/subscription`: does this origin have that subscription? 200, or 404 `pai-not-found`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionLookupRequest {
    /// The partner who named it.
    pub partner: PartnerId,
    /// Our name for it, as the partner gave it.
    #[serde(rename = "partnerSubscriptionID")]
    pub partner_subscription_id: ExtId,
}

/// It does.
#[derive(Debug, Serialize, Deserialize)]
pub struct LookupResponse {
    /// Whose it is: the operator that answers.
    pub operator: OperatorId,
}
