//! The partner: simulates Netflix with a design of its own. It has a sign-up for customers whom an
//! operator sends, an app on a device that reads its SIM, accounts that are paid by card or on the
//! phone bill, the monthly billing run, and refunds.
//!
//! It keeps only what a partner may keep, which is the PAI. A number is in the simulated device,
//! and passes through the two calls that the app makes with it. Everything that reaches the partner
//! is searched for phone numbers, and reports about its charges are compared with its own ledger. A
//! number that is found, or a contradiction, is shown in red on every page.

mod account_states;
mod accounts;
mod app;
mod billing_runs;
mod calls;
mod charges;
pub mod config;
mod coupons;
mod edge;
mod fault_switch;
mod home;
mod layout;
pub mod leak;
mod ledger;
mod log_in;
mod member;
mod members;
mod messages;
mod network;
mod redeem;
mod redeem_form;
mod redemptions;
mod refund_form;
mod refunds;
mod report;
mod signup;
mod signup_form;
mod signup_sessions;
mod webhooks;
mod words;

pub use config::{KnownOperator, NetflixConfig};
pub use network::NetworkCode;

use crate::gate::SignatureGate;
use crate::{PartyDependencies, answer, copy_button, page, refusal_page, settings};
use app::Devices;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use billing_runs::BillingRuns;
use edge::EdgeClient;
use fault_switch::PartnerFaults;
use http::HeaderValue;
use leak::LeakWatch;
use ledger::PartnerLedger;
use log_in::LogIns;
use members::Members;
use onbill_domain::key::KeyUse;
use onbill_domain::timestamp::Timestamp;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The partner. Clones share one state.
#[derive(Clone)]
pub struct Netflix(Arc<NetflixState>);

struct NetflixState {
    config: NetflixConfig,
    outside: PartyDependencies,
    /// For calls of the edge.
    gate: SignatureGate,
    /// For calls of the operators' origins.
    origins: SignatureGate,
    edge: EdgeClient,
    leaks: Arc<LeakWatch>,
    members: Mutex<Members>,
    ledger: Mutex<PartnerLedger>,
    runs: Mutex<BillingRuns>,
    devices: Mutex<Devices>,
    log_ins: Mutex<LogIns>,
    faults: Mutex<PartnerFaults>,
}

impl Netflix {
    /// A partner with its demo accounts. Fails without a key to sign with.
    pub fn new(config: NetflixConfig, outside: PartyDependencies) -> Result<Self, String> {
        let leaks = Arc::new(LeakWatch::new(&config.watched()));
        let edge = EdgeClient::new(&config, outside.clone(), leaks.clone())?;
        let authority = settings::authority(&config.public_url);
        let gate = SignatureGate::new(config.keys.clone(), KeyUse::EdgeToPartner, authority.clone());
        let origins = SignatureGate::new(config.keys.clone(), KeyUse::OriginToPartner, authority);
        let members = Mutex::new(Members::with_demo_accounts());
        let (ledger, runs, devices, log_ins, faults) = Default::default();
        let inner = NetflixState {
            config,
            outside,
            gate,
            origins,
            edge,
            leaks,
            members,
            ledger,
            runs,
            devices,
            log_ins,
            faults,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// All its pages and endpoints.
    pub fn router(&self) -> Router {
        let api = Router::new()
            .route("/signup-sessions", post(signup_sessions::post_signup_session))
            .route("/transaction-state", post(webhooks::post_transaction_state))
            .route("/refund-state", post(webhooks::post_refund_state))
            .route("/dispute-state", post(webhooks::post_dispute_state))
            .route("/account-state", post(webhooks::post_account_state))
            .layer(from_fn_with_state(self.clone(), fault_switch::apply))
            .layer(from_fn_with_state("partner", answer::correlate));
        let pages = Router::new()
            .route("/", get(home::get_home))
            .route("/app", get(app::sims::get_sims).post(app::sims::post_sim))
            .route("/app/{device}", get(app::get_app))
            .route("/app/{device}/other-ways", get(app::get_other_ways))
            .route("/app/{device}/{act}", post(app::post_act))
            .route("/signup/{visit}", get(signup::get_signup))
            .route("/signup/{visit}/new", post(signup::post_new))
            .route("/signup/{visit}/existing", post(signup::post_existing))
            .route("/signup/{visit}/done", get(signup::get_done))
            .route("/redeem", get(redeem::get_redeem).post(redeem::post_redeem))
            .route("/member", get(member::get_member))
            .route("/log-in", post(log_in::post_log_in))
            .route("/log-out", post(log_in::post_log_out))
            .route("/accounts", get(accounts::get_accounts))
            .route("/messages", post(messages::post_message))
            .route("/billing-runs", get(billing_runs::get_billing_runs).post(billing_runs::post_billing_run))
            .route("/charges", get(charges::get_charges))
            .route("/refunds", post(refunds::post_refund))
            .route("/faults", get(fault_switch::get_faults).post(fault_switch::post_faults))
            .route("/healthz", get(answer::healthz))
            .route("/assets/netflix.svg", get(layout::get_icon))
            .route("/assets/netflix.css", get(layout::get_style))
            .route("/assets/netflix.js", get(layout::get_script))
            .route("/assets/copy.js", get(copy_button::get_script));
        let policy = HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        );
        api.merge(pages)
            .fallback(refusal_page::not_found)
            .layer(from_fn_with_state(self.clone(), layout::show_refusals))
            .layer(from_fn_with_state(self.clone(), leak::watch))
            .layer(from_fn_with_state(policy, page::secure))
            .with_state(self.clone())
    }

    fn now(&self) -> Timestamp {
        self.0.outside.clock.now()
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.0.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
