//! The origin's books. Each method of [`Store`] is one whole use case and one database transaction, which never
//! crosses this trait; what can go either way is in its return type, and only our own failures are errors.
//!
//! A method that acts on a signed call takes its [`Nonce`] and spends it in the same transaction, so that a replayed
//! call changes nothing and a lost one can be made again.

mod books;
mod coupons;
mod customers;
mod erasures;
mod events;
mod filing;
mod ledger;
mod notifications;
mod outbox;
pub mod postgres;
mod redemptions;
mod reports;
mod sealing;
pub mod sqlite;

pub use books::*;
pub use coupons::*;
pub use customers::*;
pub use erasures::{Erasure, Erasures};
pub use events::*;
pub use filing::*;
pub use ledger::*;
pub use notifications::*;
pub use outbox::*;
pub use redemptions::*;
pub use reports::*;
pub use sealing::*;

use async_trait::async_trait;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::Pai;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{PartnerSubscriptionRequest, PartnerSubscriptionResponse};
use onbill_domain::wire::subscription::SubscriptionChange;

/// Why a use case did not take place. Nothing of it was written.
#[derive(Debug)]
pub enum StoreError {
    /// The call's nonce was spent before: the caller must sign anew.
    NonceSpent,
    /// The database failed, or is too busy to take more.
    Failed(String),
}

/// The books, whichever database keeps them: here sign-ups and PAIs, with the money in [`Ledger`], coupons in
/// [`Coupons`], messages of partners in [`Notifications`], what has still to reach somebody in [`Outbox`], what billing gets in files in [`Filing`], what happens to
/// accounts in [`Events`], what a customer reads of themselves in [`Customers`], who is forgotten in [`Erasures`], what is
/// sealed in [`Sealing`], and what people at the operator ask of them in [`Reports`].
#[async_trait]
pub trait Store:
    Ledger + Coupons + Notifications + Outbox + Filing + Events + Customers + Erasures + Sealing + Reports
{
    /// Compares facts that the books depend on with those they were begun with, and gives the name of the first that
    /// differs; then nothing is written. Facts that are new are noted. As long as there is no subscriber nobody can be
    /// mistaken for somebody else, and the facts are noted anew.
    async fn begin_with(
        &self,
        facts: Vec<(&'static str, Vec<u8>)>,
    ) -> Result<Option<&'static str>, StoreError>;

    /// Writes accounts from an import file over what was known of them.
    async fn import_accounts(&self, accounts: Vec<AccountRow>) -> Result<(), StoreError>;

    /// What the last import says of a number.
    async fn account(&self, number: NumberIndex) -> Result<Option<KnownAccount>, StoreError>;

    /// Opens a flow. With a PIN, counts it against the number's day and puts the text message into the outbox.
    async fn start_flow(&self, nonce: Nonce, now: Timestamp, flow: NewFlow) -> Result<FlowStart, StoreError>;

    /// Tries a PIN in a flow of the widget's: the try is counted whatever comes of it. The right one is right again until
    /// it is over or all tries are used up: the answer to the first may have been lost.
    async fn try_pin(
        &self,
        nonce: Nonce,
        now: Timestamp,
        flow: Hash,
        pin: Hash,
    ) -> Result<PinTry<Flow>, StoreError>;

    /// The same in a flow of a partner's app.
    async fn try_device_pin(
        &self,
        nonce: Nonce,
        now: Timestamp,
        pin: DevicePin,
    ) -> Result<PinTry<()>, StoreError>;

    /// The flow that an app of this partner's has last begun for this number.
    async fn newest_device_flow(
        &self,
        partner: PartnerId,
        number: NumberIndex,
    ) -> Result<Option<Hash>, StoreError>;

    /// Whether a flow is on record still, proven or not.
    async fn has_flow(&self, flow: Hash) -> Result<bool, StoreError>;

    /// The flow, if its number is proven and it has not expired.
    async fn proven_flow(&self, now: Timestamp, flow: Hash) -> Result<Option<Flow>, StoreError>;

    /// Whether this holder of a number has a live subscription of this partner. An earlier holder's does not count,
    /// even when nobody has ended it yet.
    async fn pays_on_bill(
        &self,
        partner: PartnerId,
        number: NumberIndex,
        generation: String,
    ) -> Result<bool, StoreError>;

    /// The PAI of a number's holder, who is put on record, and gets one, where that has not been done. A number whose
    /// generation has changed has a new holder: the old one's PAIs are closed, for ever. `now` is from before the
    /// account's standing was asked, which was good: what was held by then is released. The edge is told of a PAI that
    /// is new. A call that has spent its nonce on a PIN has none left.
    async fn issue_pai(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        new: NewPai,
    ) -> Result<PaiRow, StoreError>;

    /// Records a sign-up token about to be minted, for the PAI as [`Store::issue_pai`] finds or creates it; the edge
    /// learns of that by the answer.
    async fn issue_signup(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewSignup,
    ) -> Result<SignupIssue, StoreError>;

    /// Spends a sign-up token, once; the same reference again is the same spending.
    async fn spend_token(
        &self,
        nonce: Nonce,
        now: Timestamp,
        partner: PartnerId,
        jti: String,
        ext_reference: ExtId,
    ) -> Result<TokenSpend, StoreError>;

    /// How the visit went whose return page has this ticket.
    async fn signup_end(&self, ticket: Hash) -> Result<Option<SignupEnd>, StoreError>;

    /// Who a PAI of this partner stands for.
    async fn pai(&self, partner: PartnerId, pai: Pai) -> Result<Option<PaiRow>, StoreError>;

    /// Records that the customer finished at the partner. `new_id` names the subscription if it is new.
    async fn record_subscription(
        &self,
        nonce: Nonce,
        now: Timestamp,
        partner: PartnerId,
        new_id: String,
        request: PartnerSubscriptionRequest,
    ) -> Result<SubscriptionRecord, StoreError>;

    /// Whether a subscription of that name is this partner's.
    async fn has_subscription(&self, partner: PartnerId, id: ExtId) -> Result<bool, StoreError>;

    /// Records how a subscription stands with its partner from now on. One that is over stays so.
    async fn change_subscription(
        &self,
        nonce: Nonce,
        now: Timestamp,
        partner: PartnerId,
        id: ExtId,
        change: SubscriptionChange,
    ) -> Result<SubscriptionUpdate, StoreError>;

    /// Forgets nonces, flows, swapped SIMs and messages without a name whose time is over, and the numbers of those who are being erased, a few at a
    /// time: nobody waits for all of it. What a clock that ran ahead has put off for longer than [`PUT_OFF_SECONDS_MAX`]
    /// is due again.
    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError>;
}

/// How the recording of a subscription went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriptionRecord {
    /// Recorded now.
    Created(PartnerSubscriptionResponse),
    /// The same as before.
    Replayed(PartnerSubscriptionResponse),
    /// The partner used this name for something else.
    Conflict,
    /// No such PAI of this partner, or it is closed.
    PaiNotFound,
    /// This PAI has another live subscription.
    AlreadyOnBill,
}

/// How the change of a subscription went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionUpdate {
    /// It stands as the partner says, since now or before.
    Stands,
    /// It is over, and the partner says that it is not.
    Over,
    /// No such subscription of this partner.
    NotFound,
}
