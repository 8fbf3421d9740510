//! What a restored ledger has lost, recorded from what the other parties have of it. The requests
//! themselves are lost: a row that was adopted has no fingerprint, and a replay is compared with
//! what the row says.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::config::ChargeCodes;
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::pai::NewPai;
use onbill_domain::day::ServicePeriod;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use std::sync::Arc;

impl Store {
    /// Records a lost charge as posted at `now`. One that billing has is approved. Any other is
    /// pending, with a job that asks billing before it posts anything; while the PAI is dark it is not submitted.
    pub async fn adopt_charge(&self, now: Timestamp, lost: LostCharge) -> Result<AdoptResult, StoreError> {
        use_case!(self, write, adopt_charge(now, &lost))
    }

    /// Records a lost refund in the same way.
    pub async fn adopt_refund(&self, now: Timestamp, lost: LostRefund) -> Result<AdoptResult, StoreError> {
        use_case!(self, write, adopt_refund(now, &lost))
    }

    /// Records a lost redemption, and its charge as [`Self::adopt_charge`] does. The coupon is spent
    /// from then on.
    pub async fn adopt_redemption(
        &self,
        now: Timestamp,
        lost: LostRedemption,
    ) -> Result<AdoptResult, StoreError> {
        use_case!(self, write, adopt_redemption(now, &lost))
    }

    /// Records a lost PAI of a number's present subscriber, in the state and with a later version
    /// than the edge has. The caller has looked up the account at `now`.
    pub async fn adopt_pai(&self, now: Timestamp, lost: LostPai) -> Result<AdoptResult, StoreError> {
        use_case!(self, write, adopt_pai(now, &lost))
    }

    /// Brings a PAI up to what the edge has of it, if that is later. A PAI is closed or suspended
    /// so, never opened: the edge's store is a hint, and an account event resumes it.
    pub async fn follow_edge(
        &self,
        now: Timestamp,
        pai: Pai,
        state: PaiState,
        version: u64,
    ) -> Result<FollowResult, StoreError> {
        use_case!(self, write, follow_edge(now, pai, state, version))
    }
}

/// A charge that other parties have.
#[derive(Clone, Debug)]
pub struct LostCharge {
    pub transaction_id: String,
    pub partner: PartnerId,
    pub ext_transaction_id: ExtId,
    pub pai: Pai,
    pub amount: Money,
    /// The part of the amount that is tax, in minor units.
    pub tax_minor: Option<i64>,
    pub description: String,
    pub service_period: ServicePeriod,
    /// The charge codes, from which its booking follows.
    pub codes: Arc<ChargeCodes>,
    /// Billing has it.
    pub is_billed: bool,
    /// The partner does not know that it is approved, and takes webhooks.
    pub informs_partner: bool,
}

/// A refund that other parties have.
#[derive(Clone, Debug)]
pub struct LostRefund {
    pub refund_id: String,
    pub partner: PartnerId,
    pub ext_refund_id: ExtId,
    pub ext_transaction_id: ExtId,
    pub amount: Money,
    pub reason: String,
    /// As in [`LostCharge`].
    pub is_billed: bool,
    pub informs_partner: bool,
}

/// A redemption that the partner or billing has.
#[derive(Clone, Debug)]
pub struct LostRedemption {
    pub ext_coupon_id: ExtId,
    pub transaction_id: String,
    pub amount: Money,
    /// As in [`LostCharge`].
    pub codes: Arc<ChargeCodes>,
    pub is_billed: bool,
    /// The partner's reference, if the statement has it. Without it, the reference gets
    /// `token-already-used` like every other.
    pub ext_reference: Option<ExtId>,
    /// Whose days these are, if the statement says so. A PAI that is not known is left out.
    pub pai: Option<Pai>,
    /// The days, if the statement has them; from today if not.
    pub service_period: Option<ServicePeriod>,
}

/// A PAI that the edge routes here.
#[derive(Clone, Debug)]
pub struct LostPai {
    /// With the lost PAI itself among the fresh ids.
    pub new: NewPai,
    /// What the edge has.
    pub state: PaiState,
    pub version: u64,
}

onbill_domain::word_enum! {
    /// What became of something lost.
    #[derive(PartialOrd, Ord)]
    pub enum AdoptResult {
        /// It is recorded now.
        Adopted = "adopted",
        /// The ledger has it already.
        Present = "present",
        /// The partner has no such PAI.
        PaiNotFound = "pai-not-found",
        /// The partner has no such charge that is approved.
        ChargeNotFound = "charge-not-found",
        /// It is more than what is left of the charge, or in another currency.
        NotWithinRemainder = "not-within-remainder",
        /// There is no such coupon.
        CouponNotFound = "coupon-not-found",
        /// The coupon is void, or its price is another one.
        CouponDiffers = "coupon-differs",
        /// The number's present subscriber has another PAI.
        OtherPai = "other-pai",
        /// Its PAI is dark: another system has charged it, and billing has that under its own id.
        NotCutOver = "not-cut-over",
    }
}

onbill_domain::word_enum! {
    /// What became of a PAI of which the edge has something later.
    #[derive(PartialOrd, Ord)]
    pub enum FollowResult {
        /// It is closed now.
        Closed = "closed",
        /// It is suspended now.
        Suspended = "suspended",
        /// Its version is the edge's now, and its state was that already.
        Renumbered = "renumbered",
        /// The edge has it as active and the ledger does not: an account event has to resume it.
        ActiveAtEdge = "active-at-edge",
    }
}

/// What the edge's later mapping changes in the ledger's own state.
fn compare_states(own: PaiState, edge: PaiState) -> FollowResult {
    match (own, edge) {
        (PaiState::Active | PaiState::Suspended, PaiState::Closed) => FollowResult::Closed,
        (PaiState::Active, PaiState::Suspended) => FollowResult::Suspended,
        (PaiState::Suspended, PaiState::Active) => FollowResult::ActiveAtEdge,
        (PaiState::Closed, _)
        | (PaiState::Active, PaiState::Active)
        | (PaiState::Suspended, PaiState::Suspended) => FollowResult::Renumbered,
    }
}
