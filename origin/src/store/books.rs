//! What goes into the books and what comes out: the rows of [`super::Store`], free of any database.

use crate::ambient::Random;
use onbill_domain::account::{Account, AccountType};
use onbill_domain::day::Day;
use onbill_domain::ids::{OfferId, PartnerId};
use onbill_domain::locale::Locale;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::token::SignupOutcome;

/// A keyed or plain SHA-256 hash.
pub type Hash = [u8; 32];

/// Finds a number without knowing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberIndex(pub Hash);

/// A number, sealed, with its index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedNumber {
    /// The index.
    pub index: NumberIndex,
    /// The ciphertext.
    pub sealed: Vec<u8>,
}

/// Whom billing has under a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The number.
    pub number: SealedNumber,
    /// Which holder of it: the operator's subscriber id, or the day of activation.
    pub generation: String,
}

/// One line of an import.
#[derive(Clone, Debug)]
pub struct AccountRow {
    /// Whose.
    pub number: NumberIndex,
    /// Standing, type and balance.
    pub account: Account,
    /// The day the account was activated, which changes when the number goes to someone else.
    pub activated_on: Day,
}

/// An account and which holder of the number it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAccount {
    /// Standing, type and balance.
    pub account: Account,
    /// Differs between two holders of one number: the operator's subscriber id, or the day of activation.
    pub generation: String,
}

/// A flow to open.
#[derive(Clone, Debug)]
pub struct NewFlow {
    /// Hash of the name by which it is continued: a secret that the widget holds, or the id of a partner's PIN.
    pub flow: Hash,
    /// Whose.
    pub number: SealedNumber,
    /// Where it is begun.
    pub journey: Journey,
    /// The language.
    pub locale: Locale,
    /// When the flow is over.
    pub expires_at: Timestamp,
    /// The PIN that will prove the number; `None` when an assertion has proved it.
    pub pin: Option<NewPin>,
}

/// Where a flow is begun. One that is begun here cannot be continued there.
#[derive(Clone, Debug)]
pub enum Journey {
    /// In the widget, on the operator's page.
    Widget {
        /// What they want to buy; `None` when they came to see their own page.
        offer: Option<OfferId>,
        /// Where they want to end up.
        return_url: String,
    },
    /// In an app of this partner's, on a device.
    Device {
        /// Whose flow it is: nobody else proves anything by it.
        partner: PartnerId,
    },
}

/// A PIN to send.
#[derive(Clone, Debug)]
pub struct NewPin {
    /// Keyed hash of flow and PIN.
    pub mac: Hash,
    /// When it is over.
    pub expires_at: Timestamp,
    /// The sealed text message.
    pub message: Vec<u8>,
}

/// How opening a flow went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowStart {
    /// It is open.
    Started,
    /// The number had its codes for the day; the first of them falls out of the day then.
    TooManyPins {
        /// When another code may be asked for.
        again_at: Timestamp,
    },
}

/// An open flow of the widget's.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Whose.
    pub number: SealedNumber,
    /// What they want to buy; `None` when they came to see their own page.
    pub offer: Option<OfferId>,
    /// The language.
    pub locale: Locale,
    /// Where they want to end up.
    pub return_url: String,
    /// Proven by the SIM that has the number, not by the operator's assertion.
    pub by_pin: bool,
}

/// A PIN as a partner's app has brought it.
#[derive(Clone, Debug)]
pub struct DevicePin {
    /// Whose flow it has to be.
    pub partner: PartnerId,
    /// Which number the flow has to be about.
    pub number: NumberIndex,
    /// The flow.
    pub flow: Hash,
    /// Keyed hash of flow and PIN.
    pub mac: Hash,
}

/// How a PIN fared.
#[derive(Clone, Debug)]
pub enum PinTry<F> {
    /// It matches: the number is proven, now or before.
    Proven(F),
    /// It does not, and there are tries left.
    Wrong,
    /// All tries are used up.
    UsedUp {
        /// When the PIN would have expired.
        expires_at: Timestamp,
    },
    /// It is over, or there is no such flow.
    Expired,
}

impl PinTry<()> {
    /// The same, with what was proven.
    pub(super) fn of<F, E>(self, flow: impl FnOnce() -> Result<F, E>) -> Result<PinTry<F>, E> {
        Ok(match self {
            Self::Proven(()) => PinTry::Proven(flow()?),
            Self::Wrong => PinTry::Wrong,
            Self::UsedUp { expires_at } => PinTry::UsedUp { expires_at },
            Self::Expired => PinTry::Expired,
        })
    }
}

/// A subscriber's PAI, to be found or created.
#[derive(Clone, Debug)]
pub struct NewPai {
    /// Whom it is for.
    pub partner: PartnerId,
    /// Whose number it is.
    pub number: SealedNumber,
    /// Which holder of it.
    pub generation: String,
    /// Names for what has to be created: subscriber id, handle and PAI.
    pub fresh: FreshNames,
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

/// Fresh random names, used for those rows that do not exist yet.
#[derive(Clone, Debug)]
pub struct FreshNames {
    /// For the subscriber.
    pub subscriber_id: String,
    /// For the subscriber, towards the edge.
    pub handle: String,
    /// For the subscriber, towards the partner.
    pub pai: Pai,
}

impl FreshNames {
    /// New ones.
    pub fn draw(random: &dyn Random) -> Self {
        Self { subscriber_id: random.uuid(), handle: random.uuid(), pai: Pai::from_random(random.bytes()) }
    }
}

/// A PAI and who it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaiRow {
    /// The PAI.
    pub pai: Pai,
    /// The subscriber's handle.
    pub handle: String,
    /// What it may be used for.
    pub state: PaiState,
    /// Grows with every change.
    pub version: u64,
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
