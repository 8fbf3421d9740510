//! The lines of a file by their ids, packed: some 40 bytes for a line, so that a month of millions
//! of lines fits into memory.
//!
//! A line is bytes in one buffer, and a table of hashes has where each begins. What few lines have
//! is beside them: further lines of the same id, and what only an adoption needs.

use super::reported_line::{Copies, LineDetails, ReportedLine};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use onbill_domain::currency::Currency;
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::wire::ott::TransactionStatus;
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use uuid::Uuid;

/// Where a line begins in the buffer.
type Place = u32;

/// The lines of one kind in a file.
#[derive(Debug, Default)]
pub(super) struct PackedLines {
    bytes: Vec<u8>,
    places: HashTable<Place>,
    hasher: RandomState,
    /// Duplicates, of which there should be none.
    more: HashMap<Place, Vec<ReportedLine>>,
    details: HashMap<Place, Box<LineDetails>>,
}

/// The file has more lines than can be compared: the buffer ends at 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyLines;

impl PackedLines {
    /// Adds a line. Returns whether it is the first one of its id.
    pub(super) fn add(&mut self, id: &str, line: ReportedLine) -> Result<bool, TooManyLines> {
        let place = Place::try_from(self.bytes.len()).map_err(|_| TooManyLines)?;
        let (key, bytes) = (pack_id(id), &self.bytes);
        let known = self.places.entry(
            self.hasher.hash_one(&key[..]),
            |other| key_at(bytes, *other) == key,
            |other| self.hasher.hash_one(key_at(bytes, *other)),
        );
        match known {
            Entry::Occupied(first) => {
                self.more.entry(*first.get()).or_default().push(line);
                Ok(false)
            }
            Entry::Vacant(free) => {
                free.insert(place);
                self.bytes.extend_from_slice(&key);
                pack_line(&mut self.bytes, &line);
                if let Some(details) = line.details {
                    self.details.insert(place, details);
                }
                Ok(true)
            }
        }
    }

    /// All lines of an id.
    pub(super) fn get(&self, id: &str) -> Option<Copies> {
        let key = pack_id(id);
        let hash = self.hasher.hash_one(&key[..]);
        let place = *self.places.find(hash, |other| key_at(&self.bytes, *other) == key)?;
        let mut first = unpack_line(&self.bytes, place)?;
        first.details = self.details.get(&place).cloned();
        Some(Copies { first, more: self.more.get(&place).cloned().unwrap_or_default() })
    }

    /// Removes all lines of an id, and returns them.
    pub(super) fn remove(&mut self, id: &str) -> Option<Copies> {
        let key = pack_id(id);
        let hash = self.hasher.hash_one(&key[..]);
        let found = self.places.find_entry(hash, |other| key_at(&self.bytes, *other) == key);
        let (place, _) = found.ok()?.remove();
        let mut first = unpack_line(&self.bytes, place)?;
        first.details = self.details.remove(&place);
        Some(Copies { first, more: self.more.remove(&place).unwrap_or_default() })
    }

    /// The ids of all lines, in no order.
    pub(super) fn ids(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.places.iter().map(|place| unpack_id(key_at(&self.bytes, *place)))
    }
}

const STATUSES: [TransactionStatus; 3] =
    [TransactionStatus::Approved, TransactionStatus::Pending, TransactionStatus::Declined];
const HAS_PAI: u8 = 4;
const HAS_CHARGE: u8 = 8;
const HAS_CHARGE_CODE: u8 = 16;
/// Its PAI is one that onbill issued, and packed as 16 bytes.
const HAS_RANDOM_PAI: u8 = 32;

/// Stands where the length of a text would be: the 16 bytes of a UUID follow.
const UUID_MARK: u8 = u8::MAX;

/// An id as it is packed. One that onbill has made is a UUID, and takes 17 bytes in place of 37. Only the spelling of
/// ours is packed so: another one is another id.
fn pack_id(id: &str) -> Vec<u8> {
    let uuid = Uuid::try_parse(id).ok();
    if let Some(uuid) = uuid.filter(|uuid| uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == id) {
        [&[UUID_MARK][..], uuid.as_bytes()].concat()
    } else {
        let mut key = Vec::with_capacity(1 + id.len());
        pack_text(&mut key, id);
        key
    }
}

fn unpack_id(key: &[u8]) -> Cow<'_, str> {
    match key.split_first() {
        Some((&UUID_MARK, uuid)) => {
            Uuid::from_slice(uuid).map(|uuid| uuid.to_string()).unwrap_or_default().into()
        }
        Some((_, text)) => std::str::from_utf8(text).unwrap_or_default().into(),
        None => Cow::default(),
    }
}

/// The packed id with which a line begins.
fn key_at(bytes: &[u8], place: Place) -> &[u8] {
    let packed = packed_at(bytes, place);
    let length = match packed.first() {
        Some(&UUID_MARK) => size_of::<Uuid>(),
        Some(length) => usize::from(*length),
        None => return &[],
    };
    packed.get(..=length).unwrap_or_default()
}

/// What follows the id.
fn pack_line(bytes: &mut Vec<u8>, line: &ReportedLine) {
    let status = STATUSES.iter().zip(0_u8..).find(|(status, _)| **status == line.status);
    let mut flags = status.map_or(0, |(_, n)| n);
    flags |= if line.pai.is_some() { HAS_PAI } else { 0 };
    let random_pai = line.pai.and_then(|pai| pai.random_bytes());
    flags |= if random_pai.is_some() { HAS_RANDOM_PAI } else { 0 };
    flags |= if line.charge.is_some() { HAS_CHARGE } else { 0 };
    flags |= if line.charge_code.is_some() { HAS_CHARGE_CODE } else { 0 };
    bytes.push(flags);
    pack_number(bytes, line.number);
    // The amount of a line is above nothing.
    pack_number(bytes, line.amount.amount_minor.unsigned_abs());
    bytes.extend_from_slice(line.amount.currency.as_str().as_bytes());
    if let Some(random) = random_pai {
        bytes.extend_from_slice(&random);
    } else if let Some(pai) = &line.pai {
        pack_text(bytes, pai.as_str());
    }
    if let Some(charge) = &line.charge {
        pack_text(bytes, charge);
    }
    if let Some(code) = &line.charge_code {
        pack_text(bytes, code);
    }
}

/// `None` if the bytes are not those of a line.
fn unpack_line(bytes: &[u8], place: Place) -> Option<ReportedLine> {
    let mut packed = packed_at(bytes, place).get(key_at(bytes, place).len()..)?;
    let [flags] = unpack_array(&mut packed)?;
    let number = unpack_number(&mut packed)?;
    let amount_minor = i64::try_from(unpack_number(&mut packed)?).ok()?;
    let currency: [u8; 3] = unpack_array(&mut packed)?;
    let currency = Currency::parse(std::str::from_utf8(&currency).ok()?)?;
    let pai = match flags & (HAS_PAI | HAS_RANDOM_PAI) {
        0 => None,
        HAS_PAI => Some(Pai::parse(unpack_text(&mut packed)?)?),
        _ => Some(Pai::from_random(unpack_array(&mut packed)?)),
    };
    let charge = if flags & HAS_CHARGE == 0 { None } else { Some(unpack_text(&mut packed)?.into()) };
    let charge_code =
        if flags & HAS_CHARGE_CODE == 0 { None } else { Some(unpack_text(&mut packed)?.into()) };
    let status = *STATUSES.get(usize::from(flags & 3))?;
    Some(ReportedLine {
        number,
        amount: Money { amount_minor, currency },
        status,
        pai,
        charge,
        charge_code,
        details: None,
    })
}

fn packed_at(bytes: &[u8], place: Place) -> &[u8] {
    usize::try_from(place).ok().and_then(|place| bytes.get(place..)).unwrap_or_default()
}

/// Its length, and then the text. Ids, PAIs and charge codes are packed, which have at most 128 bytes.
fn pack_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(u8::try_from(text.len()).unwrap_or_default());
    bytes.extend_from_slice(text.as_bytes());
}

fn unpack_text<'a>(packed: &mut &'a [u8]) -> Option<&'a str> {
    let [length] = unpack_array(packed)?;
    let (text, rest) = packed.split_at_checked(length.into())?;
    *packed = rest;
    std::str::from_utf8(text).ok()
}

/// In groups of seven bits, the lowest first. All but the last have their highest bit set (LEB128).
fn pack_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn unpack_number(packed: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let [byte] = unpack_array(packed)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn unpack_array<const N: usize>(packed: &mut &[u8]) -> Option<[u8; N]> {
    let (array, rest) = packed.split_first_chunk()?;
    *packed = rest;
    Some(*array)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u64, amount_minor: i64, status: TransactionStatus) -> ReportedLine {
        let amount = Money { amount_minor, currency: Currency::parse("EUR").expect("is listed") };
        ReportedLine { number, amount, status, pai: None, charge: None, charge_code: None, details: None }
    }

    #[test]
    fn line_comes_out_as_it_went_in() {
        let mut lines = PackedLines::default();
        let mut packed = Vec::new();
        for (n, status) in (1..=128).zip(STATUSES.into_iter().cycle()) {
            let id = "i".repeat(n);
            let number = 1 << (n % 64);
            let mut line = line(number, i64::MAX >> (n % 63), status);
            line.pai = match n % 4 {
                0 => Some(Pai::from_random([7; 16])),
                1 => Pai::parse(&id),
                _ => None,
            };
            line.charge = (n % 3 == 0).then(|| id.as_str().into());
            line.charge_code = (n % 7 < 2).then(|| "c".repeat(n % 7).into());
            line.details = (n % 5 == 0).then(Box::default);
            assert_eq!(lines.add(&id, line.clone()), Ok(true));
            packed.push((id, line));
        }
        let mut ids: Vec<_> = lines.ids().collect();
        ids.sort_unstable();
        assert!(ids.iter().eq(packed.iter().map(|(id, _)| id)));
        for (id, line) in packed {
            assert_eq!(lines.get(&id).expect("is there").first, line);
            assert_eq!(lines.remove(&id).expect("is there").first, line);
            assert!(lines.get(&id).is_none() && lines.remove(&id).is_none());
        }
    }

    #[test]
    fn spelling_of_an_id_is_kept() {
        let ours = "9b2f4f0e-5b0a-8c56-9d0e-2f6f1c1a2b3c";
        let others =
            [ours.to_uppercase(), ours.replace('-', ""), format!("{{{ours}}}"), format!("urn:uuid:{ours}")];
        let ids: Vec<&str> = [ours].into_iter().chain(others.iter().map(String::as_str)).collect();
        let mut lines = PackedLines::default();
        for (number, id) in (2..).zip(&ids) {
            assert_eq!(lines.add(id, line(number, 1599, STATUSES[0])), Ok(true), "{id}");
        }
        for (number, id) in (2..).zip(&ids) {
            assert_eq!(lines.get(id).map(|copies| copies.first.number), Some(number), "{id}");
        }
        let mut listed: Vec<_> = lines.ids().collect();
        listed.sort_by_key(|id| ids.iter().position(|known| known == id));
        assert_eq!(listed, ids);
    }

    #[test]
    fn lines_of_one_id_stay_together() {
        let mut lines = PackedLines::default();
        let [a, b, c] = STATUSES.map(|status| line(2, 1599, status));
        assert_eq!(lines.add("x", a.clone()), Ok(true));
        assert_eq!(lines.add("y", c.clone()), Ok(true));
        assert_eq!(lines.add("x", b.clone()), Ok(false));
        assert!(lines.remove("x").expect("is there").all().eq([&a, &b]));
        assert!(lines.get("y").expect("is there").all().eq([&c]));
        assert!(lines.get("").is_none());
    }
}
