//! A settlement that was kept, as `settlement --json` writes it: amounts in minor units.

use onbill_domain::currency::Currency;
use serde::Deserialize;

/// What operator and partner owe each other.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptSettlement {
    /// Whether the period was over when it was made. It is final then.
    pub is_over: bool,
    pub currencies: Vec<KeptCurrency>,
}

/// One currency of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptCurrency {
    pub currency: Currency,
    #[serde(flatten)]
    pub sums: KeptShares,
    pub charge_codes: Vec<KeptCode>,
}

/// What was booked under one charge code.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptCode {
    /// `None` for what was charged without one.
    pub charge_code: Option<String>,
    #[serde(flatten)]
    pub sums: KeptShares,
}

/// Sums, and the shares of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptShares {
    pub charges: u64,
    pub gross_minor: i64,
    pub refunds: u64,
    pub refunds_minor: i64,
    pub tax_minor: i64,
    pub net_minor: i64,
    /// The part of the refunds that the operator bears.
    pub absorbed_minor: i64,
    pub partner_minor: i64,
    pub operator_minor: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_settlement_is_read_as_the_verb_writes_it() {
        let sums = r#""charges":2,"grossMinor":3198,"refunds":1,"refundsMinor":600,"taxMinor":98,"netMinor":2500,
            "absorbedMinor":0,"stayed":2,"partnerMinor":2000,"operatorMinor":500"#;
        let text = format!(
            r#"{{"partner":"netflix","from":"2026-11-01","to":"2026-11-30","isOver":true,"currencies":[
                {{{sums},"currency":"USD","chargeCodes":[{{{sums},"chargeCode":null}}]}}]}}"#
        );
        let read: KeptSettlement = serde_json::from_str(&text).expect("reads");
        assert!(read.is_over);
        assert_eq!(read.currencies[0].sums.partner_minor, 2000);
        assert_eq!(read.currencies[0].charge_codes[0].charge_code, None);
    }
}
