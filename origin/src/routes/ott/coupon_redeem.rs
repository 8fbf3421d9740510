//! `POST /ott/v1/coupon/redeem`: the customer has entered a coupon code at the partner.

use crate::config::Config;
use crate::coupon::{ClaimedCoupon, CouponRedemptions};
use crate::fault::{Failure, Fault};
use crate::routes::authentic::PartnerCall;
use crate::store::Redemption;
use axum::Json;
use axum::extract::State;
use onbill_domain::wire::coupon::{CouponRedeemRequest, CouponRedeemResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 1. Checks the request: 400 `invalid-request`, also for a mistyped code.
/// 2. Claims the coupon and records its charge durably, with its submission to billing: see
///    [`CouponRedemptions::claim_coupon`] for the refusals.
/// 3. Submits the charge once, immediately: see [`CouponRedemptions::submit_coupon_charge`] for the
///    refusals.
/// 4. 200.
pub(in crate::routes) async fn redeem_coupon(
    State(config): State<Arc<Config>>,
    State(redemptions): State<Arc<CouponRedemptions>>,
    call: PartnerCall,
) -> Result<Json<CouponRedeemResponse>, Failure> {
    // 1. and 2.
    let request: CouponRedeemRequest = parse(&call.body)?;
    let redemption = match redemptions.claim_coupon(&call.partner, call.nonce, request).await? {
        ClaimedCoupon::Redeemed(redemption) => redemption,
        // 3.
        ClaimedCoupon::New(charge) => redemptions.submit_coupon_charge(&charge).await?,
    };

    // 4.
    let ext_transaction_id = redemption.ext_transaction_id();
    let Redemption { plan, months, offer, amount, pai, service_period, .. } = *redemption;
    Ok(Json(CouponRedeemResponse {
        status: "REDEEMED".to_owned(),
        plan,
        months,
        amount,
        offer,
        pai,
        operator: config.operator.clone(),
        service_period,
        ext_transaction_id: ext_transaction_id.ok_or(Fault::Broken("a coupon's charge has no name"))?,
    }))
}
