//! Submission to billing: one attempt at charging or refunding on the bill.

use super::billing_decision::{interpret_charge_decision, interpret_refund_decision};
use super::retry::RetrySchedule;
use crate::account::{AccountLookup, Purchase, SubscriberStatus};
use crate::ambient::Clock;
use crate::config::{Billing, BillingCodes};
use crate::fault::{Failure, Fault};
use crate::http::{CspClient, Unclear};
use crate::instruments::{AttemptResult, Instruments};
use crate::keys::Vault;
use crate::store::{
    BilledSubscriber, BillingOutcome, Charge, ChargeDecision, ChargeOutcome, JobKind, NextStep, Refund,
    RefundOutcome, Store,
};
use onbill_domain::account::{AccountFacts, ChargeCheck, check_charge};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::wire::csp::{
    AccountPurpose, BillChargeRequest, BillChargeResponse, BillRefundRequest, ChargeKind,
};
use std::sync::Arc;
use std::time::Duration;

/// Submits charges and refunds. The state at billing is never guessed: a charge is looked up by its
/// own id before it is ever posted again, and a refund is posted again under its own id.
pub struct BillingSubmission {
    /// One by one over the CSP API, or in files: then nothing is submitted here.
    pub(crate) mode: Billing,
    /// The meaning of billing's own codes.
    pub(crate) codes: BillingCodes,
    /// The maximum duration of a submission while a partner's call waits for its response.
    pub(crate) deadline: Duration,
    pub(crate) store: Arc<Store>,
    pub(crate) csp: Arc<CspClient>,
    pub(crate) accounts: Arc<AccountLookup>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) retry: RetrySchedule,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) instruments: Arc<Instruments>,
}

impl BillingSubmission {
    /// Submits a charge within the time limit of its partner's call.
    pub(crate) async fn submit_first_charge(&self, charge: &Charge) -> ChargeOutcome {
        self.within_deadline(JobKind::Charge, self.submit_charge(charge, 1)).await
    }

    /// Submits a refund within the time limit of its partner's call.
    pub(crate) async fn submit_first_refund(&self, refund: &Refund) -> RefundOutcome {
        self.within_deadline(JobKind::Refund, self.submit_refund(refund, 1)).await
    }

    /// An attempt that takes too long has an unknown outcome, and the queue makes the next one.
    async fn within_deadline<V>(
        &self,
        kind: JobKind,
        attempt: impl Future<Output = BillingOutcome<V>>,
    ) -> BillingOutcome<V> {
        let outcome =
            tokio::time::timeout(self.deadline, attempt).await.unwrap_or_else(|_| self.retry_later(1));
        self.instruments.metrics.jobs.note_attempt(kind, AttemptResult::of_first(&outcome));
        outcome
    }

    /// Submits a stored charge by its id.
    pub(super) async fn submit_stored_charge(&self, transaction_id: &str, attempt: u32) -> ChargeOutcome {
        match self.try_stored_charge(transaction_id, attempt).await {
            Ok(outcome) => outcome,
            Err(failure) => self.retry_unclear(&failure, transaction_id, attempt),
        }
    }

    /// 1. An earlier attempt may have reached billing: its response for this id takes precedence.
    /// 2. The charge is read after that: the subscriber may have left, or have got another number,
    ///    during the call to billing. A charge that was settled meanwhile under another lease has
    ///    taken its job with it.
    /// 3. Billing has not seen it: see [`Self::submit_charge`].
    async fn try_stored_charge(&self, transaction_id: &str, attempt: u32) -> Result<ChargeOutcome, Failure> {
        // 1.
        let known = match self.mode {
            Billing::Csp if attempt > 1 => self.csp.look_up_charge(transaction_id).await.map_err(to_fault)?,
            Billing::Csp | Billing::Files => None,
        };
        // 2.
        let charge = self.store.find_pending_charge(transaction_id.to_owned()).await?;
        match (known, charge) {
            (Some(decision), charge) => {
                let number = charge.map(|charge| self.open_charge_number(&charge)).transpose()?.flatten();
                Ok(BillingOutcome::Decided(self.interpret_charge_decision(decision, number.as_ref())))
            }
            (None, None) => Ok(BillingOutcome::Undecided(NextStep::Drop)),
            // 3.
            (None, Some(charge)) => Ok(self.submit_charge(&charge, attempt).await),
        }
    }

    /// Submits a stored refund by its id.
    pub(super) async fn submit_stored_refund(&self, refund_id: &str, attempt: u32) -> RefundOutcome {
        match self.store.find_pending_refund(refund_id.to_owned()).await {
            Ok(Some(refund)) => self.submit_refund(&refund, attempt).await,
            // Settled in the meantime under another lease: the job went with it.
            Ok(None) => BillingOutcome::Undecided(NextStep::Drop),
            Err(error) => {
                tracing::error!(fault = ?error, "a refund could not be read");
                self.retry_later(attempt)
            }
        }
    }

    /// Makes one attempt at a charge that billing has not seen; `attempt` counts from 1. Where billing
    /// takes files, only the account is looked up: the charge then waits for a file.
    async fn submit_charge(&self, charge: &Charge, attempt: u32) -> ChargeOutcome {
        match self.mode {
            Billing::Files => match self.check_subscriber(charge).await {
                Ok(Some(declined)) => BillingOutcome::Decided(declined),
                // An account that cannot be looked up now is looked up when a file is made.
                Ok(None) | Err(_) => BillingOutcome::Undecided(NextStep::RetryAt(self.clock.now())),
            },
            Billing::Csp => match self.post_charge(charge).await {
                Ok(outcome) => outcome,
                Err(failure) => self.retry_unclear(&failure, &charge.transaction_id, attempt),
            },
        }
    }

    fn retry_unclear(&self, failure: &Failure, transaction_id: &str, attempt: u32) -> ChargeOutcome {
        tracing::warn!(fault = ?failure, transaction_id, attempt, "a submission to billing is unclear");
        self.retry_later(attempt)
    }

    /// 1. The account must still be the one that the PAI was issued for, and allow the charge.
    /// 2. Posts the charge.
    async fn post_charge(&self, charge: &Charge) -> Result<ChargeOutcome, Failure> {
        // 1.
        if let Some(declined) = self.check_subscriber(charge).await? {
            return Ok(BillingOutcome::Decided(declined));
        }
        // 2.
        let subscriber = charge_subscriber(charge)?;
        let msisdn = self.vault.open_number(&subscriber.number.sealed)?;
        let request = to_bill_request(charge, msisdn.clone(), subscriber.subscriber_ref.clone());
        Ok(BillingOutcome::Decided(self.interpret_charge_decision(
            self.csp.submit_charge(&request).await.map_err(to_fault)?,
            Some(&msisdn),
        )))
    }

    /// Returns the decline of a charge whose PAI was closed while it was pending, or whose account
    /// does not allow it now. A word of the operator's that is not known leaves it pending.
    pub(super) async fn check_subscriber(&self, charge: &Charge) -> Result<Option<ChargeDecision>, Failure> {
        if let Some(reason) = charge.closed {
            return Ok(Some(decide_decline(reason)));
        }
        let subscriber = charge_subscriber(charge)?;
        let msisdn = self.vault.open_number(&subscriber.number.sealed)?;
        let purchase = Purchase {
            purpose: AccountPurpose::Charge,
            partner: &charge.partner,
            offer: charge.booking.offer.as_ref(),
            amount: charge.amount,
        };
        let account = self.accounts.find_paying_account(&msisdn, purchase).await?;
        match SubscriberStatus::of(&subscriber.subscriber_ref, account) {
            SubscriberStatus::Present(account) | SubscriberStatus::Unknown(account) => {
                check_account_of_charge(&account, charge)
            }
            SubscriberStatus::Ceased => Ok(Some(decide_decline(DeclineReason::AccountClosed))),
            SubscriberStatus::Replaced => Ok(Some(decide_decline(DeclineReason::AccountClosedTakenOver))),
        }
    }

    /// Unseals the number of the charge's own subscriber, unless they were erased.
    pub(super) fn open_charge_number(&self, charge: &Charge) -> Result<Option<Msisdn>, Fault> {
        let subscriber = charge.subscriber.as_ref();
        subscriber.map(|subscriber| self.vault.open_number(&subscriber.number.sealed)).transpose()
    }

    /// Makes one attempt at a refund; `attempt` counts from 1. An earlier one may have reached
    /// billing, which gives the same response to the same id. Where billing takes files, the refund
    /// waits for one.
    async fn submit_refund(&self, refund: &Refund, attempt: u32) -> RefundOutcome {
        if self.mode == Billing::Files {
            return BillingOutcome::Undecided(NextStep::RetryAt(self.clock.now()));
        }
        let request = BillRefundRequest {
            refund_id: refund.refund_id.clone(),
            transaction_id: refund.transaction_id.clone(),
            amount: refund.amount,
            partner: refund.partner.clone(),
            charge_code: refund.charge_code.clone(),
            tax: refund.tax.clone(),
        };
        let Ok(decision) = self.csp.submit_refund(&request).await else {
            tracing::warn!(refund_id = refund.refund_id, attempt, "a refund is unclear");
            return self.retry_later(attempt);
        };
        BillingOutcome::Decided(interpret_refund_decision(decision))
    }

    /// Interprets billing's decision about a charge.
    pub(super) fn interpret_charge_decision(
        &self,
        response: BillChargeResponse,
        msisdn: Option<&Msisdn>,
    ) -> ChargeDecision {
        interpret_charge_decision(&self.codes, response, msisdn)
    }

    /// Plans the next step after an attempt with an unknown outcome.
    fn retry_later<V>(&self, attempt: u32) -> BillingOutcome<V> {
        self.retry.plan(JobKind::Charge.spec().retry_if_unclear, attempt).into()
    }
}

fn check_account_of_charge(
    account: &AccountFacts,
    charge: &Charge,
) -> Result<Option<ChargeDecision>, Failure> {
    match check_charge(account, charge.amount) {
        ChargeCheck::Submit => Ok(None),
        ChargeCheck::Declined { reason, ineligible: None } => Ok(Some(decide_decline(reason))),
        ChargeCheck::Declined { ineligible: Some(why), .. } => {
            note_ineligible(&charge.transaction_id, why.as_str());
            Ok(Some(ChargeDecision::NotEligible))
        }
        ChargeCheck::Unknown(word) => Err(Fault::UnknownWord(word).into()),
    }
}

/// Tells the operator, in its own log, why an account may not pay. The partner does not learn it.
fn note_ineligible(transaction_id: &str, reason: &'static str) {
    tracing::info!(transaction_id, reason, "the account of a charge may not pay on the bill");
}

fn decide_decline(reason: DeclineReason) -> ChargeDecision {
    ChargeDecision::Declined { reason, raw_code: None }
}

fn to_fault(_: Unclear) -> Fault {
    Fault::CspApi("transaction")
}

/// Returns the subscriber to be charged. A subscriber who was erased has no open PAI, and so no
/// charge that still needs them.
pub(super) fn charge_subscriber(charge: &Charge) -> Result<&BilledSubscriber, Fault> {
    charge.subscriber.as_ref().ok_or(Fault::Broken("a charge has no number"))
}

/// A repetition differs in nothing but the number and the subscriber's id, if the subscriber has got
/// others meanwhile: everything else was fixed when the charge was recorded.
fn to_bill_request(charge: &Charge, msisdn: Msisdn, subscriber_id: String) -> BillChargeRequest {
    BillChargeRequest {
        transaction_id: charge.transaction_id.clone(),
        msisdn,
        amount: charge.amount,
        description: charge.description.clone(),
        service_period: charge.service_period,
        partner: charge.partner.clone(),
        ext_transaction_id: charge.ext_transaction_id.clone(),
        subscriber_id,
        offer: charge.booking.offer.clone(),
        plan: charge.booking.plan.clone(),
        charge_code: charge.booking.charge_code.clone(),
        tax: charge.tax.clone(),
        kind: ChargeKind::of(&charge.ext_transaction_id),
    }
}
