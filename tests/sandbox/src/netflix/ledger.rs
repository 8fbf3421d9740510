//! The partner's ledger: the charges and refunds that it requested, and what was reported about
//! them and about its customers on a phone bill. No HTTP, no clock.
//!
//! It is the partner's own and trusts no report: a report about a charge that was never posted to
//! that operator, or one that differs from an earlier report, is a contradiction. There must never
//! be one.

mod disputes;
mod reported_state;
mod requested;

use super::account_states::AccountStates;
use super::redemptions::Redemptions;
use super::report::{KnownReport, ReportError, ReportSource};
use disputes::ReportedDisputes;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::ids::{ExtId, OperatorId};
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::{CouponRedeemRequest, CouponRedeemResponse};
use onbill_domain::wire::ott::{
    RefundRequest, RefundResponse, TransactionRequest, TransactionResponse, TransactionStatus,
};
use onbill_domain::wire::partner::{AccountStateRequest, DisputeStateRequest};
use reported_state::learn;
pub(super) use requested::{RequestRefusal, RequestedCharge, RequestedRefund};
use serde::Serialize;

/// Most contradictions kept: more of them add nothing.
const CONTRADICTIONS_MAX: usize = 100;

/// A report that onbill must never send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Contradiction {
    pub(super) at: Timestamp,
    pub(super) operator: OperatorId,
    /// What was wrong with it.
    pub(super) what: String,
}

#[derive(Default)]
pub(super) struct PartnerLedger {
    /// Newest last. Ids are unique within an operator.
    charges: Vec<RequestedCharge>,
    refunds: Vec<RequestedRefund>,
    redemptions: Redemptions,
    account_states: AccountStates,
    disputes: ReportedDisputes,
    contradictions: Vec<Contradiction>,
}

impl PartnerLedger {
    /// Records a charge that is about to be posted. Of several that are posted under one id, the
    /// most expensive one is kept until one is accepted: a post whose response is lost may be the
    /// accepted one.
    pub(super) fn ask_charge(&mut self, operator: &OperatorId, asked: &TransactionRequest) {
        let charge = self.charges.iter_mut().find(|charge| charge.is(operator, &asked.ext_transaction_id));
        match charge {
            Some(charge) if charge.taken || charge.amount.amount_minor >= asked.amount.amount_minor => {}
            Some(charge) => charge.fill(asked),
            None => self.charges.push(RequestedCharge {
                id: asked.ext_transaction_id.clone(),
                operator: operator.clone(),
                pai: Some(asked.pai),
                amount: asked.amount,
                service_period: asked.service_period,
                taken: false,
                known: None,
            }),
        }
    }

    /// The earlier request under this id: a charge is never requested with other contents.
    pub(super) fn asked(&self, operator: &OperatorId, id: &ExtId) -> Option<(Money, ServicePeriod)> {
        self.charge(operator, id).map(|charge| (charge.amount, charge.service_period))
    }

    /// Records that a post with these contents was accepted, and so no other with that id.
    pub(super) fn take_charge(&mut self, operator: &OperatorId, asked: &TransactionRequest) {
        let charge = self.charges.iter_mut().find(|charge| charge.is(operator, &asked.ext_transaction_id));
        if let Some(charge) = charge.filter(|charge| !charge.taken) {
            charge.fill(asked);
            charge.taken = true;
        }
    }

    /// Records a refund that is about to be posted. The first one under an id is kept, but only the
    /// response shows which of them was accepted.
    pub(super) fn ask_refund(&mut self, charge: &ExtId, asked: &RefundRequest) {
        if let Some(refund) = self.refunds.iter_mut().find(|refund| refund.id == asked.ext_refund_id) {
            refund.is_ambiguous |= refund.asked != asked.amount;
            return;
        }
        self.refunds.push(RequestedRefund {
            id: asked.ext_refund_id.clone(),
            charge: charge.clone(),
            asked: asked.amount,
            is_ambiguous: false,
            reason: asked.reason.clone(),
            refusal: None,
            known: None,
        });
    }

    /// Records that the latest post of a refund was refused.
    pub(super) fn refuse_refund(&mut self, id: &ExtId, refusal: RequestRefusal) {
        let refund = self.refunds.iter_mut().find(|refund| refund.id == *id && refund.known.is_none());
        if let Some(refund) = refund {
            refund.refusal = Some(refusal);
        }
    }

    /// All charges, oldest first.
    pub(super) fn charges(&self) -> &[RequestedCharge] {
        &self.charges
    }

    /// The refunds of a charge, oldest first.
    pub(super) fn refunds_of<'b>(
        &'b self,
        charge: &'b RequestedCharge,
    ) -> impl Iterator<Item = &'b RequestedRefund> {
        self.refunds.iter().filter(|refund| refund.charge == charge.id)
    }

    /// The part of a charge without the refunds known to us, finished or in progress; nothing of one
    /// that was declined.
    pub(super) fn remaining(&self, charge: &RequestedCharge) -> Money {
        if charge.is_declined() {
            return Money { amount_minor: 0, ..charge.amount };
        }
        let taken = |refund: &RequestedRefund| match &refund.known {
            Some(KnownReport { reported, .. }) if reported.status != TransactionStatus::Declined => {
                reported.amount.amount_minor
            }
            _ => 0,
        };
        let given_back: i64 = self.refunds_of(charge).map(taken).sum();
        Money { amount_minor: charge.amount.amount_minor - given_back, ..charge.amount }
    }

    pub(super) fn contradictions(&self) -> &[Contradiction] {
        &self.contradictions
    }

    /// Takes a report of an operator's origin about a charge.
    pub(super) fn record_charge_report(
        &mut self,
        operator: &OperatorId,
        reported: TransactionResponse,
        source: ReportSource,
        now: Timestamp,
    ) -> Result<(), ReportError> {
        let id = reported.ext_transaction_id.clone();
        let learned = self.learn_charge(operator, reported, source);
        learned.inspect_err(|wrong| self.contradict(operator, &format!("charge {id}"), *wrong, now))
    }

    fn learn_charge(
        &mut self,
        operator: &OperatorId,
        reported: TransactionResponse,
        source: ReportSource,
    ) -> Result<(), ReportError> {
        let declined = reported.status == TransactionStatus::Declined;
        if declined != reported.decline_reason.is_some() {
            return Err(ReportError::Impossible("only a decline has a reason"));
        }
        let charge = self
            .charges
            .iter_mut()
            .find(|charge| charge.is(operator, &reported.ext_transaction_id))
            .ok_or(ReportError::Unknown)?;
        learn(&mut charge.known, reported, source)
    }

    /// Takes a report of an operator's origin about a refund.
    pub(super) fn record_refund_report(
        &mut self,
        operator: &OperatorId,
        reported: RefundResponse,
        source: ReportSource,
        now: Timestamp,
    ) -> Result<(), ReportError> {
        let id = reported.ext_refund_id.clone();
        let learned = self.learn_refund(operator, reported, source);
        learned.inspect_err(|wrong| self.contradict(operator, &format!("refund {id}"), *wrong, now))
    }

    fn learn_refund(
        &mut self,
        operator: &OperatorId,
        reported: RefundResponse,
        source: ReportSource,
    ) -> Result<(), ReportError> {
        let charge = self.charge(operator, &reported.ext_transaction_id).ok_or(ReportError::Unknown)?;
        let within = |money: Money, least: i64| {
            money.currency == charge.amount.currency
                && (least..=charge.amount.amount_minor).contains(&money.amount_minor)
        };
        if !within(reported.amount, 1) || !within(reported.remaining, 0) {
            return Err(ReportError::Impossible("more than the charge, or in another currency"));
        }
        let is_it = |refund: &RequestedRefund| {
            refund.id == reported.ext_refund_id && refund.charge == reported.ext_transaction_id
        };
        // The operator's own refunds have onbill's id in place of ours.
        if reported.ext_refund_id.as_str() == reported.refund_id && !self.refunds.iter().any(is_it) {
            self.refunds.push(RequestedRefund {
                id: reported.ext_refund_id.clone(),
                charge: reported.ext_transaction_id.clone(),
                asked: Some(reported.amount),
                is_ambiguous: false,
                reason: "Refunded by the operator".to_owned(),
                refusal: None,
                known: None,
            });
        }
        let mut refunds = self.refunds.iter_mut();
        let refund = refunds.find(|refund| is_it(refund)).ok_or(ReportError::Unknown)?;
        if !refund.is_ambiguous && refund.asked.is_some_and(|asked| asked != reported.amount) {
            return Err(ReportError::Impossible("another amount than asked for"));
        }
        refund.refusal = None;
        learn(&mut refund.known, reported, source)
    }

    /// Takes onbill's response about a coupon, requested at that time. Its charge is in the ledger
    /// from then on.
    pub(super) fn record_coupon_report(
        &mut self,
        asked: &CouponRedeemRequest,
        reported: &CouponRedeemResponse,
        asked_at: Timestamp,
    ) -> Result<(), ReportError> {
        let learned = self.learn_coupon(asked, reported, asked_at);
        let about = format!("coupon {}", asked.ext_reference);
        learned.inspect_err(|wrong| self.contradict(&reported.operator, &about, *wrong, asked_at))
    }

    fn learn_coupon(
        &mut self,
        asked: &CouponRedeemRequest,
        reported: &CouponRedeemResponse,
        asked_at: Timestamp,
    ) -> Result<(), ReportError> {
        // Without a subscriber of ours, the days may belong to one whom onbill does not know.
        let is_named = |each: &RequestedCharge| asked.pai.is_some() && each.pai == asked.pai;
        let theirs = |each: &&RequestedCharge| each.operator == reported.operator && is_named(each);
        let mut others =
            self.charges.iter().filter(theirs).filter(|each| each.id != reported.ext_transaction_id);
        // A fully refunded charge pays for nothing.
        let is_paid = |each: &RequestedCharge| {
            each.taken && !each.is_declined() && self.remaining(each).amount_minor > 0
        };
        if others.any(|each| is_paid(each) && each.service_period.overlaps(reported.service_period)) {
            return Err(ReportError::Contradicts("a day that something else pays for"));
        }
        if self.redemptions.record(asked, reported, Day::of_timestamp(asked_at))? {
            self.own_coupon(reported);
        }
        if let Some(pai) = reported.pai {
            self.meet(&reported.operator, pai, asked_at);
        }
        Ok(())
    }

    /// Adds a coupon's charge to the ledger, so that it can be refunded.
    pub(super) fn own_coupon(&mut self, reported: &CouponRedeemResponse) {
        if self.charge(&reported.operator, &reported.ext_transaction_id).is_some() {
            return;
        }
        self.charges.push(RequestedCharge {
            id: reported.ext_transaction_id.clone(),
            operator: reported.operator.clone(),
            pai: reported.pai,
            amount: reported.amount,
            service_period: reported.service_period,
            taken: true,
            known: None,
        });
    }

    /// Records a customer whom an operator has sent, or reported as active, when queried at that
    /// time.
    pub(super) fn meet(&mut self, operator: &OperatorId, pai: Pai, asked_at: Timestamp) {
        if let Err(wrong) = self.account_states.meet(operator, pai, asked_at) {
            self.contradict(operator, &format!("PAI {pai}"), wrong, asked_at);
        }
    }

    /// The last reported state of a customer's account at the operator.
    pub(super) fn account_state(&self, operator: &OperatorId, pai: Pai) -> Option<&AccountStateRequest> {
        self.account_states.of(operator, pai)
    }

    /// Takes a report of an operator's origin about a customer.
    pub(super) fn record_account_report(
        &mut self,
        operator: &OperatorId,
        reported: AccountStateRequest,
        now: Timestamp,
    ) -> Result<(), ReportError> {
        let pai = reported.pai;
        let learned = self.account_states.record(operator, reported, now);
        learned.inspect_err(|wrong| self.contradict(operator, &format!("PAI {pai}"), *wrong, now))
    }

    /// Takes a report of an operator's origin about a dispute.
    pub(super) fn record_dispute_report(
        &mut self,
        operator: &OperatorId,
        reported: DisputeStateRequest,
        now: Timestamp,
    ) -> Result<(), ReportError> {
        let about = format!("dispute {}", reported.dispute_id);
        let learned = match self.charge(operator, &reported.ext_transaction_id) {
            Some(_) => self.disputes.record(operator, reported),
            None => Err(ReportError::Unknown),
        };
        learned.inspect_err(|wrong| self.contradict(operator, &about, *wrong, now))
    }

    fn charge(&self, operator: &OperatorId, id: &ExtId) -> Option<&RequestedCharge> {
        self.charges.iter().find(|charge| charge.is(operator, id))
    }

    fn contradict(&mut self, operator: &OperatorId, about: &str, wrong: ReportError, now: Timestamp) {
        let what = match wrong {
            ReportError::Unknown => "this operator was never asked for it, and never sent it",
            ReportError::Impossible(what) | ReportError::Contradicts(what) => what,
        };
        tracing::error!(%operator, about, what, "what onbill reported contradicts the ledger");
        if self.contradictions.len() < CONTRADICTIONS_MAX {
            let what = format!("{about}: {what}");
            self.contradictions.push(Contradiction { at: now, operator: operator.clone(), what });
        }
    }
}
