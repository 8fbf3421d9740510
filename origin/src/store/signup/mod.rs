//! Sign-up tokens: issued to a number's subscriber, spent once.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::mandate::{MandateRow, WidgetAgreement};
use crate::store::number::Hash;
use crate::store::pai::{NewPai, PaiRow};
use onbill_domain::account::AccountType;
use onbill_domain::day::Day;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::locale::Locale;
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::token::SignupOutcome;
use onbill_domain::wire::ott::SubscriptionSource;

impl Store {
    /// Records a sign-up token that is about to be signed, with what the customer agrees to, for the PAI that [`Store::issue_pai`]
    /// would give. The edge learns of a new PAI by the response.
    pub async fn issue_signup(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewSignup,
    ) -> Result<IssueSignupResult, StoreError> {
        use_case!(self, write(nonce), issue_signup(now, &new))
    }

    /// Spends a sign-up token, once. The same reference may spend it again.
    pub async fn spend_token(
        &self,
        nonce: Nonce,
        now: Timestamp,
        partner: PartnerId,
        jti: String,
        ext_reference: ExtId,
    ) -> Result<SpendTokenResult, StoreError> {
        use_case!(self, write(nonce), spend_token(now, &partner, &jti, &ext_reference))
    }

    /// How the visit to the partner went, by the ticket of its return page. `None` if there is no such visit, or the
    /// subscription that came of it has ended.
    pub async fn find_signup_result(&self, ticket: Hash) -> Result<Option<SignupResult>, StoreError> {
        use_case!(self, read, find_signup_result(&ticket))
    }

    /// How a subscription that came of a sign-up began, and whether it has been charged. `None` once it has ended.
    pub async fn find_subscription_start(
        &self,
        subscription_id: String,
        today: Day,
    ) -> Result<Option<SubscriptionStart>, StoreError> {
        use_case!(self, read, find_subscription_start(&subscription_id, today))
    }
}

#[derive(Clone, Debug)]
pub struct NewSignup {
    pub jti: String,
    /// Hash of the ticket in the return page's URL.
    pub ticket: Hash,
    pub pai: NewPai,
    pub account_type: AccountType,
    pub offer: OfferId,
    pub locale: Locale,
    pub partner_return_url: String,
    pub return_url: String,
    /// What the customer agrees to by continuing to the partner.
    pub agreed: WidgetAgreement,
}

impl NewSignup {
    /// The mandate that is recorded with the token.
    fn to_mandate(&self, now: Timestamp, pai: Pai) -> MandateRow {
        MandateRow::of_visit(&self.jti, &self.pai.partner, pai, &self.offer, &self.agreed, now)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssueSignupResult {
    /// It may be signed.
    Issued(PaiRow),
    /// The subscriber has a live subscription of this partner.
    AlreadyOnBill,
    /// The flow that has proved the number is over.
    FlowOver,
}

/// The result for the partner that spends a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signup {
    pub pai: Pai,
    pub offer: OfferId,
    pub locale: Locale,
    pub account_type: AccountType,
    pub partner_return_url: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpendTokenResult {
    /// Spent by this reference, now or before.
    Spent(Signup),
    /// Spent by another reference.
    UsedElsewhere,
    /// The partner has no such token, or its PAI is closed.
    Unknown,
}

/// How a visit to the partner ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignupResult {
    pub offer: OfferId,
    pub return_url: String,
    pub outcome: SignupOutcome,
    /// Set when the visit succeeded.
    pub partner_subscription_id: Option<String>,
}

/// How a subscription began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionStart {
    pub source: SubscriptionSource,
    /// `None` where no visit of the widget is known.
    pub account_type: Option<AccountType>,
    /// What it is sold as; `None` where the partner's plan is no offer.
    pub offer: Option<OfferId>,
    /// What was agreed for a month, if it is known.
    pub price: Option<Money>,
    /// When the partner has charged it first. A decline is no charge, and a coupon's charge is its buyer's.
    pub charged_at: Option<Timestamp>,
    /// The last day that coupons have paid for, if it is today or later.
    pub paid_until: Option<Day>,
}
