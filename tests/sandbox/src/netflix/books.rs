//! The partner's books: the charges and refunds that it asked for, and what it was told of them and of its customers on
//! a phone bill. No HTTP, no clock.
//!
//! They are the partner's own and believe nobody: what onbill says of a charge that was never posted to that operator,
//! or against what it said before, is a contradiction. There must never be one.

mod told;

use super::redemptions::Redemptions;
use super::standings::Standings;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::ids::{ExtId, OperatorId};
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::{CouponRedeemRequest, CouponRedeemResponse};
use onbill_domain::wire::ott::{
    RefundRequest, RefundResponse, TransactionRequest, TransactionResponse, TransactionStatus,
};
use onbill_domain::wire::partner::AccountStateRequest;
use serde::Serialize;
use told::learn;

/// More contradictions than this say nothing new.
const CONTRADICTIONS_MAX: usize = 100;

/// How something was learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Source {
    /// The answer to a call of ours. That to a post stays what it was, so it may be older than a notice.
    Answer,
    /// A notice of the origin's own accord.
    Notice,
}

/// A charge that we asked for.
#[derive(Clone, Debug)]
pub(super) struct Charge {
    /// Our name for it, unique at its operator.
    pub(super) id: ExtId,
    pub(super) operator: OperatorId,
    /// Whom it is for; a coupon's that was for nobody whom the operator knows has none.
    pub(super) pai: Option<Pai>,
    pub(super) amount: Money,
    pub(super) service_period: ServicePeriod,
    /// Whether a post with these contents was taken.
    taken: bool,
    /// The latest that is known of it.
    pub(super) known: Option<Known<TransactionResponse>>,
}

/// A refund that we asked for.
#[derive(Clone, Debug)]
pub(super) struct Refund {
    /// Our name for it.
    pub(super) id: ExtId,
    /// Our name for the charge.
    pub(super) charge: ExtId,
    /// As asked for; all that was left when absent.
    pub(super) asked: Option<Money>,
    /// Whether another amount was asked for under this name.
    is_ambiguous: bool,
    pub(super) reason: String,
    /// The latest refusal, as long as there is nothing better to tell.
    pub(super) refusal: Option<Refusal>,
    /// The latest that is known of it.
    pub(super) known: Option<Known<RefundResponse>>,
}

/// Why a refund was not taken in.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) code: String,
    /// Whether the same may be taken in later.
    pub(super) is_passing: bool,
}

/// What was told, and how.
#[derive(Clone, Debug)]
pub(super) struct Known<T> {
    pub(super) told: T,
    pub(super) source: Source,
}

/// Something that onbill must never say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Contradiction {
    /// When it did.
    pub(super) at: Timestamp,
    /// Which operator's origin.
    pub(super) operator: OperatorId,
    /// What was wrong with it.
    pub(super) what: String,
}

/// What is wrong with something that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is about nothing that was asked of this operator.
    Unknown,
    /// It cannot be so, whatever was told before.
    Impossible(&'static str),
    /// It is not what was told before.
    Contradicts(&'static str),
}

impl Charge {
    fn is(&self, operator: &OperatorId, id: &ExtId) -> bool {
        self.operator == *operator && self.id == *id
    }

    fn is_declined(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.told.status == TransactionStatus::Declined)
    }

    fn fill(&mut self, asked: &TransactionRequest) {
        self.pai = Some(asked.pai);
        self.amount = asked.amount;
        self.service_period = asked.service_period;
    }
}

/// All of it.
#[derive(Default)]
pub(super) struct Books {
    /// Newest last. An operator's charges have names of their own.
    charges: Vec<Charge>,
    refunds: Vec<Refund>,
    redemptions: Redemptions,
    standings: Standings,
    contradictions: Vec<Contradiction>,
}

impl Books {
    /// Notes a charge that is about to be posted. Of several that are posted under one name, the dearest stands until one
    /// is taken: a post whose answer is lost may be the one that was.
    pub(super) fn ask_charge(&mut self, operator: &OperatorId, asked: &TransactionRequest) {
        let charge = self.charges.iter_mut().find(|charge| charge.is(operator, &asked.ext_transaction_id));
        match charge {
            Some(charge) if charge.taken || charge.amount.amount_minor >= asked.amount.amount_minor => {}
            Some(charge) => charge.fill(asked),
            None => self.charges.push(Charge {
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

    /// What was asked for under this name before: a charge is never asked for with other contents.
    pub(super) fn asked(&self, operator: &OperatorId, id: &ExtId) -> Option<(Money, ServicePeriod)> {
        self.charge(operator, id).map(|charge| (charge.amount, charge.service_period))
    }

    /// Notes that a post with these contents was taken, and so no other of that name.
    pub(super) fn take_charge(&mut self, operator: &OperatorId, asked: &TransactionRequest) {
        let charge = self.charges.iter_mut().find(|charge| charge.is(operator, &asked.ext_transaction_id));
        if let Some(charge) = charge.filter(|charge| !charge.taken) {
            charge.fill(asked);
            charge.taken = true;
        }
    }

    /// Notes a refund that is about to be posted. One of that name stays as it was first, but which of them was taken is
    /// only known by its answer.
    pub(super) fn ask_refund(&mut self, charge: &ExtId, asked: &RefundRequest) {
        if let Some(refund) = self.refunds.iter_mut().find(|refund| refund.id == asked.ext_refund_id) {
            refund.is_ambiguous |= refund.asked != asked.amount;
            return;
        }
        self.refunds.push(Refund {
            id: asked.ext_refund_id.clone(),
            charge: charge.clone(),
            asked: asked.amount,
            is_ambiguous: false,
            reason: asked.reason.clone(),
            refusal: None,
            known: None,
        });
    }

    /// Notes that the latest post of a refund was refused.
    pub(super) fn refuse_refund(&mut self, id: &ExtId, refusal: Refusal) {
        let refund = self.refunds.iter_mut().find(|refund| refund.id == *id && refund.known.is_none());
        if let Some(refund) = refund {
            refund.refusal = Some(refusal);
        }
    }

    /// All charges, oldest first.
    pub(super) fn charges(&self) -> &[Charge] {
        &self.charges
    }

    /// The refunds of a charge, oldest first.
    pub(super) fn refunds_of<'b>(&'b self, charge: &'b Charge) -> impl Iterator<Item = &'b Refund> {
        self.refunds.iter().filter(|refund| refund.charge == charge.id)
    }

    /// What of a charge is not on its way back, as far as we know.
    pub(super) fn remaining(&self, charge: &Charge) -> Money {
        let taken = |refund: &Refund| match &refund.known {
            Some(Known { told, .. }) if told.status != TransactionStatus::Declined => {
                told.amount.amount_minor
            }
            _ => 0,
        };
        let given_back: i64 = self.refunds_of(charge).map(taken).sum();
        Money { amount_minor: charge.amount.amount_minor - given_back, ..charge.amount }
    }

    /// The contradictions so far.
    pub(super) fn contradictions(&self) -> &[Contradiction] {
        &self.contradictions
    }

    /// Takes in what an operator's origin says of a charge.
    pub(super) fn hear_charge(
        &mut self,
        operator: &OperatorId,
        told: TransactionResponse,
        source: Source,
        now: Timestamp,
    ) -> Result<(), Wrong> {
        let id = told.ext_transaction_id.clone();
        let heard = self.learn_charge(operator, told, source);
        heard.inspect_err(|wrong| self.contradict(operator, &format!("charge {id}"), *wrong, now))
    }

    fn learn_charge(
        &mut self,
        operator: &OperatorId,
        told: TransactionResponse,
        source: Source,
    ) -> Result<(), Wrong> {
        let declined = told.status == TransactionStatus::Declined;
        if declined != told.decline_reason.is_some() {
            return Err(Wrong::Impossible("a reason belongs to a decline, and to nothing else"));
        }
        let charge = self
            .charges
            .iter_mut()
            .find(|charge| charge.is(operator, &told.ext_transaction_id))
            .ok_or(Wrong::Unknown)?;
        learn(&mut charge.known, told, source)
    }

    /// Takes in what an operator's origin says of a refund.
    pub(super) fn hear_refund(
        &mut self,
        operator: &OperatorId,
        told: RefundResponse,
        source: Source,
        now: Timestamp,
    ) -> Result<(), Wrong> {
        let id = told.ext_refund_id.clone();
        let heard = self.learn_refund(operator, told, source);
        heard.inspect_err(|wrong| self.contradict(operator, &format!("refund {id}"), *wrong, now))
    }

    fn learn_refund(
        &mut self,
        operator: &OperatorId,
        told: RefundResponse,
        source: Source,
    ) -> Result<(), Wrong> {
        let charge = self.charge(operator, &told.ext_transaction_id).ok_or(Wrong::Unknown)?;
        let within = |money: Money, least: i64| {
            money.currency == charge.amount.currency
                && (least..=charge.amount.amount_minor).contains(&money.amount_minor)
        };
        if !within(told.amount, 1) || !within(told.remaining, 0) {
            return Err(Wrong::Impossible("more than the charge, or in another currency"));
        }
        let refund = self
            .refunds
            .iter_mut()
            .find(|refund| refund.id == told.ext_refund_id && refund.charge == told.ext_transaction_id)
            .ok_or(Wrong::Unknown)?;
        if !refund.is_ambiguous && refund.asked.is_some_and(|asked| asked != told.amount) {
            return Err(Wrong::Impossible("another amount than asked for"));
        }
        refund.refusal = None;
        learn(&mut refund.known, told, source)
    }

    /// Takes in what onbill says of a coupon, asked at that time. Its charge is on the books from then on.
    pub(super) fn hear_coupon(
        &mut self,
        asked: &CouponRedeemRequest,
        told: &CouponRedeemResponse,
        asked_at: Timestamp,
    ) -> Result<(), Wrong> {
        let heard = self.learn_coupon(asked, told, asked_at);
        let about = format!("coupon {}", asked.ext_reference);
        heard.inspect_err(|wrong| self.contradict(&told.operator, &about, *wrong, asked_at))
    }

    fn learn_coupon(
        &mut self,
        asked: &CouponRedeemRequest,
        told: &CouponRedeemResponse,
        asked_at: Timestamp,
    ) -> Result<(), Wrong> {
        // Without a subscriber of ours the days may be somebody's whom onbill does not know.
        let is_named = |each: &Charge| asked.pai.is_some() && each.pai == asked.pai;
        let theirs = |each: &&Charge| each.operator == told.operator && is_named(each);
        let mut others = self.charges.iter().filter(theirs).filter(|each| each.id != told.ext_transaction_id);
        // What was given back whole pays for nothing.
        let is_paid =
            |each: &Charge| each.taken && !each.is_declined() && self.remaining(each).amount_minor > 0;
        if others.any(|each| is_paid(each) && each.service_period.overlaps(told.service_period)) {
            return Err(Wrong::Contradicts("a day that something else pays for"));
        }
        if self.redemptions.hear(asked, told, Day::of_timestamp(asked_at))? {
            self.own_coupon(told);
        }
        if let Some(pai) = told.pai {
            self.meet(&told.operator, pai, asked_at);
        }
        Ok(())
    }

    /// Has a coupon's charge on the books, so that it can be given back.
    pub(super) fn own_coupon(&mut self, told: &CouponRedeemResponse) {
        if self.charge(&told.operator, &told.ext_transaction_id).is_some() {
            return;
        }
        self.charges.push(Charge {
            id: told.ext_transaction_id.clone(),
            operator: told.operator.clone(),
            pai: told.pai,
            amount: told.amount,
            service_period: told.service_period,
            taken: true,
            known: None,
        });
    }

    /// Notes a customer whom an operator has sent, or named as active, when asked at that time.
    pub(super) fn meet(&mut self, operator: &OperatorId, pai: Pai, asked_at: Timestamp) {
        if let Err(wrong) = self.standings.meet(operator, pai, asked_at) {
            self.contradict(operator, &format!("PAI {pai}"), wrong, asked_at);
        }
    }

    /// How a customer's account at the operator stands, as far as was told.
    pub(super) fn standing(&self, operator: &OperatorId, pai: Pai) -> Option<&AccountStateRequest> {
        self.standings.of(operator, pai)
    }

    /// Takes in what an operator's origin says of a customer.
    pub(super) fn hear_account(
        &mut self,
        operator: &OperatorId,
        told: AccountStateRequest,
        now: Timestamp,
    ) -> Result<(), Wrong> {
        let pai = told.pai;
        let heard = self.standings.hear(operator, told, now);
        heard.inspect_err(|wrong| self.contradict(operator, &format!("PAI {pai}"), *wrong, now))
    }

    fn charge(&self, operator: &OperatorId, id: &ExtId) -> Option<&Charge> {
        self.charges.iter().find(|charge| charge.is(operator, id))
    }

    fn contradict(&mut self, operator: &OperatorId, about: &str, wrong: Wrong, now: Timestamp) {
        let what = match wrong {
            Wrong::Unknown => "never asked of this operator, or sent by it",
            Wrong::Impossible(what) | Wrong::Contradicts(what) => what,
        };
        tracing::error!(%operator, about, what, "what onbill told does not fit the books");
        if self.contradictions.len() < CONTRADICTIONS_MAX {
            let what = format!("{about}: {what}");
            self.contradictions.push(Contradiction { at: now, operator: operator.clone(), what });
        }
    }
}
