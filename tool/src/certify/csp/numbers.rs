//! The numbers of the operator's test accounts, from a file. They are in no report.

use crate::certify::answer::quote;
use anyhow::{Context as _, anyhow, bail};
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::currency::Currency;
use onbill_domain::ids::{OfferId, PartnerId};
use onbill_domain::limits::CHARGE_MINOR_MAX;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::similar_word::find_similar;
use serde_json::{Map, Value};
use std::path::Path;

/// The members of the file.
const MEMBERS: [&str; 12] = [
    "currency",
    "amount",
    "active",
    "unknown",
    "prepaid",
    "poor",
    "suspended",
    "ceased",
    "sms",
    "partner",
    "offer",
    "chargeCode",
];

/// What an `amount` has to be.
const AN_AMOUNT: &str = "must be a whole number of minor units, such as 1000 for 10.00";

/// What a number has to be.
const A_NUMBER: &str = "must be a number in E.164, such as \"+\" with 8 to 15 digits, in quotation marks";

/// Test accounts of the operator, by what they are.
pub struct Numbers {
    /// The currency of the bills.
    pub currency: Currency,
    /// What a charge costs, in minor units. The kit refunds halves of it.
    pub amount: i64,
    /// An account that is active and may pay on the bill.
    pub active: Msisdn,
    /// A number that has never had an account.
    pub unknown: Msisdn,
    /// An active prepaid account, whose balance pays for a charge. The kit gives it back.
    pub prepaid: Option<Msisdn>,
    /// An active prepaid account whose balance is less than `amount`.
    pub poor: Option<Msisdn>,
    /// A suspended account.
    pub suspended: Option<Msisdn>,
    /// An account that has ended.
    pub ceased: Option<Msisdn>,
    /// A number that may get an SMS.
    pub sms: Option<Msisdn>,
    /// The partner in the calls.
    pub partner: PartnerId,
    /// The offer in the calls.
    pub offer: OfferId,
    /// The charge code in the calls, if you have set one.
    pub charge_code: Option<ChargeCode>,
}

/// What a charge costs, if the file does not say it.
const USUAL_AMOUNT: i64 = 1000;

impl Numbers {
    /// Reads the file. The error names the member, and never quotes a number.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        Self::parse(&text).with_context(|| format!("read {}", file.display()))
    }

    /// Parses the JSON of the file.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        // The message of serde can quote a value, and so is left out.
        let members: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            anyhow!("line {line}, column {column}: it is not JSON, or no object")
        })?;
        if let Some(name) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
            let meant = find_similar(name, &MEMBERS);
            let name = quote(name);
            bail!(
                "unknown member {name:?}{}",
                meant.map_or_else(String::new, |known| format!("; did you mean {known:?}?"))
            );
        }
        let numbers = Self {
            currency: required(
                "currency",
                read(&members, "currency", "must be a code of ISO 4217, such as \"USD\"", Currency::parse)?,
            )?,
            amount: read_amount(&members)?,
            active: required("active", read(&members, "active", A_NUMBER, Msisdn::read)?)?,
            unknown: required("unknown", read(&members, "unknown", A_NUMBER, Msisdn::read)?)?,
            prepaid: read(&members, "prepaid", A_NUMBER, Msisdn::read)?,
            poor: read(&members, "poor", A_NUMBER, Msisdn::read)?,
            suspended: read(&members, "suspended", A_NUMBER, Msisdn::read)?,
            ceased: read(&members, "ceased", A_NUMBER, Msisdn::read)?,
            sms: read(&members, "sms", A_NUMBER, Msisdn::read)?,
            partner: required(
                "partner",
                read(&members, "partner", "must be an id, such as \"netflix\"", PartnerId::parse)?
                    .or_else(|| PartnerId::parse("netflix")),
            )?,
            offer: required(
                "offer",
                read(&members, "offer", "must be an id, such as \"netflix-standard\"", OfferId::parse)?
                    .or_else(|| OfferId::parse("netflix-standard")),
            )?,
            charge_code: read(
                &members,
                "chargeCode",
                "must be a charge code, such as \"OTT-NFLX-STD\"",
                ChargeCode::parse,
            )?,
        };
        numbers.check_differences()?;
        Ok(numbers)
    }

    /// Fails if one number is there as two accounts that cannot be the same.
    fn check_differences(&self) -> anyhow::Result<()> {
        let named = [
            ("active", Some(&self.active)),
            ("unknown", Some(&self.unknown)),
            ("prepaid", self.prepaid.as_ref()),
            ("poor", self.poor.as_ref()),
            ("suspended", self.suspended.as_ref()),
            ("ceased", self.ceased.as_ref()),
        ];
        for (at, (name, number)) in named.iter().enumerate() {
            for (other_name, other) in &named[..at] {
                let may_be_same = (*other_name, *name) == ("active", "prepaid");
                if number.is_some() && number == other && !may_be_same {
                    bail!(
                        "{other_name:?} and {name:?} are the same number, and have to be different accounts"
                    );
                }
            }
        }
        Ok(())
    }
}

/// A member that is a text, unless it is absent.
fn read<T>(
    members: &Map<String, Value>,
    name: &str,
    rule: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> anyhow::Result<Option<T>> {
    let Some(value) = members.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    value.as_str().and_then(parse).map(Some).with_context(|| format!("{name:?} {rule}"))
}

fn required<T>(name: &str, value: Option<T>) -> anyhow::Result<T> {
    value.with_context(|| format!("{name:?} is missing"))
}

fn read_amount(members: &Map<String, Value>) -> anyhow::Result<i64> {
    let Some(value) = members.get("amount").filter(|value| !value.is_null()) else { return Ok(USUAL_AMOUNT) };
    let amount = value.as_i64().with_context(|| format!("\"amount\" {AN_AMOUNT}"))?;
    // The kit refunds halves of it.
    if !(2..=CHARGE_MINOR_MAX).contains(&amount) {
        bail!("\"amount\" must be 2 to {CHARGE_MINOR_MAX} minor units: the kit refunds halves of it");
    }
    Ok(amount)
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
        for (bad, complaint) in [
            (
                r#"{"currency":"USD","active":"12025550101x","unknown":"+12025550199"}"#,
                "\"active\" must be a number in E.164",
            ),
            (
                r#"{"currency":"USD","active":12025550101,"unknown":"+12025550199"}"#,
                "\"active\" must be a number in E.164",
            ),
            (r#"{"currency":"USD","active":"+12025550101"}"#, "\"unknown\" is missing"),
            (
                r#"{"currency":"XYQ","active":"+12025550101","unknown":"+12025550199"}"#,
                "\"currency\" must be a code of ISO 4217",
            ),
            (
                r#"{"currency":"USD","active":"+12025550101","unknown":"+12025550199","suspnded":"+12025550105"}"#,
                "unknown member \"suspnded\"; did you mean \"suspended\"?",
            ),
            (r#"{"currency":"USD","colour":1}"#, "unknown member \"colour\""),
            (
                r#"{"currency":"USD","amount":1,"active":"+12025550101","unknown":"+12025550199"}"#,
                "\"amount\" must be 2 to",
            ),
            (
                r#"{"currency":"USD","amount":12.99,"active":"+12025550101","unknown":"+12025550199"}"#,
                "\"amount\" must be a whole number",
            ),
            (
                r#"{"currency":"USD","active":"+12025550101","unknown":"+12025550101"}"#,
                "\"active\" and \"unknown\" are the same number",
            ),
            (r#"{"currency":"USD" "active":"+12025550101"}"#, "line 1, column 19: it is not JSON"),
        ] {
            let error = format!("{:#}", Numbers::parse(bad).err().expect("is refused"));
            assert!(error.starts_with(complaint) && !error.contains("5550101"), "{error}");
        }
    }
}
