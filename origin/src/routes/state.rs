//! The state of the routes: each handler takes the parts that it uses, by axum's `State`.

use super::call_verifier::CallVerifier;
use super::recovering::Recovering;
use crate::ambient::{Clock, Random};
use crate::care::{CareDesk, DeskGate, Disputes};
use crate::charge::{ChargePosts, RefundPosts};
use crate::config::{Config, NumberPlan};
use crate::coupon::{CouponRedemptions, Coupons};
use crate::daily_counts::DailyCounts;
use crate::delivery::{ReceiptRecorder, WakeUp};
use crate::flow::{AccountPages, Agreements, Eligibility, FlowProofs, NextSteps};
use crate::instruments::Instruments;
use crate::keys::{StableIds, TokenSigner, Vault};
use crate::mandate::TermsChanges;
use crate::metrics_page::MetricsPage;
use crate::pin::PinIssuer;
use crate::readiness::Readiness;
use crate::store::Store;
use axum::extract::FromRef;
use onbill_domain::key::Keyring;
use std::ops::Deref;
use std::sync::Arc;

/// What the routes share. axum clones it several times for a call, so that the parts are counted as one: with a count
/// for each of them, the clones took 2 % of the CPU of a charge.
#[derive(Clone)]
pub struct RouteState(Arc<RouteParts>);

impl RouteState {
    pub(crate) fn new(parts: RouteParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for RouteState {
    type Target = RouteParts;

    fn deref(&self) -> &RouteParts {
        &self.0
    }
}

macro_rules! parts {
    ($($name:ident: $part:ty,)+) => {
        /// The parts of an origin that its handlers use.
        pub struct RouteParts {
            $(pub(crate) $name: $part,)+
        }

        $(impl FromRef<RouteState> for $part {
            fn from_ref(state: &RouteState) -> Self {
                state.$name.clone()
            }
        })+
    };
}

parts! {
    config: Arc<Config>,
    keys: Arc<Keyring>,
    store: Arc<Store>,
    vault: Arc<Vault>,
    ids: Arc<StableIds>,
    numbers: NumberPlan,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    wake_up: WakeUp,
    verifier: Arc<CallVerifier>,
    signer: Arc<TokenSigner>,
    pins: Arc<PinIssuer>,
    eligibility: Arc<Eligibility>,
    proofs: Arc<FlowProofs>,
    pages: Arc<AccountPages>,
    agreements: Arc<Agreements>,
    next_steps: Arc<NextSteps>,
    charges: Arc<ChargePosts>,
    refunds: Arc<RefundPosts>,
    terms_changes: Arc<TermsChanges>,
    care: Arc<CareDesk>,
    daily_counts: Arc<DailyCounts>,
    gate: Arc<DeskGate>,
    disputes: Arc<Disputes>,
    coupons: Arc<Coupons>,
    redemptions: Arc<CouponRedemptions>,
    receipts: Arc<ReceiptRecorder>,
    readiness: Arc<Readiness>,
    metrics_page: Arc<MetricsPage>,
    recovering: Recovering,
    instruments: Arc<Instruments>,
}

/// Declares the parts that one action uses, where they are too many for the parameters of a
/// function.
macro_rules! action_parts {
    ($name:ident { $($part:ident: $type:ty,)+ }) => {
        pub(in crate::routes) struct $name {
            $($part: $type,)+
        }

        impl axum::extract::FromRef<crate::routes::state::RouteState> for $name {
            fn from_ref(state: &crate::routes::state::RouteState) -> Self {
                Self { $($part: state.$part.clone(),)+ }
            }
        }
    };
}

pub(super) use action_parts;
