//! The origin's HTTP routes. The tree mirrors the URLs: `edge/` for the edge's calls, `operator/`
//! for those of the operator's systems, `ott/` for the partner's calls as the edge forwards them,
//! `sms/` for those of the SMS gateway. Every call is signed, see [`authentic`], except the
//! gateway's: gateways cannot sign, so they call a URL with a token that only they have received.
//! [`admin`] has the routes of another listener.

pub mod admin;
pub mod authentic;
mod call_verifier;
mod edge;
mod healthz;
mod measured;
mod operator;
mod ott;
mod panics;
mod readyz;
mod received;
mod recovering;
mod refused_visits;
mod sms;
mod start;
mod state;
mod trace;
mod version;

pub use call_verifier::CallVerifier;
pub(crate) use recovering::Recovering;
pub(crate) use state::RouteParts;
pub use state::RouteState;

use crate::fault::Failure;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use onbill_domain::reject::{ErrorCode, Reject};

/// Declares routes: their router, and the list of them that tests walk.
macro_rules! routes {
    ($list:ident, $router:ident: $($method:ident $path:literal => $handler:expr;)+) => {
        /// Method and pattern of each.
        pub const $list: &[(&str, &str)] = &[$((stringify!($method), $path),)+];

        fn $router() -> Router<RouteState> {
            Router::new()$(.route($path, $method($handler)))+
        }
    };
}

routes! {
    PARTNER_ROUTES, partner_routes:
    get "/ott/v1/echo" => ott::echo::echo;
    post "/ott/v1/account/validate" => ott::account_validate::validate_account;
    post "/ott/v1/pin" => ott::pin::send_pin;
    post "/ott/v1/token/validate" => ott::token_validate::spend_token;
    post "/ott/v1/coupon/redeem" => ott::coupon_redeem::redeem_coupon;
    post "/ott/v1/notification" => ott::notification::send_notification;
    post "/ott/v1/partnerSubscription" => ott::partner_subscription::record_subscription;
    put "/ott/v1/partnerSubscription/{partner_subscription_id}" => ott::subscription_change::change_subscription;
    post "/ott/v1/transaction" => ott::transaction::post_transaction;
    get "/ott/v1/transaction/{ext_transaction_id}" => ott::transaction_status::transaction_status;
    post "/ott/v1/transaction/{ext_transaction_id}/refund" => ott::refund::post_refund;
    get "/ott/v1/transaction/{ext_transaction_id}/refund/{ext_refund_id}" => ott::refund_status::refund_status;
}

routes! {
    OTHER_ROUTES, other_routes:
    get "/healthz" => healthz::healthz;
    get "/livez" => healthz::livez;
    get "/readyz" => readyz::readyz;
    get "/version" => version::version;
    post "/edge/v1/validate" => edge::validate::validate;
    post "/edge/v1/pin" => edge::pin::try_pin;
    post "/edge/v1/signup" => edge::signup::begin_signup;
    post "/edge/v1/account" => edge::account::read_account;
    post "/edge/v1/account/unlink" => edge::account_unlink::unlink;
    post "/edge/v1/return" => edge::return_page::find_return_page;
    post "/edge/v1/result" => edge::result::check_result;
    post "/edge/v1/pai" => edge::pai::look_up_pai;
    post "/edge/v1/subscription" => edge::subscription::look_up_subscription;
    post "/edge/v1/transaction" => edge::transaction::look_up_transaction;
    post "/operator/v1/account-events" => operator::account_events::post_account_event;
    post "/operator/v1/coupons" => operator::coupons::issue_coupon;
    get "/operator/v1/coupons/{ext_coupon_id}" => operator::coupons::read_coupon;
    post "/operator/v1/coupons/{ext_coupon_id}/resend" => operator::coupons::resend_coupon;
    post "/operator/v1/coupons/{ext_coupon_id}/void" => operator::coupons::void_coupon;
    get "/operator/v1/mandates" => operator::mandates::page_of_mandates;
    get "/operator/v1/transactions" => operator::transactions::page_of_transactions;
    post "/operator/v1/erasures" => operator::erasures::post_erasure;
    post "/operator/v1/subscribers/search" => operator::subscriber_search::search_subscriber;
    post "/operator/v1/links/{link_id}/close" => operator::link_close::close_link;
    post "/operator/v1/refunds" => operator::refunds::post_refund;
    post "/operator/v1/disputes" => operator::disputes::post_dispute;
    get "/operator/v1/disputes" => operator::disputes::page_of_disputes;
    post "/operator/v1/sms/{id}/resend" => operator::sms_resend::resend_sms;
    get "/operator/v1/summary" => operator::summary::read_summary;
    get "/operator/v1/queue" => operator::queue::read_queue;
    post "/operator/v1/queue/{job}/retry" => operator::queue::retry_job;
    get "/operator/v1/alarms" => operator::alarms::list_alarms;
    get "/sms/v1/receipt/{token}" => sms::receipt::take_receipt;
}

/// What the console's pages have in common with the calls: a correlator with a line in the log, and an
/// answer when a handler panics.
pub(crate) fn guard_pages(pages: Router, state: &RouteState) -> Router {
    pages
        .layer(from_fn_with_state(state.clone(), panics::answer_panic))
        .layer(from_fn_with_state(state.clone(), trace::with_own_correlator))
}

pub fn router(state: RouteState) -> Router {
    let partners = partner_routes().route_layer(from_fn_with_state(state.clone(), authentic::admit_partner));
    Router::new()
        .merge(partners)
        .merge(other_routes())
        .fallback(start::get_start)
        .method_not_allowed_fallback(|| async {
            Failure::from(Reject::new(ErrorCode::MethodNotAllowed, "The path does not take this method."))
        })
        .layer(from_fn_with_state(state.clone(), recovering::guard_recovery))
        .layer(from_fn_with_state(state.clone(), panics::answer_panic))
        .layer(from_fn_with_state(state.clone(), refused_visits::note_refused_visit))
        .layer(from_fn_with_state(state.clone(), trace::with_correlator))
        .layer(from_fn_with_state(state.clone(), measured::measure_request))
        .with_state(state)
}
