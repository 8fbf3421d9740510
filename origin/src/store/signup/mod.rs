//! Sign-up tokens: issued to a number's subscriber, spent once.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::Hash;
use crate::store::pai::{NewPai, PaiRow};
use onbill_domain::account::AccountType;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::locale::Locale;
use onbill_domain::pai::Pai;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::token::SignupOutcome;

impl Store {
    /// Records a sign-up token about to be minted, for the PAI as [`Store::issue_pai`] finds or creates it; the edge
    /// learns of that by the answer.
    pub async fn issue_signup(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewSignup,
    ) -> Result<SignupIssue, StoreError> {
        use_case!(self, write(nonce), issue(now, &new))
    }

    /// Spends a sign-up token, once; the same reference again is the same spending.
    pub async fn spend_token(
        &self,
        nonce: Nonce,
        now: Timestamp,
        partner: PartnerId,
        jti: String,
        ext_reference: ExtId,
    ) -> Result<TokenSpend, StoreError> {
        use_case!(self, write(nonce), spend_token(now, &partner, &jti, &ext_reference))
    }

    /// How the visit went whose return page has this ticket.
    pub async fn signup_end(&self, ticket: Hash) -> Result<Option<SignupEnd>, StoreError> {
        use_case!(self, read, end(&ticket))
    }
}

/// A sign-up token to record.
#[derive(Clone, Debug)]
pub struct NewSignup {
    /// Unique name of the token.
    pub jti: String,
    /// Hash of the ticket in the return page's URL.
    pub ticket: Hash,
    /// Who signs up, and with whom.
    pub pai: NewPai,
    /// How the account pays.
    pub account_type: AccountType,
    /// What is being signed up for.
    pub offer: OfferId,
    /// The language.
    pub locale: Locale,
    /// Where the partner sends the customer.
    pub partner_return_url: String,
    /// Where the customer ends up.
    pub return_url: String,
}

/// How recording a token went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignupIssue {
    /// It may be minted.
    Issued(PaiRow),
    /// The subscriber has a live subscription of this partner.
    AlreadyOnBill,
}

/// A recorded sign-up, as its token's spender may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signup {
    /// The subscriber.
    pub pai: Pai,
    /// What is being signed up for.
    pub offer: OfferId,
    /// The language.
    pub locale: Locale,
    /// How the account pays.
    pub account_type: AccountType,
    /// Where the partner sends the customer.
    pub partner_return_url: String,
}

/// How spending a token went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSpend {
    /// It is spent by this reference, now or before.
    Spent(Signup),
    /// Another reference spent it.
    UsedElsewhere,
    /// No such token was recorded for this partner, or its PAI is closed.
    Unknown,
}

/// How a visit to the partner ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignupEnd {
    /// What was being signed up for.
    pub offer: OfferId,
    /// Where the customer ends up.
    pub return_url: String,
    /// How it ended.
    pub outcome: SignupOutcome,
    /// Our name for the subscription, on success.
    pub partner_subscription_id: Option<String>,
}
