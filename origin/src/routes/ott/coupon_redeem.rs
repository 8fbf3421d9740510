//! `POST /ott/v1/coupon/redeem`: the customer has typed a code at the partner. It is spent once, for ever, and its price
//! goes on its buyer's bill as any charge does.

use super::transaction::ANSWERING_SECONDS;
use crate::app::App;
use crate::config::wrong_codes_per_hour;
use crate::delivery::{self, charge as hand_off};
use crate::fault::{Failure, Fault};
use crate::routes::authentic::PartnerCall;
use crate::store::{NewRedemption, Redeeming, Redemption, RedemptionEnd};
use axum::Json;
use axum::extract::State;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::PartnerId;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::{CouponRedeemRequest, CouponRedeemResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 1. Checks the request: 400 `invalid-request`, also for a code that was mistyped.
/// 2. Claims the coupon and records its charge, durably, with the hand-off. A code that is nobody's, void, or of another
///    partner: 400 `token-invalid`, and 429 once the partner has tried too many of them in this hour. Whoever has the real
///    code is told more: 400 `token-expired`; 409 `token-already-used` by another reference; 409 `request-in-progress`;
///    422 `idempotency-violation`; 404 `pai-not-found` for a named subscriber who is none.
/// 3. Tries the hand-off once, right away.
/// 4. 200, unless the charge is declined by now: then the refusal that fits the account, and the coupon is as it was, for
///    another reference. What comes later is between operator and customer: the coupon is spent.
pub(in crate::routes) async fn redeem_coupon(
    State(app): State<Arc<App>>,
    call: PartnerCall,
) -> Result<Json<CouponRedeemResponse>, Failure> {
    // 1.
    let request: CouponRedeemRequest = parse(&call.body)?;
    let code = request.parse_code()?;

    // 2.
    let now = app.now();
    let new = NewRedemption {
        transaction_id: app.random.uuid(),
        partner: call.partner.clone(),
        ext_reference: request.ext_reference,
        code: app.vault.coupon_hash(&code),
        pai: request.pai,
        answering_until: now.plus_seconds(ANSWERING_SECONDS),
    };
    let charge = match app.store.redeem_coupon(call.nonce, now, new).await? {
        Redeeming::Created(charge) => charge,
        Redeeming::Decided(end) => return answer(&app, end),
        other => return Err(refusal(&app, &call.partner, now, &other).into()),
    };

    // 3.
    let outcome = delivery::within_deadline(&app, hand_off::hand_off(&app, &charge, 1)).await;

    // 4.
    let (end, settling) =
        app.store.answer_redemption(app.now(), charge.transaction_id.clone(), outcome).await?;
    delivery::look_at(settling, "charge", &charge.transaction_id);
    app.ring_outbox();
    answer(&app, end)
}

fn answer(app: &App, end: RedemptionEnd) -> Result<Json<CouponRedeemResponse>, Failure> {
    match end {
        RedemptionEnd::Redeemed(redemption) => {
            let ext_transaction_id = redemption.ext_transaction_id();
            let Redemption { plan, months, offer, amount, pai, service_period, .. } = *redemption;
            Ok(Json(CouponRedeemResponse {
                status: "REDEEMED".to_owned(),
                plan,
                months,
                amount,
                offer,
                pai,
                operator: app.config.operator.clone(),
                service_period,
                ext_transaction_id: ext_transaction_id
                    .ok_or(Fault::Broken("a coupon's charge has no name"))?,
            }))
        }
        RedemptionEnd::Declined(reason) => Err(by_standing(reason).into()),
    }
}

/// The account's refusal, in the words of the calls that ask about standing.
fn by_standing(reason: DeclineReason) -> Reject {
    match reason {
        DeclineReason::AccountOnHold => Reject::suspended_non_payment(),
        DeclineReason::InsufficientBalance => {
            Reject::new(ErrorCode::InsufficientBalance, "The balance does not cover the coupon's price.")
        }
        _ => Reject::new(
            ErrorCode::AccountNotEligible,
            "The coupon's price cannot be put on its buyer's bill.",
        ),
    }
}

fn refusal(app: &App, partner: &PartnerId, now: Timestamp, redeeming: &Redeeming) -> Reject {
    match redeeming {
        Redeeming::Unknown { wrong } => {
            let limit = app.config.coupons.as_ref();
            wrong_code(
                partner,
                now,
                *wrong,
                limit.map_or_else(wrong_codes_per_hour, |c| c.wrong_codes_per_hour),
            )
        }
        Redeeming::Conflict => Reject::new(
            ErrorCode::IdempotencyViolation,
            "extReference was used with another code, or for another subscriber.",
        ),
        Redeeming::Expired => Reject::new(ErrorCode::TokenExpired, "The coupon can no longer be redeemed."),
        Redeeming::Used => {
            Reject::new(ErrorCode::TokenAlreadyUsed, "The coupon was redeemed by another reference.")
        }
        Redeeming::PaiNotFound => Reject::new(ErrorCode::PaiNotFound, "There is no such PAI."),
        Redeeming::NoDaysLeft => Reject::new(
            ErrorCode::AccountNotEligible,
            "The subscriber is paid for as far as the calendar goes.",
        ),
        Redeeming::InProgress | Redeeming::Created(_) | Redeeming::Decided(_) => {
            Reject::new(ErrorCode::RequestInProgress, "The coupon is being redeemed.")
        }
    }
}

/// The same for every code that is not a coupon's. Beyond the limit only such codes are put off: who holds a real one is
/// not kept waiting by somebody who guesses.
fn wrong_code(partner: &PartnerId, now: Timestamp, wrong: u32, limit: u32) -> Reject {
    tracing::warn!(%partner, wrong, "a coupon's code was wrong");
    if wrong <= limit {
        return Reject::new(ErrorCode::TokenInvalid, "The code is not valid here.");
    }
    if wrong == limit.saturating_add(1) {
        tracing::error!(%partner, wrong, alarm = "coupon-guesses", "a partner's customers are guessing codes");
    }
    let left = 3_600 - now.unix_seconds().rem_euclid(3_600);
    Reject::too_many_requests("Too many codes were wrong in this hour.", u32::try_from(left).unwrap_or(3_600))
}
