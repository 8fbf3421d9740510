//! The numbers of the operator's test accounts, from a file. They are in no report.

use anyhow::{Context as _, anyhow, bail};
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::currency::Currency;
use onbill_domain::ids::{OfferId, PartnerId};
use onbill_domain::limits::CHARGE_MINOR_MAX;
use onbill_domain::msisdn::Msisdn;
use serde::Deserialize;
use std::path::Path;

/// Test accounts of the operator, by what they are.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Numbers {
    /// The currency of the bills.
    pub currency: Currency,
    /// What a charge costs, in minor units. The kit refunds halves of it.
    #[serde(default = "usual_amount")]
    pub amount: i64,
    /// An account that is active and may pay on the bill.
    pub active: Msisdn,
    /// A number that has never had an account.
    pub unknown: Msisdn,
    /// An active prepaid account, whose balance pays for a charge. The kit gives it back.
    #[serde(default)]
    pub prepaid: Option<Msisdn>,
    /// An active prepaid account whose balance is less than `amount`.
    #[serde(default)]
    pub poor: Option<Msisdn>,
    /// A suspended account.
    #[serde(default)]
    pub suspended: Option<Msisdn>,
    /// An account that has ended.
    #[serde(default)]
    pub ceased: Option<Msisdn>,
    /// A number that may get an SMS.
    #[serde(default)]
    pub sms: Option<Msisdn>,
    /// The partner in the calls.
    #[serde(default = "usual_partner")]
    pub partner: PartnerId,
    /// The offer in the calls.
    #[serde(default = "usual_offer")]
    pub offer: OfferId,
    /// The charge code in the calls, if you have set one.
    #[serde(default)]
    pub charge_code: Option<ChargeCode>,
}

fn usual_amount() -> i64 {
    1000
}

fn usual_partner() -> PartnerId {
    PartnerId::parse("netflix").expect("is a slug")
}

fn usual_offer() -> OfferId {
    OfferId::parse("netflix-standard").expect("is a slug")
}

impl Numbers {
    /// Reads the file. The error names the member, and never quotes a number.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        Self::parse(&text).with_context(|| format!("read {}", file.display()))
    }

    /// Parses the JSON of the file.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        // The message of serde can quote a value.
        let numbers: Self = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            anyhow!("line {line}, column {column}: a member is missing, unknown or not well formed")
        })?;
        if !(2..=CHARGE_MINOR_MAX).contains(&numbers.amount) {
            bail!(
                "amount must be a number of minor units that can be halved, and at most {CHARGE_MINOR_MAX}"
            );
        }
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_read_and_its_mistakes_quote_no_number() {
        let good = r#"{"currency":"USD","active":"+12025550101","unknown":"+12025550199"}"#;
        let numbers = Numbers::parse(good).expect("is well formed");
        assert_eq!((numbers.amount, numbers.partner.as_str()), (1000, "netflix"));
        assert!(numbers.prepaid.is_none());
        for bad in [
            r#"{"currency":"USD","active":"12025550101x","unknown":"+12025550199"}"#,
            r#"{"currency":"USD","active":"+12025550101"}"#,
            r#"{"currency":"USD","active":"+12025550101","unknown":"+12025550199","actve":"+12025550101"}"#,
            r#"{"currency":"USD","amount":1,"active":"+12025550101","unknown":"+12025550199"}"#,
        ] {
            let error = Numbers::parse(bad).err().expect("is refused");
            assert!(!format!("{error:#}").contains("5550101"), "{error:#}");
        }
    }
}
