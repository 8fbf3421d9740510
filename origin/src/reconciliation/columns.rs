//! The columns of a file that every reconciliation needs.

use super::detail_columns::DetailColumns;
use super::kind::Kind;
use super::reported_line::{ReportedLine, Side};
use onbill_domain::currency::Currency;
use onbill_domain::ids::ExtId;
use onbill_domain::limits::CHARGE_CODE_CHARS_MAX;
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::wire::ott::TransactionStatus;

/// The names of the column with the charge code.
const CHARGE_CODE_NAMES: [&str; 2] = ["chargeCode", "charge_code"];

/// The positions of the columns in a line.
pub(super) struct Columns {
    kind: usize,
    charge: (usize, &'static str),
    refund: (usize, &'static str),
    amount_minor: usize,
    currency: usize,
    status: Option<usize>,
    pai: Option<usize>,
    charge_code: Option<usize>,
    pub(super) details: Option<DetailColumns>,
}

impl Columns {
    pub(super) fn locate(side: Side, header: &[String]) -> Result<Self, String> {
        let place = |name: &str| {
            let mut places = (0..header.len()).filter(|place| header[*place] == name);
            let why = match (places.next(), places.next()) {
                (Some(place), None) => return Ok(place),
                (Some(_), Some(_)) => "there twice",
                (None, _) => "missing",
            };
            let columns = side.columns().join(",");
            Err(format!(
                "the first line must name the columns {columns}, separated by commas; {name} is {why}"
            ))
        };
        let charge_code = CHARGE_CODE_NAMES.into_iter().find(|name| header.iter().any(|found| found == name));
        let charge_code = charge_code.filter(|_| side == Side::Bill).map(place).transpose()?;
        let (charge, refund) = match side {
            Side::Partner => ("extTransactionID", "extRefundID"),
            Side::Bill => ("transactionID", "refundID"),
        };
        let only_partner = |name| (side == Side::Partner).then(|| place(name)).transpose();
        Ok(Self {
            kind: place("kind")?,
            charge: (place(charge)?, charge),
            refund: (place(refund)?, refund),
            amount_minor: place("amount_minor")?,
            currency: place("currency")?,
            status: only_partner("status")?,
            pai: only_partner("pai")?,
            charge_code,
            details: None,
        })
    }

    /// Parses one line. The error is the column that is wrong, and why.
    pub(super) fn parse_line(
        &self,
        record: &csv::StringRecord,
        number: u64,
    ) -> Result<(Kind, Box<str>, ReportedLine), (&'static str, &'static str)> {
        let field = |place: usize, name| record.get(place).ok_or((name, "is missing"));
        let id = |(place, name)| {
            let id = ExtId::parse(field(place, name)?);
            id.map(|id| Box::from(id.as_str())).ok_or((name, "is not an identifier"))
        };
        let kind = Kind::parse(field(self.kind, "kind")?).ok_or(("kind", "must be charge or refund"))?;
        let (id, charge) = match kind {
            Kind::Charge => (id(self.charge)?, None),
            Kind::Refund => (id(self.refund)?, Some(id(self.charge)?)),
        };
        let amount_minor = field(self.amount_minor, "amount_minor")?.parse().ok().filter(|minor| *minor > 0);
        let amount_minor =
            amount_minor.ok_or(("amount_minor", "must be whole minor units above nothing, such as 1599"))?;
        let currency = Currency::parse(field(self.currency, "currency")?)
            .ok_or(("currency", "must be an ISO 4217 code, such as USD"))?;
        let status = match self.status {
            None => TransactionStatus::Approved,
            Some(place) => TransactionStatus::parse(field(place, "status")?)
                .ok_or(("status", "must be APPROVED, PENDING or DECLINED"))?,
        };
        let pai = match self.pai.map(|place| field(place, "pai")).transpose()? {
            None => None,
            Some("") if kind == Kind::Refund => None,
            Some(text) => Some(Pai::parse(text).ok_or(("pai", "is not a PAI"))?),
        };
        let charge_code = self.charge_code.map(|place| field(place, CHARGE_CODE_NAMES[0])).transpose()?;
        let details = self.details.as_ref().map(|columns| columns.parse_line(record).map(Box::new));
        let details = details.transpose()?;
        let amount = Money { amount_minor, currency };
        let charge_code = charge_code.map(to_comparable_code);
        Ok((kind, id, ReportedLine { number, amount, status, pai, charge, charge_code, details }))
    }
}
/// Another system's code as text that can be compared and shown. What no code of ours can be stays
/// another code: it does not cost the line, whose amount counts all the same.
fn to_comparable_code(code: &str) -> Box<str> {
    let is_shown = |c: char| c == ' ' || c.is_ascii_graphic();
    let shown = code.chars().take(CHARGE_CODE_CHARS_MAX).map(|c| if is_shown(c) { c } else { '?' });
    let mut text: String = shown.collect();
    if code.chars().nth(CHARGE_CODE_CHARS_MAX).is_some() {
        // No code of ours has this sign, so a code that is cut is never one of them.
        text.push('*');
    }
    text.into()
}
