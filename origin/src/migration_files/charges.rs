//! `charges.csv`: what the other system has charged in the months of which refunds and repeats may still
//! come.

use super::fields::{Fields, Wrong};
use super::headers::CHARGES_HEADER;
use super::opened_file::{OpenedFile, SoundLines, open_lines};
use super::pais::KnownPais;
use super::problem::{Problem, WrongFile};
use super::rules::Rules;
use super::short_hash::{ShortHash, short_hash};
use crate::line_problem::ProblemKind;
use onbill_domain::day::ServicePeriod;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionStatus;
use std::io::Read;

/// A line of `charges.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedCharge {
    pub partner: PartnerId,
    pub ext_transaction_id: ExtId,
    pub pai: Pai,
    pub amount: Money,
    /// What was given back of the amount, in its minor units.
    pub refunded_minor: i64,
    pub status: TransactionStatus,
    /// Billing's id of the bill line, to which a refund refers. Every approved charge has one.
    pub billing_ref: Option<ExtId>,
    pub posted_at: Timestamp,
    pub service_period: ServicePeriod,
}

/// Parses one line.
fn parse_line(fields: Fields<'_>) -> Result<ImportedCharge, Wrong> {
    let is_empty = |column| Wrong::value(column, "must not be empty");
    let partner = fields.partner(0)?;
    let ext_transaction_id = fields.ext_id(1)?.ok_or_else(|| is_empty(1))?;
    let pai = fields.pai(2)?;
    let amount_minor = fields.minor(3, 1)?.ok_or_else(|| is_empty(3))?;
    let currency = fields.currency(4)?.ok_or_else(|| is_empty(4))?;
    let refunded_minor = fields.minor(5, 0)?.unwrap_or_default();
    let status = fields.required(6, "must be APPROVED, DECLINED or PENDING", TransactionStatus::parse)?;
    if refunded_minor > amount_minor {
        return Err(Wrong::new(5, ProblemKind::RefundedAboveCharged, "is more than the amount"));
    }
    if refunded_minor > 0 && status != TransactionStatus::Approved {
        return Err(Wrong::value(5, "must be empty or 0 for a charge that is not APPROVED"));
    }
    let billing_ref = fields.ext_id(7)?;
    if billing_ref.is_none() && status == TransactionStatus::Approved {
        return Err(Wrong::value(7, "must not be empty for an APPROVED charge: its refunds need it"));
    }
    let posted_at = fields.past(8)?.ok_or_else(|| is_empty(8))?;
    let from = fields.day(9)?.ok_or_else(|| is_empty(9))?;
    let to = fields.day(10)?.ok_or_else(|| is_empty(10))?;
    let service_period = ServicePeriod::new(from, to)
        .map_err(|_| Wrong::value(10, "must be 0 to 399 days after period_from"))?;
    Ok(ImportedCharge {
        partner,
        ext_transaction_id,
        pai,
        amount: Money { amount_minor, currency },
        refunded_minor,
        status,
        billing_ref,
        posted_at,
        service_period,
    })
}

/// Opens a file that was checked, to read its lines again.
pub(super) fn open_charges(
    rules: Rules<'_>,
    file: impl Read,
) -> Result<SoundLines<'_, impl Read, ImportedCharge>, WrongFile> {
    Ok(SoundLines::new(rules, open_lines(&CHARGES_HEADER, file)?, parse_line))
}

/// What is kept of a line to compare it with others.
struct SeenCharge {
    charge: ShortHash,
    file: usize,
    line: u64,
}

/// Reads files of charges and checks them together, beside the PAIs that come with them.
pub struct ChargeCheck<'a> {
    rules: Rules<'a>,
    pais: &'a KnownPais,
    files: Vec<String>,
    seen: Vec<SeenCharge>,
}

impl<'a> ChargeCheck<'a> {
    pub fn new(rules: Rules<'a>, pais: &'a KnownPais) -> Self {
        Self { rules, pais, files: Vec::new(), seen: Vec::new() }
    }

    /// Reads a file. `take` gets each line that is sound by itself, with its number; `complain` what is
    /// wrong with the others, and `progress` the position in bytes.
    pub fn read(
        &mut self,
        name: &str,
        file: impl Read,
        mut take: impl FnMut(u64, ImportedCharge),
        mut complain: impl FnMut(Problem),
        progress: impl FnMut(u64),
    ) -> Result<(), WrongFile> {
        let place = self.files.len();
        self.files.push(name.to_owned());
        let (rules, pais, seen) = (&self.rules, self.pais, &mut self.seen);
        let opened = OpenedFile { name, header: &CHARGES_HEADER };
        let take = |line: u64, record: &csv::StringRecord| -> Result<(), Wrong> {
            let imported = parse_line(Fields { record, rules })?;
            if !pais.has(rules.place_of(&imported.partner), imported.pai) {
                let why = "is not among the PAIs of this partner that are brought in";
                return Err(Wrong::new(2, ProblemKind::PaiUnknown, why));
            }
            let charge = short_hash(&[imported.partner.as_str(), imported.ext_transaction_id.as_str()]);
            seen.push(SeenCharge { charge, file: place, line });
            take(line, imported);
            Ok(())
        };
        opened.read_lines(file, take, &mut complain, progress)
    }

    /// Compares all lines that were sound by themselves. `complain` gets each line whose charge another
    /// line has too.
    pub fn finish(self, mut complain: impl FnMut(Problem)) {
        let Self { files, mut seen, .. } = self;
        seen.sort_unstable_by_key(|each| (each.charge, each.file, each.line));
        for same in seen.chunk_by(|one, next| one.charge == next.charge).filter(|same| same.len() > 1) {
            for (place, one) in same.iter().enumerate() {
                let other = &same[usize::from(place == 0)];
                let beside =
                    if one.file == other.file { String::new() } else { format!("{} ", files[other.file]) };
                let (line, column) = (one.line, CHARGES_HEADER[1]);
                let text =
                    format!("line {line}, column {column}: {beside}line {} has the same charge", other.line);
                complain(Problem {
                    file: files[one.file].clone(),
                    line,
                    kind: ProblemKind::ChargeTwice,
                    text,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
