//! Records the charges that partners post, and submits them to billing.

use super::{ANSWERING_SECONDS, not_cut_over};
use crate::ambient::Clock;
use crate::config::{ChargeCodes, Config};
use crate::delivery::{BillingSubmission, WakeUp, raise_for_result};
use crate::fault::{Failure, Fault};
use crate::instruments::{Alarm, ChargeResult, Instruments, raise_alarm};
use crate::keys::StableIds;
use crate::store::{BillingOutcome, Charge, ChargeRules, NewCharge, PostChargeResult, SettleResult, Store};
use onbill_domain::digest::sha256;
use onbill_domain::ids::PartnerId;
use onbill_domain::money::Money;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::signature::Nonce;
use onbill_domain::wire::ott::{TransactionRequest, TransactionResponse};
use std::sync::Arc;
use tokio::time::Instant;

pub struct ChargePosts {
    pub(crate) config: Arc<Config>,
    pub(crate) store: Arc<Store>,
    pub(crate) billing: Arc<BillingSubmission>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<StableIds>,
    pub(crate) codes: Arc<ChargeCodes>,
    pub(crate) wake_up: WakeUp,
    pub(crate) instruments: Arc<Instruments>,
}

pub enum RecordedCharge {
    /// Recorded now; the caller must submit it.
    New(Box<Charge>),
    /// Recorded now and already declined, with the response.
    Declined(Vec<u8>),
    /// Recorded before, with the first response.
    Replay(Vec<u8>),
}

impl ChargePosts {
    /// Records a charge durably, with the job that submits it to billing: 404 `pai-not-found`, 400
    /// `parameter-not-supported` for a currency in which the operator does not bill, 503
    /// `service-unavailable` for a PAI that another system charges, 422
    /// `idempotency-violation`, 409 `request-in-progress`. What the customer has not agreed to, and
    /// days that coupons have paid for, are recorded declines. `begun` is when the post came in.
    pub(crate) async fn record_charge(
        &self,
        partner: PartnerId,
        nonce: Nonce,
        request: TransactionRequest,
        begun: Instant,
    ) -> Result<RecordedCharge, Failure> {
        let now = self.clock.now();
        // The fingerprint covers the parsed members in a fixed order: spaces and unknown members do
        // not make another charge.
        let fingerprint = serde_json::to_vec(&request);
        let fingerprint = fingerprint.map_err(|_| Fault::Broken("a request does not serialize"))?;
        let (charged_by, amount) = (partner.clone(), request.amount);
        let new = NewCharge {
            transaction_id: self.ids.charge(&partner, &request.ext_transaction_id),
            limits: self.config.limits_in(request.amount.currency),
            rules: ChargeRules {
                needs: self.config.charge_needs(&partner),
                repeated_period: self.config.repeated_period(&partner),
                begins_at: self.config.time_zone.start_of(request.service_period.from()),
            },
            partner,
            fingerprint: sha256(&fingerprint),
            request,
            codes: self.codes.clone(),
            offer: None,
            responding_until: now.plus_seconds(ANSWERING_SECONDS),
        };
        let reject = match self.store.post_charge(nonce, now, new).await? {
            PostChargeResult::Created(charge) => {
                self.warn_of_repeated_period(&charge);
                return Ok(RecordedCharge::New(charge));
            }
            PostChargeResult::Declined(response) => {
                self.note_declined(&charged_by, amount, &response, begun);
                return Ok(RecordedCharge::Declined(response));
            }
            PostChargeResult::Replayed(response) => return Ok(RecordedCharge::Replay(response)),
            PostChargeResult::Conflict => {
                Reject::new(ErrorCode::IdempotencyViolation, "extTransactionID was used for another charge.")
            }
            PostChargeResult::InProgress => {
                Reject::new(ErrorCode::RequestInProgress, "The same charge is being answered.")
            }
            PostChargeResult::NotCutOver => not_cut_over(),
            PostChargeResult::PaiNotFound => Reject::new(ErrorCode::PaiNotFound, "There is no such PAI."),
            PostChargeResult::CurrencyNotBilled => Reject::new(
                ErrorCode::ParameterNotSupported,
                "amount.currency is not one that the operator bills in.",
            ),
        };
        Err(reject.into())
    }

    /// Submits a new charge to billing once, and returns the response with its latest known state.
    pub(crate) async fn submit_charge(&self, charge: &Charge, begun: Instant) -> Result<Vec<u8>, Failure> {
        let outcome = self.billing.submit_first_charge(charge).await;
        let result = match &outcome {
            BillingOutcome::Decided(decision) => Some(ChargeResult::from(decision)),
            BillingOutcome::Undecided(_) => None,
        };
        let filled = outcome.filled_queues();
        let id = &charge.transaction_id;
        let (response, settled) =
            self.store.answer_transaction(self.clock.now(), id.clone(), outcome).await?;
        raise_for_result(&self.instruments, settled, "charge", id);
        let charges = &self.instruments.metrics.charges;
        match result {
            Some(result) if settled == SettleResult::Written => {
                charges.note_settled(&charge.partner, charge.amount, result, begun.elapsed());
            }
            // It was settled by another lease, which has noted it.
            Some(_) => {}
            None => charges.note_pending(&charge.partner),
        }
        self.wake_up.wake_each(filled);
        Ok(response)
    }

    /// Notes a charge that was declined when it was recorded. Its response says why.
    fn note_declined(&self, partner: &PartnerId, amount: Money, response: &[u8], begun: Instant) {
        let response: Option<TransactionResponse> = serde_json::from_slice(response).ok();
        if let Some(reason) = response.and_then(|response| response.decline_reason) {
            let result = ChargeResult::Declined(reason);
            self.instruments.metrics.charges.note_settled(partner, amount, result, begun.elapsed());
        }
    }

    /// Raises an alarm for a charge whose days were charged before, where the operator lets it pass.
    fn warn_of_repeated_period(&self, charge: &Charge) {
        if charge.repeats_period {
            let (alarms, id) = (&self.instruments.alarms, &charge.transaction_id);
            let alarm = Alarm::PeriodChargedAgain;
            raise_alarm!(alarms, alarm, id, id, "days are charged that were charged before");
        }
    }
}
