//! Assembles what checks and decides the calls that change something.

use super::assembly::Base;
use crate::care::DeskGate;
use crate::charge::{ChargePosts, RefundPosts};
use crate::coupon::CouponRedemptions;
use crate::delivery::BillingSubmission;
use crate::mandate::TermsChanges;
use crate::routes::CallVerifier;
use std::sync::Arc;

impl Base {
    pub(super) fn make_verifier(&self) -> CallVerifier {
        CallVerifier {
            keys: self.keys.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            edge_authority: self.config.edge_authority().to_owned(),
            instruments: self.instruments.clone(),
        }
    }

    pub(super) fn make_charges(&self, billing: &Arc<BillingSubmission>) -> ChargePosts {
        ChargePosts {
            config: self.config.clone(),
            store: self.store.clone(),
            billing: billing.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            codes: self.codes.clone(),
            wake_up: self.wake_up.clone(),
            instruments: self.instruments.clone(),
        }
    }

    pub(super) fn make_refunds(&self, billing: &Arc<BillingSubmission>, gate: &Arc<DeskGate>) -> RefundPosts {
        RefundPosts {
            gate: gate.clone(),
            store: self.store.clone(),
            billing: billing.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            wake_up: self.wake_up.clone(),
            instruments: self.instruments.clone(),
        }
    }

    pub(super) fn make_terms_changes(&self) -> TermsChanges {
        TermsChanges {
            config: self.config.clone(),
            store: self.store.clone(),
            vault: self.vault.clone(),
            ids: self.ids.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            wake_up: self.wake_up.clone(),
        }
    }

    pub(super) fn make_redemptions(&self, billing: &Arc<BillingSubmission>) -> CouponRedemptions {
        CouponRedemptions {
            settings: self.config.coupons.clone(),
            store: self.store.clone(),
            vault: self.vault.clone(),
            billing: billing.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            codes: self.codes.clone(),
            wake_up: self.wake_up.clone(),
            instruments: self.instruments.clone(),
        }
    }
}
