//! The files of another system that bills some of the sandbox's customers today, for a walk through docs/switching.md.
//! They are made from the accounts file at each start, and no program reads them by itself.

use std::fs;
use std::path::{Path, PathBuf};

use onbill_domain::day::{Day, ServicePeriod};
use serde_json::json;

use super::demo_numbers;
use crate::failure::{Context, Failure, Outcome};
use crate::system::{OperatorPlan, Plan};

/// Customers of the other system: few enough to look at each.
const CUSTOMERS: usize = 4;

const PAIS: &str = "partner,pai,msisdn,subscriber_ref,state,since,ext_subscription_id,origin,plan,price,currency,paid_until,\
                    consent_at,consent_by\n";
const CHARGES: &str = "partner,ext_transaction_id,pai,amount,currency,refunded,status,billing_ref,posted_at,period_from,\
                       period_to\n";
const PARTNER: &str = "pai,ext_subscription_id,state,plan,price,currency\n";

/// Where the files are, and what was written into them.
pub(super) struct IncumbentFiles {
    folder: PathBuf,
    /// A charge of one of its customers for next month, as the partner posts it.
    charge: String,
}

impl IncumbentFiles {
    /// Writes the files over those of the last run.
    pub(super) fn write(plan: &Plan, operator_plan: &OperatorPlan, today: Day) -> Outcome<Self> {
        let accounts = &operator_plan.accounts;
        let text = fs::read_to_string(accounts)
            .context(&format!("read the accounts file {}", accounts.display()))?;
        let (price, currency) = (operator_plan.operator.price, operator_plan.operator.currency);
        let [pais, charges, partner] = format_files(&text, price, currency, today).ok_or_else(|| {
            Failure::new("the accounts file has too few active postpaid accounts for --incumbent")
        })?;
        let folder = plan.folder.dir().join("incumbent");
        // The way back writes its files here, and overwrites none.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("back")).context(&format!("make {}", folder.display()))?;
        for (name, contents) in [("pais.csv", pais), ("charges.csv", charges), ("partner.csv", partner)] {
            let file = folder.join(name);
            fs::write(&file, contents).context(&format!("write {}", file.display()))?;
        }
        Ok(Self { folder, charge: format_charge(price, currency, today) })
    }

    /// The steps of the night, as they are typed.
    pub(super) fn format_steps(
        &self,
        origin: &Path,
        config: &Path,
        show: impl Fn(&Path) -> String,
    ) -> Vec<String> {
        let file = |name: &str| show(&self.folder.join(name));
        let [pais, charges, partner, back] = ["pais.csv", "charges.csv", "partner.csv", "back"].map(file);
        let steps = [
            format!("check {pais} {charges}"),
            format!("load {pais} {charges}"),
            format!("compare --partner netflix --accounts --partner-file {partner}"),
            "cut-over --partner netflix".to_owned(),
            "off --partner netflix".to_owned(),
            format!("back --partner netflix --to {back}"),
        ];
        let mut lines = vec![
            "\nCustomers of another system (docs/switching.md)".to_owned(),
            format!("  alias switch='{} --config {} switch'", show(origin), show(config)),
        ];
        lines.extend(steps.iter().map(|step| format!("  switch {step}")));
        lines.push(format!("  cargo xtask call POST /ott/v1/transaction -d '{}'", self.charge));
        lines
    }
}

/// Next month is one that the other system has not charged.
fn format_charge(price: u32, currency: &str, today: Day) -> String {
    let from = today.first_of_month().plus_months(1);
    let period = from.and_then(|from| ServicePeriod::from_months(from, 1));
    json!({"extTransactionID": "mine-1", "pai": pai_of(1), "amount": {"value": price, "currency": currency},
           "description": "By hand", "servicePeriod": period})
    .to_string()
}

fn pai_of(n: u32) -> String {
    format!("ENT16643676{n:04}")
}

/// The files of PAIs and charges, and the partner's list. `None` if there are too few accounts.
fn format_files(accounts: &str, price: u32, currency: &str, today: Day) -> Option<[String; 3]> {
    let customers = demo_numbers::pick_incumbent_customers(accounts, CUSTOMERS)?;
    let [mut pais, mut charges, mut partner] = [PAIS, CHARGES, PARTNER].map(str::to_owned);
    let this_month = today.first_of_month();
    let last_month = this_month.minus_days(1).first_of_month();
    let since = last_month.minus_days(200);
    for (n, customer) in (1..).zip(&customers) {
        let pai = pai_of(n);
        let paid_until = ServicePeriod::from_months(last_month, 1)?.to();
        let terms = format!("standard,{price},{currency}");
        let line = format!(
            "netflix,{pai},{},{},ACTIVE,{since}T12:00:00Z,old-sub-{n},EXISTING_ACCOUNT,{terms},{paid_until},\
             {since}T11:59:00Z,old-web\n",
            customer.msisdn, customer.subscriber_ref
        );
        pais.push_str(&line);
        let line = format!("{pai},old-sub-{n},ACTIVE,{terms}\n");
        partner.push_str(&line);
        let line = format!(
            "netflix,old-{n}-{last_month},{pai},{price},{currency},0,APPROVED,old-line-{n},{last_month}T03:00:00Z,\
             {last_month},{paid_until}\n"
        );
        charges.push_str(&line);
    }
    Some([pais, charges, partner])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customers_are_those_of_the_accounts_file() {
        let today = Day::parse("2026-12-01").expect("is a day");
        let accounts = include_str!("../../../tests/sandbox/accounts/acme.csv");
        let [pais, charges, partner] = format_files(accounts, 1599, "USD", today).expect("has enough");
        for (file, columns) in [(&pais, 14), (&charges, 11), (&partner, 6)] {
            assert_eq!(file.lines().count(), 1 + CUSTOMERS);
            assert!(file.lines().all(|line| line.split(',').count() == columns), "{file}");
        }
        assert!(pais.contains("+12025550107,"), "{pais}");
        assert!(!pais.contains("+12025550101,"), "the README's walkthrough has that number");
        assert!(charges.contains(",2026-11-01,2026-11-30\n"), "{charges}");
        let charge = format_charge(1599, "USD", today);
        assert!(charge.contains(r#"{"from":"2027-01-01","to":"2027-01-31"}"#), "{charge}");
        assert!(pais.contains(",ENT166436760001,") && charge.contains(r#""ENT166436760001""#), "{charge}");
        assert_eq!(format_files("msisdn,status,type,balance,currency,activated_on\n", 1, "USD", today), None);
    }
}
