//! The kit for operators: calls a CSP API as the origin does, and judges its responses as the origin
//! reads them. The checks are in the files beside this one, by the call that they are about.

mod accounts;
mod charges;
mod first_look;
mod forms;
mod kit;
mod numbers;
mod overall;
mod refunds;
mod signatures;
mod sms;

pub use numbers::Numbers;

use super::check::{Check, CheckFacts};
use super::limits::Limits;
use super::report::Report;
use super::run::{Progress, run_checks};
use anyhow::Context as _;
use kit::CspKit;
use onbill_domain::key::{KeyUse, Keyring};

/// The head of the report.
pub(super) const TITLE: &str = "onbill CSP API";

/// What the kit needs.
pub struct CspSettings {
    /// The address of the CSP API.
    pub url: String,
    /// A ring with the key of use `origin-to-bss`.
    pub keys: Keyring,
    /// The test accounts.
    pub numbers: Numbers,
    /// How long the API may take.
    pub limits: Limits,
}

fn checks() -> impl Iterator<Item = &'static Check<CspKit>> {
    let calls = [accounts::CHECKS, charges::CHECKS, refunds::CHECKS, sms::CHECKS, signatures::CHECKS];
    // The last ones judge all calls before them.
    calls.into_iter().flatten().chain(overall::CHECKS)
}

/// Every check of this kit, in the order in which they run.
pub fn csp_checks() -> Vec<&'static CheckFacts> {
    checks().map(|check| &check.facts).collect()
}

/// Tests a CSP API. Fails where no check could say more: there is no key to call it with, nothing answers
/// there, or the first look has found what has to be mended before anything is charged (`first_look`).
pub async fn certify_csp(settings: CspSettings, progress: Progress<'_>) -> anyhow::Result<Report> {
    let key = settings.keys.keys_for_use(KeyUse::OriginToOperator).last();
    let key = key.context("the ring has no key of the use origin-to-bss")?.clone();
    let url = settings.url.clone();
    let kit = CspKit::new(&settings.url, key, settings.numbers, settings.limits)?;
    kit.caller.reach().await?;
    first_look::look(&kit).await?;
    Ok(run_checks(&kit, checks(), TITLE, &url, progress).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_check_needs_comes_before_it() {
        let ids: Vec<&str> = csp_checks().iter().map(|facts| facts.id).collect();
        for (at, check) in checks().enumerate() {
            for needed in check.needs {
                assert!(ids[..at].contains(needed), "{} needs {needed}", ids[at]);
            }
        }
    }
}
