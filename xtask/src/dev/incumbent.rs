//! The files of another system that bills some of the sandbox's customers today, for a walk through docs/switching.md.
//! They are made from the accounts file at each start, and no program reads them by itself.

use std::fs;
use std::path::{Path, PathBuf};

use onbill_domain::day::{Day, ServicePeriod};
use serde_json::json;

use super::demo_numbers;
use crate::child::{new_command, run_logged};
use crate::failure::{Context, Failure, Outcome};
use crate::system::{OperatorPlan, Plan};
use crate::{keys, paths};

/// Customers of the other system: few enough to look at each.
const CUSTOMERS: usize = 4;

const PAIS: &str = "partner,pai,msisdn,subscriber_ref,state,since,ext_subscription_id,origin,plan,price,currency,paid_until,\
                    consent_at,consent_by\n";
const CHARGES: &str = "partner,ext_transaction_id,pai,amount,currency,refunded,status,billing_ref,posted_at,period_from,\
                       period_to\n";
const PARTNER: &str = "pai,ext_subscription_id,state,plan,price,currency\n";

/// The partner's ids of the charge and the refund that are typed. The quickstart has others: on a system that was
/// kept, the second charge of one id is refused.
const TYPED_CHARGE: &str = "night-charge";
const TYPED_REFUND: &str = "night-refund";

/// Where the files are, and what was written into them.
pub(super) struct IncumbentFiles {
    folder: PathBuf,
    /// A charge of one of its customers for next month, as the partner posts it.
    charge: String,
    /// Its first charge, as it posted that to billing.
    billed: String,
    /// The partner's id of its first charge.
    billed_id: String,
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
        let (billed_id, billed) = format_billed(&text, price, currency, today)
            .ok_or_else(|| Failure::new("the accounts file has no account for --incumbent"))?;
        Ok(Self { folder, charge: format_charge(price, currency, today), billed, billed_id })
    }

    /// Puts the first charge on the simulated bill, so that a refund of it finds its line. `onbill call` signs it as
    /// an origin does.
    pub(super) fn bill_first_charge(&self, plan: &Plan, operator_plan: &OperatorPlan) -> Outcome {
        let mut call = new_command(paths::built_program("onbill"));
        call.args(["call", "POST", "/csp/transaction", "--use", "origin-to-bss", "--data", &self.billed]);
        call.arg("--url").arg(operator_plan.site_url()).arg("--keys");
        call.arg(plan.folder.keys_dir().join(keys::origin_file(operator_plan.operator.id)));
        run_logged("billing a charge of the other system", "incumbent.log", &mut call)
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
        let call = "cargo xtask call POST /ott/v1/transaction";
        let charge = format!("{call} -d '{}'", self.charge);
        let refund = json!({"extRefundID": TYPED_REFUND, "reason": "By hand"});
        let steps = [
            format!("alias switch='{} --config {} switch'", show(origin), show(config)),
            format!("switch check {pais} {charges}"),
            format!("switch load {pais} {charges}"),
            format!("switch compare --partner netflix --accounts --partner-file {partner}"),
            charge.clone(),
            "switch cut-over --partner netflix".to_owned(),
            charge,
            format!("{call}/{}/refund -d '{refund}'", self.billed_id),
            "switch off --partner netflix".to_owned(),
            format!("switch back --partner netflix --to {back}"),
            format!("switch load {back}/pais.csv {back}/charges.csv"),
            "switch cut-over --partner netflix".to_owned(),
        ];
        let mut lines = vec!["\nCustomers of another system (docs/switching.md)".to_owned()];
        lines.extend(steps.iter().map(|step| format!("  {step}")));
        lines
    }
}

/// Next month is one that the other system has not charged.
fn format_charge(price: u32, currency: &str, today: Day) -> String {
    let from = today.first_of_month().plus_months(1);
    let period = from.and_then(|from| ServicePeriod::from_months(from, 1));
    json!({"extTransactionID": TYPED_CHARGE, "pai": pai_of(1), "amount": {"value": price, "currency": currency},
           "description": "By hand", "servicePeriod": period})
    .to_string()
}

/// The partner's id of the first charge, and the charge, as the other system posted it to billing.
fn format_billed(accounts: &str, price: u32, currency: &str, today: Day) -> Option<(String, String)> {
    let customer = demo_numbers::pick_incumbent_customers(accounts, CUSTOMERS)?.into_iter().next()?;
    let last_month = find_last_month(today);
    let (id, period) = (charge_id_of(1, last_month), ServicePeriod::from_months(last_month, 1)?);
    let charge = json!({"transactionID": billing_ref_of(1), "extTransactionID": id, "msisdn": customer.msisdn,
                        "subscriberID": customer.subscriber_ref, "amount": {"value": price, "currency": currency},
                        "description": "By the other system", "partner": "netflix", "kind": "subscription",
                        "servicePeriod": period});
    Some((id, charge.to_string()))
}

fn find_last_month(today: Day) -> Day {
    today.first_of_month().minus_days(1).first_of_month()
}

fn pai_of(n: u32) -> String {
    format!("ENT16643676{n:04}")
}

fn charge_id_of(n: u32, month: Day) -> String {
    format!("old-{n}-{month}")
}

fn billing_ref_of(n: u32) -> String {
    format!("old-line-{n}")
}

/// The files of PAIs and charges, and the partner's list. `None` if there are too few accounts.
fn format_files(accounts: &str, price: u32, currency: &str, today: Day) -> Option<[String; 3]> {
    let customers = demo_numbers::pick_incumbent_customers(accounts, CUSTOMERS)?;
    let [mut pais, mut charges, mut partner] = [PAIS, CHARGES, PARTNER].map(str::to_owned);
    let last_month = find_last_month(today);
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
            "netflix,{},{pai},{price},{currency},0,APPROVED,{},{last_month}T03:00:00Z,{last_month},{paid_until}\n",
            charge_id_of(n, last_month),
            billing_ref_of(n)
        );
        charges.push_str(&line);
    }
    Some([pais, charges, partner])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_ids_are_not_those_of_the_quickstart() {
        let quickstart = include_str!("../../../docs/quickstart.md");
        for id in [TYPED_CHARGE, TYPED_REFUND] {
            assert!(!quickstart.contains(id), "{id}");
        }
    }

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
        let (id, billed) = format_billed(accounts, 1599, "USD", today).expect("has enough");
        assert!(charges.contains(&format!("netflix,{id},")) && charges.contains(",old-line-1,"), "{charges}");
        assert!(billed.contains(r#""transactionID":"old-line-1""#) && billed.contains(&id), "{billed}");
        assert_eq!(format_files("msisdn,status,type,balance,currency,activated_on\n", 1, "USD", today), None);
    }
}
