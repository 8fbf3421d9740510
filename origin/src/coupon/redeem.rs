//! Redeems a coupon: it is spent once, permanently, and its price is put on its buyer's bill like any
//! charge.

use crate::ambient::Clock;
use crate::charge::{ANSWERING_SECONDS, not_cut_over};
use crate::config::{ChargeCodes, CouponSettings, wrong_codes_per_hour_default};
use crate::delivery::{BillingSubmission, WakeUp, raise_for_result};
use crate::fault::Failure;
use crate::instruments::{Alarm, ChargeResult, Instruments, RateLimit, RedemptionResult};
use crate::keys::{StableIds, Vault};
use crate::store::{
    BillingOutcome, Charge, NewRedemption, RedeemResult, Redemption, RedemptionOutcome, SettleResult, Store,
};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::PartnerId;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::CouponRedeemRequest;
use std::sync::Arc;
use tokio::time::Instant;

/// Redeems the coupons that customers enter at a partner.
pub struct CouponRedemptions {
    /// Without settings no coupons are sold, but those sold earlier can still be redeemed.
    pub(crate) settings: Option<CouponSettings>,
    pub(crate) store: Arc<Store>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) billing: Arc<BillingSubmission>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<StableIds>,
    pub(crate) codes: Arc<ChargeCodes>,
    pub(crate) wake_up: WakeUp,
    pub(crate) instruments: Arc<Instruments>,
}

pub(crate) enum ClaimedCoupon {
    /// Claimed now; the caller must submit its charge.
    New(Box<Charge>),
    /// Redeemed by the same reference, now or before.
    Redeemed(Box<Redemption>),
}

impl CouponRedemptions {
    /// Claims the coupon and records its charge durably, with the job that submits it. A code that
    /// is unknown, void or another partner's: 400 `token-invalid`, and 429 once the partner has
    /// tried too many of them in this hour. A real code gets the reason: 400 `token-expired`; 409
    /// `token-already-used` by another reference; 409 `request-in-progress`; 422
    /// `idempotency-violation`; 404 `pai-not-found` for a named subscriber who does not exist; or,
    /// when its charge is already declined, the refusal that fits the account.
    pub(crate) async fn claim_coupon(
        &self,
        partner: &PartnerId,
        nonce: Nonce,
        request: CouponRedeemRequest,
    ) -> Result<ClaimedCoupon, Failure> {
        let code = request.parse_code()?;
        let now = self.clock.now();
        let ids = Arc::clone(&self.ids);
        let new = NewRedemption {
            charge_id: Arc::new(move |coupon, declined_before| ids.coupon_charge(coupon, declined_before)),
            codes: self.codes.clone(),
            partner: partner.clone(),
            ext_reference: request.ext_reference,
            code: self.vault.coupon_hash(&code),
            pai: request.pai,
            responding_until: now.plus_seconds(ANSWERING_SECONDS),
        };
        let claimed = self.store.redeem_coupon(nonce, now, new).await?;
        if let Some(result) = result_of_claim(&claimed) {
            self.instruments.metrics.redemptions.note(partner, result);
        }
        let reject = match claimed {
            RedeemResult::Created(charge) => return Ok(ClaimedCoupon::New(charge)),
            RedeemResult::Decided(end) => return Ok(ClaimedCoupon::Redeemed(redemption_of(end)?)),
            RedeemResult::Unknown { wrong } => self.reject_wrong_code(partner, now, wrong),
            RedeemResult::Conflict => Reject::new(
                ErrorCode::IdempotencyViolation,
                "extReference was used with another code, or for another subscriber.",
            ),
            RedeemResult::Expired => {
                Reject::new(ErrorCode::TokenExpired, "The coupon can no longer be redeemed.")
            }
            RedeemResult::Used => Reject::new(
                ErrorCode::TokenAlreadyUsed,
                "The coupon was redeemed under another extReference.",
            ),
            RedeemResult::PaiNotFound => Reject::new(ErrorCode::PaiNotFound, "There is no such PAI."),
            RedeemResult::NotCutOver => not_cut_over(),
            RedeemResult::NoDaysLeft => Reject::new(
                ErrorCode::AccountNotEligible,
                "The subscriber is paid for as far as the calendar goes.",
            ),
            RedeemResult::InProgress => {
                Reject::new(ErrorCode::RequestInProgress, "The coupon is being redeemed.")
            }
        };
        Err(reject.into())
    }

    /// Submits a coupon's charge to billing once. When it is declined within this call, the refusal
    /// fits the account, and the coupon is open again for another reference. A later decline is
    /// between operator and customer: the coupon stays spent.
    pub(crate) async fn submit_coupon_charge(&self, charge: &Charge) -> Result<Box<Redemption>, Failure> {
        let begun = Instant::now();
        let outcome = self.billing.submit_first_charge(charge).await;
        let result = match &outcome {
            BillingOutcome::Decided(decision) => Some(ChargeResult::from(decision)),
            BillingOutcome::Undecided(_) => None,
        };
        let filled = outcome.filled_queues();
        let id = &charge.transaction_id;
        let (end, settled) = self.store.answer_redemption(self.clock.now(), id.clone(), outcome).await?;
        raise_for_result(&self.instruments, settled, "charge", id);
        let charges = &self.instruments.metrics.charges;
        match result {
            Some(result) if matches!(settled, SettleResult::Written | SettleResult::Unpaid) => {
                charges.note_settled(&charge.partner, charge.amount, result, begun.elapsed());
            }
            // It was settled by another lease, which has noted it.
            Some(_) => {}
            None => charges.note_pending(&charge.partner),
        }
        self.instruments.metrics.redemptions.note(&charge.partner, result_of_redemption(&end));
        self.wake_up.wake_each(filled);
        Ok(redemption_of(end)?)
    }

    /// The same refusal for every code that is not a coupon's. Beyond the limit only such codes get
    /// 429: a customer with a real code does not wait because an attacker guesses.
    fn reject_wrong_code(&self, partner: &PartnerId, now: Timestamp, wrong: u32) -> Reject {
        let limit =
            self.settings.as_ref().map_or_else(wrong_codes_per_hour_default, |s| s.wrong_codes_per_hour);
        tracing::warn!(%partner, wrong, "a coupon's code was wrong");
        if wrong <= limit {
            return Reject::new(ErrorCode::TokenInvalid, "The code is not valid here.");
        }
        self.instruments.metrics.refusals.note_limited(RateLimit::CouponCodes);
        let left = 3_600 - now.unix_seconds().rem_euclid(3_600);
        if wrong == limit.saturating_add(1) {
            let (alarm, until) = (Alarm::CouponGuesses, Some(now.plus_seconds(left)));
            if self.instruments.alarms.raise_until(alarm, partner.as_str(), until) {
                let alarm = alarm.as_str();
                tracing::error!(%partner, wrong, alarm, "a partner's customers are guessing codes");
            }
        }
        let left = u32::try_from(left).unwrap_or(3_600);
        Reject::too_many_requests("Too many codes were wrong in this hour.", left)
    }
}

/// What an attempt came to that is not submitted to billing now.
fn result_of_claim(claimed: &RedeemResult) -> Option<RedemptionResult> {
    match claimed {
        // Its result comes next.
        RedeemResult::Created(_) => None,
        RedeemResult::Decided(end) => Some(result_of_redemption(end)),
        RedeemResult::Unknown { .. } => Some(RedemptionResult::WrongCode),
        RedeemResult::Expired => Some(RedemptionResult::Expired),
        RedeemResult::Used => Some(RedemptionResult::Used),
        RedeemResult::Conflict
        | RedeemResult::PaiNotFound
        | RedeemResult::NoDaysLeft
        | RedeemResult::NotCutOver
        | RedeemResult::InProgress => Some(RedemptionResult::Refused),
    }
}

fn result_of_redemption(end: &RedemptionOutcome) -> RedemptionResult {
    match end {
        RedemptionOutcome::Redeemed(_) => RedemptionResult::Redeemed,
        RedemptionOutcome::Declined(_) => RedemptionResult::Declined,
    }
}

fn redemption_of(end: RedemptionOutcome) -> Result<Box<Redemption>, Reject> {
    match end {
        RedemptionOutcome::Redeemed(redemption) => Ok(redemption),
        RedemptionOutcome::Declined(reason) => Err(reject_declined(reason)),
    }
}

/// Maps a decline to the refusal that the calls about an account use.
fn reject_declined(reason: DeclineReason) -> Reject {
    match reason {
        DeclineReason::AccountOnHold => Reject::suspended_non_payment(),
        DeclineReason::InsufficientBalance => {
            Reject::new(ErrorCode::InsufficientBalance, "The balance does not cover the coupon's price.")
        }
        DeclineReason::ChargeExceedsTransactionLimit
        | DeclineReason::ChargeExceedsDailyLimit
        | DeclineReason::ChargeExceedsMonthlyLimit
        | DeclineReason::ChargeUnderLimit
        | DeclineReason::AccountClosed
        | DeclineReason::AccountClosedTakenOver
        | DeclineReason::AccountClosedFraud
        | DeclineReason::PaiRevokedByUser
        | DeclineReason::RiskDeclined => Reject::new(
            ErrorCode::AccountNotEligible,
            "The coupon's price cannot be put on its buyer's bill.",
        ),
    }
}
