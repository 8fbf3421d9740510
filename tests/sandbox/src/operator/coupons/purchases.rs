//! What customers have bought: their coupons, as far as the operator knows them. It never knows a
//! code. No HTTP, no clock.

use crate::operator::origin::OriginFailure;
use onbill_domain::day::ServicePeriod;
use onbill_domain::ids::ExtId;
use onbill_domain::locale::Locale;
use onbill_domain::money::Money;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::{CouponResponse, CouponState, Undelivered};
use serde::Deserialize;

/// The origin's response about a coupon: to a request, or its whole status.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct CouponReport {
    #[serde(flatten)]
    pub(super) coupon: CouponResponse,
    /// Until when the code can be entered.
    #[serde(rename = "expiresAt", default)]
    pub(super) expires_at: Option<Timestamp>,
    /// The days that it pays for.
    #[serde(rename = "servicePeriod", default)]
    pub(super) service_period: Option<ServicePeriod>,
    /// Present when its SMS does not arrive.
    #[serde(default)]
    pub(super) undelivered: Option<Undelivered>,
    /// Redeemed, and then declined by billing.
    #[serde(default)]
    pub(super) unpaid: bool,
}

/// A request about a coupon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PurchaseAction {
    Buy,
    Resend,
    Void,
}

/// A coupon that a customer wants to buy.
#[derive(Clone, Debug)]
pub(super) struct Purchase {
    /// The operator's id of it, made with the form: whatever is sent with that form is this coupon.
    pub(super) id: ExtId,
    pub(super) msisdn: Msisdn,
    pub(super) plan: ExtId,
    pub(super) months: u8,
    pub(super) price: Money,
    /// The language of its SMS.
    pub(super) locale: Locale,
    pub(super) at: Timestamp,
    /// Counts the requests about it after its purchase. A button has the turn in which it was made,
    /// so that a double click or an old page acts once.
    pub(super) turn: u32,
    /// Resends that were sent or refused, as far as is known: it is the id of the next one. A
    /// resend with an unknown outcome is requested with the same id, so that it is one message.
    pub(super) resends: u32,
    /// The origin's last response.
    pub(super) reported: Option<CouponReport>,
    /// The last request that failed, or whose outcome is unknown.
    pub(super) trouble: Option<(PurchaseAction, OriginFailure)>,
}

impl Purchase {
    pub(super) fn state(&self) -> Option<CouponState> {
        self.reported.as_ref().map(|reported| reported.coupon.state)
    }

    /// Whether the coupon does not exist, and never will under this id.
    pub(super) fn is_refused(&self) -> bool {
        self.reported.is_none()
            && matches!(self.trouble, Some((PurchaseAction::Buy, OriginFailure::Refused(_))))
    }

    /// The undelivered SMS, while its code can still be used.
    pub(super) fn undelivered(&self) -> Option<&Undelivered> {
        self.reported.as_ref().filter(|_| self.is_open())?.undelivered.as_ref()
    }

    /// Whether a code may exist that can still be entered.
    pub(super) fn is_open(&self) -> bool {
        !self.is_refused() && self.state().is_none_or(may_be_entered)
    }

    /// Takes the outcome of a request.
    pub(super) fn record_outcome(
        &mut self,
        act: PurchaseAction,
        outcome: Result<CouponReport, OriginFailure>,
    ) {
        self.resends +=
            u32::from(act == PurchaseAction::Resend && !matches!(outcome, Err(OriginFailure::Silent)));
        match outcome {
            // Another coupon's state is not a response to this.
            Ok(reported) if reported.coupon.ext_coupon_id != self.id => {
                self.trouble = Some((act, OriginFailure::Silent));
            }
            Ok(reported) => (self.reported, self.trouble) = (Some(reported), None),
            Err(failure) => self.trouble = Some((act, failure)),
        }
    }

    /// Takes its status, queried without any other request.
    pub(super) fn learn(&mut self, reported: CouponReport) {
        if reported.coupon.ext_coupon_id != self.id {
            return;
        }
        self.reported = Some(reported);
        // A request whose response was lost is not repeated automatically: the present status is
        // enough.
        let settled = self.trouble.take_if(|(_, failure)| *failure == OriginFailure::Silent);
        self.resends += u32::from(settled.is_some_and(|(act, _)| act == PurchaseAction::Resend));
    }
}

/// Whether the code can still be used.
fn may_be_entered(state: CouponState) -> bool {
    matches!(state, CouponState::Issued | CouponState::Sent | CouponState::Delivered)
}

/// All of them, oldest first.
#[derive(Default)]
pub(in super::super) struct Purchases(Vec<Purchase>);

impl Purchases {
    pub(super) fn find(&self, id: &ExtId) -> Option<&Purchase> {
        self.0.iter().find(|purchase| purchase.id == *id)
    }

    pub(super) fn find_mut(&mut self, id: &ExtId) -> Option<&mut Purchase> {
        self.0.iter_mut().find(|purchase| purchase.id == *id)
    }

    /// Records what is about to be bought. An existing purchase with the same id stays.
    pub(super) fn note(&mut self, purchase: Purchase) {
        if self.find(&purchase.id).is_none() {
            self.0.push(purchase);
        }
    }

    /// Takes the turn of a request; `None` when it was taken before.
    pub(super) fn take_turn(&mut self, id: &ExtId, turn: u32) -> Option<()> {
        let purchase =
            self.find_mut(id).filter(|purchase| purchase.turn == turn && purchase.reported.is_some())?;
        purchase.turn += 1;
        Some(())
    }

    pub(super) fn newest(&self) -> impl Iterator<Item = &Purchase> {
        self.0.iter().rev()
    }

    /// A customer's, newest first.
    pub(super) fn of<'p>(&'p self, msisdn: &'p Msisdn) -> impl Iterator<Item = &'p Purchase> {
        self.newest().filter(move |purchase| purchase.msisdn == *msisdn)
    }
}

/// The ids of those whose state may have changed.
pub(super) fn open<'p>(purchases: impl Iterator<Item = &'p Purchase>) -> Vec<ExtId> {
    purchases.filter(|purchase| purchase.is_open()).map(|purchase| purchase.id.clone()).collect()
}
