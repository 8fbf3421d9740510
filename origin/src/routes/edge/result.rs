//! `POST /edge/v1/result`: the widget, on the operator's page again, shows how the visit ended.

use crate::ambient::Clock;
use crate::config::{Config, Offer};
use crate::fault::Failure;
use crate::routes::authentic::EdgeCall;
use crate::store::{Store, SubscriptionStart};
use axum::Json;
use axum::extract::State;
use onbill_domain::agreement::{FirstCharge, SignupSummary, SummaryFacts, word_summary};
use onbill_domain::day::Day;
use onbill_domain::key::Keyring;
use onbill_domain::locale::Locale;
use onbill_domain::token::{self, ResultClaims};
use onbill_domain::wire::edge::{OfferView, ResultRequest, ResultResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 1. Reads a genuine result: 400 `token-invalid` or `token-expired`.
/// 2. Finds the subscription that came of a success, and what is known of its first charge.
/// 3. 200 with the contents of the result, with the offer that was taken, and the words for 2.
pub(in crate::routes) async fn check_result(
    State(config): State<Arc<Config>>,
    State(store): State<Arc<Store>>,
    State(keys): State<Arc<Keyring>>,
    State(clock): State<Arc<dyn Clock>>,
    call: EdgeCall,
) -> Result<Json<ResultResponse>, Failure> {
    // 1.
    let ResultRequest { result, locale } = parse(&call.body)?;
    let now = clock.now();
    let claims: ResultClaims = token::verify(&keys, config.operator.as_str(), now, &result)?;
    let visited = config.find_offer(&claims.offer)?;
    // 2.
    let start = match claims.partner_subscription_id {
        Some(id) => store.find_subscription_start(id, Day::of_timestamp(now)).await?,
        None => None,
    };
    // 3.
    let taken = match &start {
        Some(start) => start.offer.as_ref().and_then(|id| config.offer(id)),
        None => Some(visited),
    };
    Ok(Json(ResultResponse {
        outcome: claims.outcome,
        offer: taken.map_or_else(|| view_unsold(&config, visited, start.as_ref()), Offer::to_view),
        account_url: config.account_url.clone(),
        summary: start.map(|start| word_start(&config, (visited, taken), locale, &start)),
    }))
}

/// A plan that is no offer of the operator's is shown by the partner's name.
fn view_unsold(config: &Config, visited: &Offer, start: Option<&SubscriptionStart>) -> OfferView {
    OfferView {
        title: config.partner_name(&visited.partner).to_owned(),
        price: start.and_then(|start| start.price).unwrap_or(visited.price),
        ..visited.to_view()
    }
}

/// Words how a subscription begins. The partner may have reported another plan than the `visited` offer:
/// one that is another offer, or none.
fn word_start(
    config: &Config,
    (visited, taken): (&Offer, Option<&Offer>),
    locale: Locale,
    start: &SubscriptionStart,
) -> SignupSummary {
    let after_coupons = start.paid_until.and_then(Day::next);
    let known = start.charged_at.map(|at| config.time_zone.day_of(at)).or(after_coupons);
    word_summary(
        locale,
        &SummaryFacts {
            operator: &config.name,
            partner: config.partner_name(&visited.partner),
            offer: taken.map(|offer| offer.title.as_str()),
            price: start.price,
            taxes: taken.and_then(|offer| offer.taxes).or(config.taxes),
            first_charge: known
                .map_or_else(|| FirstCharge::expect(start.source, start.account_type), FirstCharge::On),
        },
    )
}
