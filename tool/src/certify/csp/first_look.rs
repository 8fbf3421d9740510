//! What is looked at before the checks: whether a CSP API answers at the address, whether it takes the
//! signature, and whether the accounts of the file are what the file says. Without these, every check
//! would fail, and each would say something else.

use super::kit::{ACCOUNT, CspKit, account};
use crate::certify::answer::{Answer, Seen, quote};
use anyhow::bail;
use onbill_domain::account::{AccountFacts, AccountType};
use onbill_domain::money::Money;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::ErrorCode;
use onbill_domain::wire::csp_answer::has_error_code;

/// Fails with the one thing that has to be mended first.
pub(super) async fn look(kit: &CspKit) -> anyhow::Result<()> {
    let seen = ask(kit, &kit.numbers.active).await;
    if let Ok(answer) = &seen {
        check_api(kit, answer)?;
    }
    check_accounts(kit).await
}

async fn ask(kit: &CspKit, msisdn: &Msisdn) -> Seen {
    kit.post(ACCOUNT, &kit.question(msisdn)).await
}

/// Fails where the response is not that of a CSP API to a call that it has verified.
fn check_api(kit: &CspKit, answer: &Answer) -> anyhow::Result<()> {
    let (path, status) = (kit.caller.path(ACCOUNT), answer.status);
    if status == 401 {
        bail!(
            "you refuse our signature: {answer}. Key {}; we signed for {}, path {path}. \
             `onbill verify` explains",
            kit.key.id,
            kit.caller.authority(),
        );
    }
    if answer.is_redirect() {
        let to = answer.location.as_deref().map_or_else(|| "nowhere".to_owned(), quote);
        bail!(
            "check --url: {status} for {path}, a redirect to {to}. A signature is for one address, so none is followed"
        );
    }
    if is_html(answer) {
        bail!("check --url: what answers for {path} is not a CSP API ({status} text/html)");
    }
    let is_own = has_error_code(&answer.body, ErrorCode::AccountNotFound);
    if matches!(status, 404 | 405 | 501) && !is_own {
        bail!("check --url: {status} for {path}");
    }
    Ok(())
}

/// Whether it is a page for people. A JSON body with another type is a mistake for a check.
fn is_html(answer: &Answer) -> bool {
    let says_html = answer.content_type.to_ascii_lowercase().contains("html");
    answer.status < 500
        && answer.members().is_none()
        && (says_html || answer.body.trim_ascii_start().starts_with(b"<"))
}

/// Fails where an account is another one than the file says, as far as the API is clear about it.
async fn check_accounts(kit: &CspKit) -> anyhow::Result<()> {
    let numbers = &kit.numbers;
    for (name, msisdn) in [("prepaid", &numbers.prepaid), ("poor", &numbers.poor)] {
        let Some(msisdn) = msisdn else { continue };
        let Ok(read) = account(&ask(kit, msisdn).await) else { continue };
        if let Some(problem) = problem_of(name, &read.account, kit.amount(numbers.amount)) {
            bail!("your file of numbers: {problem}");
        }
    }
    Ok(())
}

fn problem_of(name: &str, account: &AccountFacts, price: Money) -> Option<String> {
    if account.account_type == Some(AccountType::Postpaid) {
        return Some(format!("the account under {name:?} is postpaid, and must be prepaid"));
    }
    let funds = account.spendable.or(account.balance)?;
    if funds.currency != price.currency {
        let (has, bills) = (funds.currency, price.currency);
        return Some(format!("the balance under {name:?} is in {has}, and \"currency\" says {bills}"));
    }
    let pays = funds.amount_minor >= price.amount_minor;
    match (name, pays) {
        ("prepaid", false) => Some(format!(
            "the balance under {name:?} is {} and a charge is {}. Top it up, or name another account",
            funds.amount_minor, price.amount_minor
        )),
        ("poor", true) => Some(format!(
            "the balance under {name:?} is {} and pays for a charge of {}. Name an account that has less",
            funds.amount_minor, price.amount_minor
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onbill_domain::account::{AccountStatus, Stated};
    use onbill_domain::currency::Currency;

    #[test]
    fn account_is_what_the_file_says() {
        let money = |amount_minor, currency| Money {
            amount_minor,
            currency: Currency::parse(currency).expect("is listed"),
        };
        let problem = |name, account_type, balance| {
            let account = AccountFacts {
                status: Stated::Known(AccountStatus::Active),
                account_type,
                balance,
                suspension: None,
                ineligible: None,
                spendable: None,
            };
            problem_of(name, &account, money(1000, "USD"))
        };
        let prepaid = Some(AccountType::Prepaid);
        for (name, account_type, balance) in [
            ("prepaid", prepaid, Some(money(1000, "USD"))),
            ("poor", prepaid, Some(money(999, "USD"))),
            ("prepaid", None, None),
            ("poor", prepaid, None),
        ] {
            assert_eq!(problem(name, account_type, balance), None, "{name}");
        }
        for (name, account_type, balance, part) in [
            ("prepaid", Some(AccountType::Postpaid), None, "postpaid"),
            ("poor", Some(AccountType::Postpaid), None, "postpaid"),
            ("prepaid", prepaid, Some(money(999, "USD")), "Top it up"),
            ("poor", prepaid, Some(money(1000, "USD")), "pays for a charge"),
            ("prepaid", prepaid, Some(money(5000, "EUR")), "is in EUR"),
        ] {
            assert!(problem(name, account_type, balance).is_some_and(|text| text.contains(part)), "{part}");
        }
    }
}
