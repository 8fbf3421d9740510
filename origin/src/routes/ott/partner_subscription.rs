//! `POST /ott/v1/partnerSubscription`: the customer has finished the sign-up at the partner.

use super::routed;
use crate::ambient::Clock;
use crate::charge::not_cut_over;
use crate::config::{ChargeNeeds, Config, NumberProof};
use crate::fault::Failure;
use crate::instruments::Instruments;
use crate::keys::StableIds;
use crate::routes::authentic::PartnerCall;
use crate::store::{AgreedTerms, RecordSubscriptionResult, Store, SubscriptionTerms};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::mandate::MandateProof;
use onbill_domain::money::Money;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::ott::{PartnerSubscriptionRequest, PartnerSubscriptionResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 201 when recorded with its mandate, 200 with the same response when it was recorded before; 503
/// `service-unavailable` when the PAI is dark; 404 `pai-not-found`; 422 `idempotency-violation` when the partner has used the id for something else;
/// 400 `account-not-eligible` when the PAI has another live subscription; 400 `invalid-request` for a
/// price that is not known, that is above the operator's ceiling or in another currency, that is
/// above what the widget has shown, or that is more than the partner's word is taken for.
pub(in crate::routes) async fn record_subscription(
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
    State(ids): State<Arc<StableIds>>,
    State(config): State<Arc<Config>>,
    State(instruments): State<Arc<Instruments>>,
    call: PartnerCall,
) -> Result<(StatusCode, Json<PartnerSubscriptionResponse>), Failure> {
    let request: PartnerSubscriptionRequest = parse(&call.body)?;
    let now = clock.now();
    request.check(now)?;
    if let Some(price) = request.price {
        check_price(&config, &call.partner, &request.plan, price)?;
    }
    let terms = find_terms(&config, &call.partner, &request);
    routed::check_routing(&instruments, &store, &call, request.pai).await?;
    let new_id = ids.subscription(&call.partner, &request.ext_subscription_id);
    let partner = call.partner.clone();
    let reject = match store
        .record_subscription(call.nonce, now, call.partner, new_id, request, terms)
        .await?
    {
        RecordSubscriptionResult::Created(answer) => {
            instruments.metrics.visits.note_subscription(&partner);
            return Ok((StatusCode::CREATED, Json(answer)));
        }
        RecordSubscriptionResult::Replayed(answer) => return Ok((StatusCode::OK, Json(answer))),
        RecordSubscriptionResult::Conflict => Reject::new(
            ErrorCode::IdempotencyViolation,
            "extSubscriptionID was used for another subscription.",
        ),
        RecordSubscriptionResult::NotCutOver => not_cut_over(),
        RecordSubscriptionResult::PaiNotFound => Reject::new(ErrorCode::PaiNotFound, "There is no such PAI."),
        RecordSubscriptionResult::AlreadyOnBill => {
            Reject::new(ErrorCode::AccountNotEligible, "The PAI has a live subscription already.")
        }
        RecordSubscriptionResult::PriceUnknown => Reject::invalid_request(
            "price is needed: no offer here has this plan, and the customer has seen no price.",
        ),
        RecordSubscriptionResult::AbovePrice => Reject::invalid_request(
            "price is above the one that the customer has seen: consentAt must say when they agreed to it.",
        ),
        RecordSubscriptionResult::AboveConsent => Reject::invalid_request(
            "price is more than twice what the widget has shown, or the operator sells the plan at: the operator must \
             set a ceiling for it.",
        ),
    };
    Err(reject.into())
}

/// What a subscription of this plan is sold for, and what its price needs.
fn find_terms(
    config: &Config,
    partner: &PartnerId,
    request: &PartnerSubscriptionRequest,
) -> SubscriptionTerms {
    let offer = config.offer_with_plan(partner, &request.plan);
    SubscriptionTerms {
        offer: offer.map(|offer| (offer.id.clone(), offer.price)),
        terms: offer.and_then(|offer| offer.terms.as_ref()).map(AgreedTerms::from),
        proof: match config.number_proof(partner) {
            NumberProof::Pin => MandateProof::Pin,
            NumberProof::DeviceRead => MandateProof::DeviceRead,
        },
        time_zone: config.time_zone.clone(),
        needs_price: config.charge_needs(partner) == ChargeNeeds::Mandate,
        has_ceiling: request
            .price
            .is_some_and(|price| config.price_ceiling(partner, &request.plan, price.currency).is_some()),
        listed_price: request
            .price
            .and_then(|price| config.listed_price(partner, &request.plan, price.currency)),
    }
}

/// Checks a price that the partner reports against what the operator sells of it.
fn check_price(config: &Config, partner: &PartnerId, plan: &ExtId, price: Money) -> Result<(), Reject> {
    let offer = config.offer_with_plan(partner, plan);
    let is_billed = config.limits_in(price.currency).is_some();
    if !is_billed || offer.is_some_and(|offer| offer.price.currency != price.currency) {
        return Err(Reject::invalid_request("price.currency is not the one that the plan is sold in here."));
    }
    match config.price_ceiling(partner, plan, price.currency) {
        Some(ceiling) if price.amount_minor > ceiling.amount_minor => {
            Err(Reject::invalid_request(format!("price is above the ceiling of {ceiling}.")))
        }
        _ => Ok(()),
    }
}
