//! The console: people sign in at a strict identity provider, and look up, refund, close and retry, each
//! within their roles. No browser is needed: the pages have no script.

mod approvals;
mod browser;
pub(crate) mod ceilings;
mod desks;
mod disputes;
mod issuer;
mod reports;
mod roles;
mod sessions;
mod sign_in;
mod simulated_operator;

use browser::Browser;
use issuer::Issuer;
use onbill_domain::wire::audit::{AuditAct, AuditLine, AuditOutcome};
use onbill_origin::audit::verify_ledger;
use onbill_origin::config::ConsoleSettings;
use onbill_test_harness::database::TestDb;
use onbill_test_harness::{TestSystem, db_folder, write_password_file};
use serde_json::json;
use std::sync::Arc;

/// Where the console of Acme is, as browsers know it.
const CONSOLE: &str = "127.0.0.1:9465";
const ISSUER: &str = "127.0.0.1:9466";
const CLIENT_SECRET: &str = "secret-of the.console: 1+1%";
const GOOD: &str = "+12025550101";

fn serve_console(system: &TestSystem) {
    let identity = Arc::clone(&system.network) as _;
    let router = system.acme.app().console_router(identity).expect("is sound").expect("is configured");
    system.network.attach_service(CONSOLE, router);
}

/// A console with its identity provider.
struct Desk {
    system: TestSystem,
    issuer: Arc<Issuer>,
}

/// Gives Acme a console with its identity provider. `change` changes its settings.
fn attach_console(system: &mut TestSystem, change: impl FnOnce(&mut ConsoleSettings)) -> Arc<Issuer> {
    // A supervisor gives back 10.00 of a charge alone.
    system.set_acme_limits(json!([{"currency": "USD", "supervisor_refund": 1000}]));
    let mut settings: ConsoleSettings = serde_json::from_value(json!({
        "url": format!("http://{CONSOLE}"),
        "issuer": format!("http://{ISSUER}"),
        "client_id": "onbill",
        "client_secret_file": write_password_file(&db_folder(), CLIENT_SECRET),
        "groups": {
            "g-care": "care", "g-lead": "supervisor", "g-billing": "billing", "g-finance": "finance",
            "g-fraud": "fraud", "g-product": "product", "g-audit": "auditor", "g-admin": "admin",
        },
    }))
    .expect("are settings");
    change(&mut settings);
    system.reconfigure_acme(|config| config.console = Some(settings));
    let issuer = Issuer::new(system.now());
    system.network.attach_service(ISSUER, Arc::clone(&issuer).router());
    serve_console(system);
    issuer
}

impl Desk {
    fn open(system: TestSystem) -> Self {
        Self::open_with(system, |_| ())
    }

    fn open_with(mut system: TestSystem, change: impl FnOnce(&mut ConsoleSettings)) -> Self {
        let issuer = attach_console(&mut system, change);
        Self { system, issuer }
    }

    /// Puts a copy in the place of the database. Its sessions are those of the copy.
    async fn restore(&mut self, copy: TestDb) {
        self.system.restore_acme(copy).await;
        serve_console(&self.system);
    }

    async fn with_subscriber() -> (Self, String) {
        let (system, pai) = TestSystem::with_subscriber(GOOD).await;
        (Self::open(system), pai)
    }

    /// Lets time pass, also for the identity provider.
    fn advance_seconds(&self, seconds: i64) {
        self.system.advance_seconds(seconds);
        self.issuer.set_now(self.system.now());
    }

    fn browser(&self) -> Browser {
        Browser::new(Arc::clone(&self.system.network))
    }

    /// A browser whose person has signed in.
    async fn sign_in(&self, subject: &str, groups: &[&str]) -> Browser {
        let browser = self.browser();
        let page = browser.sign_in(&self.issuer, subject, groups).await;
        assert_eq!(page.status, 303, "{}", page.body);
        browser
    }

    async fn list_entries(&self) -> Vec<AuditLine> {
        let store = &self.system.acme.app().store;
        let end = verify_ledger(store).await.expect("reads").expect("is whole");
        let entries = store.list_audit_lines(0, 200).await.expect("reads");
        assert_eq!(entries.len() as u64, end.lines);
        entries
    }

    /// Who did what, and what came of it.
    async fn list_acts(&self) -> Vec<(String, AuditAct, AuditOutcome)> {
        let entries = self.list_entries().await;
        entries.iter().map(|entry| (entry.actor.to_string(), entry.act, entry.outcome)).collect()
    }
}
