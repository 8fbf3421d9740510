//! The columns of a file for billing, and the operator's choice of them.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

onbill_domain::wire_enum! {
    /// A column of a file for billing. Its word is its name in the header.
    pub enum FileColumn {
        /// The number of the line, from 1.
        Line = "line",
        /// `charge` or `refund`.
        Kind = "kind",
        /// Our id of the charge, for a refund too.
        TransactionId = "transaction_id",
        /// Our id of the refund.
        RefundId = "refund_id",
        /// The number whose bill is charged.
        Msisdn = "msisdn",
        /// The operator's own id of the subscriber.
        SubscriberRef = "holder",
        /// The amount in minor units, tax included.
        Amount = "amount",
        /// ISO 4217.
        Currency = "currency",
        /// The text of the bill line.
        Description = "description",
        /// The first day that is paid for.
        PeriodFrom = "period_from",
        /// The last day that is paid for.
        PeriodTo = "period_to",
        /// The partner that charges.
        Partner = "partner",
        /// The partner's id of the charge.
        ExtTransactionId = "ext_transaction_id",
        /// The offer, where it is known.
        Offer = "offer",
        /// The partner's plan, where it is known.
        Plan = "plan",
        /// The operator's charge code.
        ChargeCode = "charge_code",
        /// The tax in the amount, in minor units.
        TaxAmount = "tax_amount",
        /// Its rate in percent.
        TaxRate = "tax_rate",
        /// Whether the amount contains the tax: `true` where tax is stated.
        TaxIncluded = "tax_included",
        /// `subscription` or `coupon`.
        ChargeKind = "charge_kind",
    }
}

/// Without these columns billing could not bill a line once, nor respond to it.
const NEEDED: [FileColumn; 7] = [
    FileColumn::Line,
    FileColumn::Kind,
    FileColumn::TransactionId,
    FileColumn::RefundId,
    FileColumn::Msisdn,
    FileColumn::Amount,
    FileColumn::Currency,
];

/// The columns of a file, in their order: each once at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileColumns(Vec<FileColumn>);

impl FileColumns {
    fn of(columns: Vec<FileColumn>) -> Result<Self, String> {
        for (n, column) in columns.iter().enumerate() {
            if columns[..n].contains(column) {
                return Err(format!("files: columns: {} is there twice", column.as_str()));
            }
        }
        match NEEDED.iter().find(|needed| !columns.contains(needed)) {
            Some(missing) => Err(format!(
                "files: columns: {} is missing, without which no line can be billed and answered",
                missing.as_str()
            )),
            None => Ok(Self(columns)),
        }
    }

    /// The columns, by their names with commas between them.
    pub fn parse(text: &str) -> Option<Self> {
        Self::of(text.split(',').map(FileColumn::parse).collect::<Option<_>>()?).ok()
    }

    pub fn iter(&self) -> impl Iterator<Item = FileColumn> {
        self.0.iter().copied()
    }
}

impl Default for FileColumns {
    /// All of them. New ones are added at the end.
    fn default() -> Self {
        Self(FileColumn::ALL.to_vec())
    }
}

impl fmt::Display for FileColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(FileColumn::as_str).collect();
        f.write_str(&names.join(","))
    }
}

impl<'de> Deserialize<'de> for FileColumns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(Vec::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use crate::config::file::Config;
    use crate::config::file::tests::GOOD;

    #[test]
    fn columns_are_chosen_and_ordered() {
        let read = |columns: &str| {
            let text = format!("{GOOD}\n[files]\ndirectory = \"/spool\"\n{columns}");
            Config::parse(&text).map(|config| config.files.expect("is there").columns.to_string())
        };
        assert_eq!(
            read("").as_deref(),
            Ok("line,kind,transaction_id,refund_id,msisdn,holder,amount,currency,description,period_from,\
                period_to,partner,ext_transaction_id,offer,plan,charge_code,tax_amount,tax_rate,tax_included,\
                charge_kind")
        );
        let few =
            ["charge_code", "line", "kind", "transaction_id", "refund_id", "msisdn", "amount", "currency"];
        let list = |names: &[&str]| format!("columns = [\"{}\"]", names.join("\", \""));
        assert_eq!(read(&list(&few)).as_deref(), Ok(few.join(",").as_str()));
        for (bad, complaint) in [
            (list(&few[..7]), "currency is missing"),
            (list(&few[2..]), "line is missing"),
            (list(&[&few[..], &["line"]].concat()), "line is there twice"),
            (list(&[&few[..], &["colour"]].concat()), "colour"),
            ("columns = []".to_owned(), "line is missing"),
            ("columns = \"line\"".to_owned(), "invalid type"),
        ] {
            let refused = read(&bad).expect_err(complaint);
            assert!(refused.contains(complaint), "{refused}");
        }
    }
}
