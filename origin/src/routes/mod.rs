//! The origin's HTTP routes. The tree mirrors the URLs: `edge/` for the edge's calls, `operator/`
//! for those of the operator's systems, `ott/` for the partner's calls as the edge forwards them,
//! `sms/` for those of the SMS gateway. Every call is signed, see [`authentic`], except the
//! gateway's: gateways cannot sign, so they call a URL with a token that only they have received.

pub mod authentic;
mod call_verifier;
mod edge;
mod healthz;
mod operator;
mod ott;
mod received;
mod sms;
mod state;
mod trace;

pub use call_verifier::CallVerifier;
pub use state::RouteState;

use crate::fault::Failure;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use onbill_domain::reject::{ErrorCode, Reject};

pub fn router(state: RouteState) -> Router {
    let partners = Router::new()
        .route("/ott/v1/account/validate", post(ott::account_validate::validate_account))
        .route("/ott/v1/pin", post(ott::pin::send_pin))
        .route("/ott/v1/token/validate", post(ott::token_validate::spend_token))
        .route("/ott/v1/coupon/redeem", post(ott::coupon_redeem::redeem_coupon))
        .route("/ott/v1/notification", post(ott::notification::send_notification))
        .route("/ott/v1/partnerSubscription", post(ott::partner_subscription::record_subscription))
        .route(
            "/ott/v1/partnerSubscription/{partner_subscription_id}",
            put(ott::subscription_change::change_subscription),
        )
        .route("/ott/v1/transaction", post(ott::transaction::post_transaction))
        .route("/ott/v1/transaction/{ext_transaction_id}", get(ott::transaction_status::transaction_status))
        .route("/ott/v1/transaction/{ext_transaction_id}/refund", post(ott::refund::post_refund))
        .route(
            "/ott/v1/transaction/{ext_transaction_id}/refund/{ext_refund_id}",
            get(ott::refund_status::refund_status),
        )
        .route_layer(from_fn_with_state(state.clone(), authentic::admit_partner));
    Router::new()
        .merge(partners)
        .route("/healthz", get(healthz::healthz))
        .route("/livez", get(healthz::livez))
        .route("/edge/v1/validate", post(edge::validate::validate))
        .route("/edge/v1/pin", post(edge::pin::try_pin))
        .route("/edge/v1/signup", post(edge::signup::begin_signup))
        .route("/edge/v1/account", post(edge::account::read_account))
        .route("/edge/v1/account/unlink", post(edge::account_unlink::unlink))
        .route("/edge/v1/return", post(edge::return_page::find_return_page))
        .route("/edge/v1/result", post(edge::result::check_result))
        .route("/edge/v1/pai", post(edge::pai::look_up_pai))
        .route("/edge/v1/subscription", post(edge::subscription::look_up_subscription))
        .route("/edge/v1/transaction", post(edge::transaction::look_up_transaction))
        .route("/operator/v1/account-events", post(operator::account_events::post_account_event))
        .route("/operator/v1/coupons", post(operator::coupons::issue_coupon))
        .route("/operator/v1/coupons/{ext_coupon_id}", get(operator::coupons::read_coupon))
        .route("/operator/v1/coupons/{ext_coupon_id}/resend", post(operator::coupons::resend_coupon))
        .route("/operator/v1/coupons/{ext_coupon_id}/void", post(operator::coupons::void_coupon))
        .route("/operator/v1/transactions", get(operator::transactions::page_of_transactions))
        .route("/operator/v1/erasures", post(operator::erasures::post_erasure))
        .route("/sms/v1/receipt/{token}", get(sms::receipt::take_receipt))
        .fallback(|| async { Failure::from(Reject::new(ErrorCode::NotFound, "There is no such path.")) })
        .method_not_allowed_fallback(|| async {
            Failure::from(Reject::new(ErrorCode::MethodNotAllowed, "The path does not take this method."))
        })
        .layer(from_fn_with_state(state.clone(), trace::with_correlator))
        .with_state(state)
}
