//! A mobile operator: the self-care dashboard with the widget on it and prepaid plans, the CSP API
//! that its origin calls, the SMS and the bills of its subscribers.
//!
//! Not here: anything of onbill. The dashboard knows the edge's public URL, its origin's address
//! and four keys; the rest of onbill could be another vendor's.

mod account_answers;
mod assets;
mod bare;
mod bill;
pub mod config;
mod coupons;
mod csp;
mod dashboard;
mod done;
mod fault_switch;
mod files;
mod layout;
pub mod ledger;
mod log_in;
mod origin;
mod playground;
mod sendsms;
mod session;
mod sms;
pub mod smsc;
mod staff_login;
mod subscriptions;
mod terms;
mod ways_on;

pub use account_answers::AccountAnswer;
pub use config::{BrandColours, CouponsOnSale, GatewayLogin, OperatorConfig, PrepaidPlan, StaffClient};
pub use files::RefusedFile;
pub use smsc::{ListeningSmsc, SubmitParameters};
pub use staff_login::{PEOPLE, Person};

use crate::gate::SignatureGate;
use crate::{PartyDependencies, answer, copy_button, page, refusal_page, settings};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use coupons::Purchases;
use fault_switch::OperatorFaults;
use http::HeaderValue;
use ledger::OperatorLedger;
use log_in::LogIns;
use onbill_domain::key::KeyUse;
use onbill_domain::timestamp::Timestamp;
use origin::OriginClient;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The operator. Clones share one state.
#[derive(Clone)]
pub struct Operator(Arc<OperatorState>);

struct OperatorState {
    config: OperatorConfig,
    outside: PartyDependencies,
    gate: SignatureGate,
    /// Absent where it is not called.
    origin: Option<OriginClient>,
    ledger: Mutex<OperatorLedger>,
    purchases: Mutex<Purchases>,
    log_ins: Mutex<LogIns>,
    faults: watch::Sender<OperatorFaults>,
    files: Mutex<files::ResponseFiles>,
    /// How many session assertions it has signed.
    assertions: AtomicU64,
    smsc: smsc::Smsc,
    staff_logins: staff_login::StaffLogins,
}

impl Operator {
    /// An operator with a ledger for the configured accounts.
    pub fn new(config: OperatorConfig, outside: PartyDependencies) -> Self {
        let authority = settings::authority(&config.public_url);
        let gate = SignatureGate::new(config.keys.clone(), KeyUse::OriginToOperator, authority);
        let origin = OriginClient::of(&config, &outside);
        let ledger = Mutex::new(OperatorLedger::open(config.accounts.clone(), config.currency));
        Self(Arc::new(OperatorState {
            config,
            outside,
            gate,
            origin,
            ledger,
            purchases: Mutex::default(),
            log_ins: Mutex::default(),
            faults: watch::Sender::new(OperatorFaults::default()),
            files: Mutex::default(),
            assertions: AtomicU64::new(0),
            smsc: smsc::Smsc::default(),
            staff_logins: staff_login::StaffLogins::default(),
        }))
    }

    /// All its pages and endpoints.
    pub fn router(&self) -> Router {
        let csp = Router::new()
            .route("/csp/account/validate", post(csp::account_validate::post_account_validate))
            .route("/csp/transaction", post(csp::transaction::post_transaction))
            .route("/csp/transaction/{transaction_id}", get(csp::transaction::get_transaction))
            .route("/csp/refund", post(csp::refund::post_refund))
            .route("/csp/notification", post(csp::notification::post_notification))
            .route("/cgi-bin/sendsms", post(sendsms::post_sendsms))
            .layer(from_fn_with_state(self.clone(), fault_switch::apply))
            .layer(from_fn_with_state("billing", answer::correlate));
        let pages = Router::new()
            .route("/", get(dashboard::get_dashboard))
            .route("/subscriptions", get(subscriptions::get_subscriptions))
            .route("/terms", get(terms::get_terms))
            .route("/privacy", get(terms::get_privacy))
            .route("/bare", get(bare::get_bare))
            .route("/playground", get(playground::get_playground))
            .route("/playground/session/{state}", get(playground::get_session))
            .route(&self.config().return_path, get(done::get_done))
            .route("/log-in", post(log_in::post_log_in))
            .route("/session", get(session::get_session))
            .route("/plans", get(coupons::plans::get_plans).post(coupons::plans::post_plan))
            .route("/plans/{coupon}/resend", post(coupons::plans::post_resend))
            .route("/coupons", get(coupons::desk::get_coupons))
            .route("/coupons/{coupon}/{act}", post(coupons::desk::post_act))
            .route("/sms", get(sms::get_sms))
            .route("/bill", get(bill::get_bill))
            .route("/faults", get(fault_switch::get_faults).post(fault_switch::post_faults))
            .route(
                "/account-answers",
                get(account_answers::get_account_answers).post(account_answers::post_account_answer),
            )
            .route("/top-up", get(ways_on::get_top_up))
            .route("/pay-bill", get(ways_on::get_pay_bill))
            .route("/help", get(ways_on::get_help))
            .route("/staff/.well-known/openid-configuration", get(staff_login::get_document))
            .route("/staff/keys", get(staff_login::get_keys))
            .route("/staff/authorize", get(staff_login::get_authorize))
            .route("/staff/token", post(staff_login::post_token))
            .route("/healthz", get(answer::healthz))
            .route("/assets/operator.svg", get(assets::get_icon))
            .route("/assets/operator.css", get(assets::get_style))
            .route("/assets/operator.js", get(assets::get_script))
            .route("/assets/playground.js", get(playground::get_script))
            .route("/assets/copy.js", get(copy_button::get_script));
        let policy = HeaderValue::from_str(&self.content_security_policy()).ok();
        let policy = policy.unwrap_or_else(|| HeaderValue::from_static("default-src 'none'"));
        csp.merge(pages)
            .fallback(refusal_page::not_found)
            .layer(from_fn_with_state(self.clone(), layout::show_refusals))
            .layer(from_fn_with_state(policy, page::secure))
            .with_state(self.clone())
    }

    /// The widget's loader and frame come from the edge; everything else is the dashboard's own.
    fn content_security_policy(&self) -> String {
        let edge = &self.config().edge_url;
        format!(
            "default-src 'none'; script-src 'self' {edge}; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src {edge}; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
    }

    fn config(&self) -> &OperatorConfig {
        &self.0.config
    }

    fn now(&self) -> Timestamp {
        self.0.outside.clock.now()
    }

    fn ledger(&self) -> MutexGuard<'_, OperatorLedger> {
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
