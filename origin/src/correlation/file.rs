//! The lists of the other two parties. Both are CSV in UTF-8 with a header; the columns may be in any
//! order, and further ones are ignored. A list has what is on the bill at the moment of its making.
//!
//! | column | partner | BSS | |
//! |---|---|---|---|
//! | `pai` | ✓ | | the PAI that pays |
//! | `msisdn` | | ✓ | the number on whose bill it is |
//! | `state` | ✓ | ✓ | `ACTIVE`, `SUSPENDED` or `CLOSED`; what has ended may be left out |
//! | `ext_subscription_id` | may be | | the partner's id of the subscription |
//! | `subscriber_ref` | | may be | the operator's id of the subscriber |
//! | `plan` | may be | may be | the partner's plan |
//! | `price`, `currency` | may be | may be | for a month: whole minor units and ISO 4217 |
//!
//! What is empty or not there is not compared.

use super::difference::ListSide;
use super::listed_line::ListedLine;
use super::packed_list::{NotAdded, PackedList};
use crate::config::NumberPlan;
use crate::csv_file;
use crate::keys::Vault;
use crate::line_problem::{LineProblem, ProblemKind};
use crate::store::LinkRow;
use onbill_domain::currency::Currency;
use onbill_domain::ids::ExtId;
use onbill_domain::money::Money;
use onbill_domain::pai::{Pai, PaiState};
use std::io::Read;

/// Longest id of a subscriber in bytes: packed lines have a byte for the length.
const OWNER_BYTES_MAX: usize = 255;

/// A list that was read.
#[derive(Debug)]
pub struct List {
    pub(super) side: ListSide,
    pub(super) packed: PackedList,
    /// Lines that could be read.
    pub lines: u64,
    /// Lines that could not be read.
    pub unreadable: u64,
}

/// Indexes and parses the numbers of a list of the BSS.
#[derive(Clone, Copy)]
pub struct Numbers<'a> {
    pub vault: &'a Vault,
    pub plan: NumberPlan,
}

impl List {
    /// Reads a list. `complain` gets each line that cannot be read, `progress` the position in bytes.
    /// A file without its columns, or one that is cut off, is an error.
    pub fn read(
        side: ListSide,
        numbers: Numbers<'_>,
        file: impl Read,
        mut complain: impl FnMut(LineProblem),
        mut progress: impl FnMut(u64),
    ) -> Result<Self, String> {
        let mut reader = csv_file::open_reader(file);
        let columns = Columns::locate(side, &csv_file::read_header(&mut reader)?)?;
        let mut list = Self { side, packed: PackedList::default(), lines: 0, unreadable: 0 };
        let mut record = csv::StringRecord::new();
        while let Some(line) = csv_file::read_line(&mut reader, &mut record) {
            let refused = match line {
                Ok(number) => list.add_line(&columns, numbers, &record, number)?,
                Err(unreadable) if unreadable.is_end => return Err(unreadable.problem.text),
                Err(unreadable) => Some(unreadable.problem),
            };
            match refused {
                None => list.lines += 1,
                Some(problem) => {
                    list.unreadable += 1;
                    complain(problem);
                }
            }
            if (list.lines + list.unreadable).is_multiple_of(1000) {
                progress(reader.position().byte());
            }
        }
        progress(reader.position().byte());
        Ok(list)
    }

    /// Adds a line. Returns what is wrong with it, if it is refused; the error is about the file as a whole.
    fn add_line(
        &mut self,
        columns: &Columns,
        numbers: Numbers<'_>,
        record: &csv::StringRecord,
        number: u64,
    ) -> Result<Option<LineProblem>, String> {
        let too_long = || "has too many lines".to_owned();
        let line = u32::try_from(number).map_err(|_| too_long())?;
        let (key, listed) = match columns.parse_line(numbers, record, line) {
            Ok(parsed) => parsed,
            Err((column, why)) => {
                return Ok(Some(LineProblem::of_column(number, column, ProblemKind::Value, why)));
            }
        };
        match self.packed.add(&key, &listed) {
            Ok(()) => Ok(None),
            Err(NotAdded::Twice(first)) => {
                let why = format!("is that of line {first} too");
                Ok(Some(LineProblem::of_column(number, columns.key.1, ProblemKind::AnotherLine, &why)))
            }
            Err(NotAdded::Full) => Err(too_long()),
        }
    }

    /// Removes the line of a PAI of the ledger, and returns it. In a list of the BSS, a closed PAI has
    /// none: the number may have another one by now.
    pub(super) fn take(&mut self, own: &LinkRow) -> Option<ListedLine> {
        match self.side {
            ListSide::Partner => self.packed.remove(own.pai.as_str().as_bytes()),
            ListSide::Bss if own.state == PaiState::Closed => None,
            ListSide::Bss => {
                let (number, _) = own.subscriber.as_ref()?;
                self.packed.remove(&number.0)
            }
        }
    }
}

/// The positions of the columns in a line.
struct Columns {
    side: ListSide,
    key: (usize, &'static str),
    state: usize,
    owner: Option<(usize, &'static str)>,
    plan: Option<usize>,
    price: Option<(usize, usize)>,
}

/// The column that is wrong, and why.
type Wrong = (&'static str, &'static str);

impl Columns {
    fn locate(side: ListSide, header: &[String]) -> Result<Self, String> {
        let (key, owner) = match side {
            ListSide::Partner => ("pai", "ext_subscription_id"),
            ListSide::Bss => ("msisdn", "subscriber_ref"),
        };
        let find = |name: &str| {
            let mut places = (0..header.len()).filter(|place| header[*place] == name);
            match (places.next(), places.next()) {
                (place, None) => Ok(place),
                (_, Some(_)) => Err(format!("the first line names the column {name} twice")),
            }
        };
        let required = |name: &str| {
            let why = || {
                format!(
                    "the first line must name the columns {key} and state, separated by commas; {name} is missing"
                )
            };
            find(name)?.ok_or_else(why)
        };
        let price = match (find("price")?, find("currency")?) {
            (Some(price), Some(currency)) => Some((price, currency)),
            (None, None) => None,
            _ => return Err("the first line must name price and currency, or neither".to_owned()),
        };
        Ok(Self {
            side,
            key: (required(key)?, key),
            state: required("state")?,
            owner: find(owner)?.map(|place| (place, owner)),
            plan: find("plan")?,
            price,
        })
    }

    /// Parses one line: its key, and the rest.
    fn parse_line(
        &self,
        numbers: Numbers<'_>,
        record: &csv::StringRecord,
        number: u32,
    ) -> Result<(Vec<u8>, ListedLine), Wrong> {
        let text = |place: usize| record.get(place).filter(|text| !text.is_empty());
        let key = text(self.key.0).ok_or((self.key.1, "must not be empty"))?;
        let key = match self.side {
            ListSide::Partner => Pai::parse(key).ok_or(("pai", "is not a PAI"))?.as_str().as_bytes().to_vec(),
            ListSide::Bss => {
                let msisdn = numbers.plan.parse(key).map_err(|_| ("msisdn", "is not a telephone number"))?;
                numbers.vault.index_number(&msisdn).0.to_vec()
            }
        };
        let state = text(self.state).and_then(PaiState::parse);
        let state = state.ok_or(("state", "must be ACTIVE, SUSPENDED or CLOSED"))?;
        let plan = self.plan.and_then(text).map(|plan| ExtId::parse(plan).ok_or(("plan", "is not an id")));
        let owner = match self.owner.and_then(|(place, name)| Some((text(place)?, name))) {
            Some((owner, name)) if owner.len() > OWNER_BYTES_MAX => return Err((name, "is too long")),
            owner => owner.map(|(owner, _)| owner.into()),
        };
        Ok((
            key,
            ListedLine {
                number,
                state,
                plan: plan.transpose()?.map(|plan| plan.as_str().into()),
                price: self
                    .price
                    .map(|(price, currency)| parse_price(text(price), text(currency)))
                    .transpose()?
                    .flatten(),
                owner,
            },
        ))
    }
}

fn parse_price(price: Option<&str>, currency: Option<&str>) -> Result<Option<Money>, Wrong> {
    let (price, currency) = match (price, currency) {
        (Some(price), Some(currency)) => (price, currency),
        (None, None) => return Ok(None),
        (None, Some(_)) => return Err(("price", "must not be empty beside currency")),
        (Some(_), None) => return Err(("currency", "must not be empty beside price")),
    };
    let amount_minor = price.parse().ok().filter(|minor| *minor > 0);
    let amount_minor =
        amount_minor.ok_or(("price", "must be whole minor units above nothing, such as 1599"))?;
    let currency = Currency::parse(currency).ok_or(("currency", "must be an ISO 4217 code, such as USD"))?;
    Ok(Some(Money { amount_minor, currency }))
}
