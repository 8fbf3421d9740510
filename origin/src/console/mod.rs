//! The console: pages for the people of the operator, rendered here, without a script. A page asks the
//! use cases that the signed calls of `/operator/v1` ask, and has no other way to the ledger.
//!
//! A person signs in at the operator's identity provider ([`sign_in`]); what they may do is in one table
//! ([`crate::care::permits`]), and every page asks it.

mod access;
mod approvals;
mod assets;
mod auditor;
mod billing;
mod care;
mod chart;
mod chart_scale;
mod chart_series;
mod confirm;
mod cookies;
mod csrf;
mod disputes;
mod figures;
mod finance;
mod form;
mod home;
pub mod layout;
mod mistake;
mod on_call;
mod product;
mod reference_field;
mod refused;
mod session;
mod sign_in;
mod state;
mod text;
mod viewer;
mod words;

pub(crate) use sign_in::discovery_url;
pub use viewer::Viewer;

use crate::config::ConsoleSettings;
use crate::http::Peer;
use crate::keys::password_file::read_secret;
use crate::routes::{RouteState, guard_pages};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use cookies::Cookies;
use onbill_domain::limits::BODY_BYTES_MAX;
use sign_in::SignIn;
pub(crate) use state::Console;
use std::sync::Arc;
use std::time::Duration;

/// How long the identity provider may take for an answer, connection included: a person waits for it.
pub const IDENTITY_DEADLINE: Duration = Duration::from_secs(5);
/// Largest answer of an identity provider, in bytes: sets of keys with their certificates are some 20 KiB
/// at the large ones.
pub const IDENTITY_BYTES_MAX: usize = 256 * 1024;

/// Declares the pages: their router, and the list of them that tests walk.
macro_rules! pages {
    ($($method:ident $path:literal => $handler:expr;)+) => {
        /// Method and pattern of each.
        pub const CONSOLE_ROUTES: &[(&str, &str)] = &[$((stringify!($method), $path),)+];

        fn pages() -> Router<Console> {
            Router::new()$(.route($path, $method($handler)))+
        }
    };
}

pages! {
    get "/" => home::first_page;
    get "/assets/{file}" => assets::style;
    get "/sign-in" => sign_in::begin;
    get "/sign-in/callback" => sign_in::finish;
    post "/sign-out" => sign_in::sign_out;
    get "/signed-out" => sign_in::signed_out;
    get "/finance" => finance::month_page;
    get "/finance/print" => finance::print_page;
    get "/finance/month.csv" => finance::month_csv;
    get "/finance/findings" => finance::findings_page;
    get "/product" => product::funnel_page;
    get "/on-call" => on_call::on_call_page;
    get "/on-call/runbook/{alarm}" => on_call::runbook_page;
    get "/auditor" => auditor::audit_page;
    post "/auditor" => auditor::filter_page;
    get "/care" => care::search::show_search;
    post "/care/search" => care::search::search;
    post "/care/links/close" => care::close::close_link;
    post "/care/refunds" => care::refund::post_refund;
    post "/care/sms/resend" => care::resend::resend_sms;
    get "/disputes" => disputes::list_disputes;
    post "/disputes/open" => disputes::open_dispute;
    post "/disputes/withdraw" => disputes::withdraw_dispute;
    post "/disputes/decide" => disputes::decide_dispute;
    get "/approvals" => approvals::list;
    post "/approvals/{id}" => approvals::decide;
    get "/billing" => billing::show_queues;
    post "/billing/retry" => billing::retry::retry_job;
}

/// The pages that a person sees who has not signed in.
pub const OPEN_ROUTES: &[&str] = &["/assets/{file}", "/sign-in", "/sign-in/callback", "/signed-out"];

/// The router of the console listener. `identity` reaches the identity provider. The error says which
/// setting is wrong.
pub(crate) fn console_router(
    parts: &RouteState,
    settings: &ConsoleSettings,
    identity: Arc<dyn Peer>,
) -> Result<Router, String> {
    let secret = read_secret("console: client_secret_file", &settings.client_secret_file)?;
    let sign_in = SignIn::new(settings, secret, identity, parts.clock.clone(), parts.random.clone());
    let console = Console {
        cookies: Cookies::for_url(&settings.url),
        sign_in: Arc::new(sign_in),
        look_ups_per_hour: settings.look_ups_per_hour,
        parts: parts.clone(),
    };
    if parts.recovering.0 {
        return Ok(guard_pages(Router::new().fallback(home::recovering), parts));
    }
    let router = pages()
        .fallback(home::not_found)
        .method_not_allowed_fallback(home::not_found)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(console);
    Ok(guard_pages(router, parts))
}
