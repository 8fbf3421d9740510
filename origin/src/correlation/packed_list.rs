//! The lines of a list by their keys, packed: about as many bytes as the file has, so that a million
//! lines fit into memory. A line is bytes in one buffer, and a table of hashes has where each begins.

use super::listed_line::ListedLine;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use onbill_domain::currency::Currency;
use onbill_domain::money::Money;
use onbill_domain::pai::PaiState;
use std::hash::{BuildHasher as _, RandomState};

/// Where a line begins in the buffer.
type Place = u32;

#[derive(Debug, Default)]
pub(super) struct PackedList {
    bytes: Vec<u8>,
    places: HashTable<Place>,
    hasher: RandomState,
}

/// Why a line was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotAdded {
    /// The line with this number has the same key.
    Twice(u32),
    /// The buffer ends at 4 GiB.
    Full,
}

impl PackedList {
    pub(super) fn add(&mut self, key: &[u8], line: &ListedLine) -> Result<(), NotAdded> {
        let place = Place::try_from(self.bytes.len()).map_err(|_| NotAdded::Full)?;
        let bytes = &self.bytes;
        let known = self.places.entry(
            self.hasher.hash_one(key),
            |other| key_at(bytes, *other) == key,
            |other| self.hasher.hash_one(key_at(bytes, *other)),
        );
        match known {
            Entry::Occupied(first) => {
                Err(NotAdded::Twice(unpack_line(bytes, *first.get()).map_or(0, |(_, line)| line.number)))
            }
            Entry::Vacant(free) => {
                free.insert(place);
                pack_line(&mut self.bytes, key, line);
                Ok(())
            }
        }
    }

    /// Removes the line with a key, and returns it.
    pub(super) fn remove(&mut self, key: &[u8]) -> Option<ListedLine> {
        let hash = self.hasher.hash_one(key);
        let found = self.places.find_entry(hash, |other| key_at(&self.bytes, *other) == key);
        let (place, _) = found.ok()?.remove();
        unpack_line(&self.bytes, place).map(|(_, line)| line)
    }

    /// The lines that were not removed, with their keys and in the order of the file.
    pub(super) fn remaining(&self) -> impl Iterator<Item = (&[u8], ListedLine)> {
        let mut places: Vec<_> = self.places.iter().copied().collect();
        places.sort_unstable();
        places.into_iter().filter_map(|place| unpack_line(&self.bytes, place))
    }
}

const STATES: [PaiState; 3] = [PaiState::Active, PaiState::Suspended, PaiState::Closed];

/// Strings have 128 bytes at most, so that their length is a byte; an empty one stands for none.
fn pack_line(bytes: &mut Vec<u8>, key: &[u8], line: &ListedLine) {
    pack_bytes(bytes, key);
    bytes.extend_from_slice(&line.number.to_le_bytes());
    bytes.push(STATES.iter().zip(0_u8..).find(|(state, _)| **state == line.state).map_or(0, |(_, n)| n));
    match line.price {
        Some(price) => {
            pack_bytes(bytes, price.currency.as_str().as_bytes());
            bytes.extend_from_slice(&price.amount_minor.to_le_bytes());
        }
        None => pack_bytes(bytes, &[]),
    }
    pack_bytes(bytes, line.plan.as_deref().unwrap_or_default().as_bytes());
    pack_bytes(bytes, line.owner.as_deref().unwrap_or_default().as_bytes());
}

fn pack_bytes(bytes: &mut Vec<u8>, packed: &[u8]) {
    bytes.push(u8::try_from(packed.len()).unwrap_or_default());
    bytes.extend_from_slice(packed);
}

/// `None` if the bytes are not those of a line.
fn unpack_line(bytes: &[u8], place: Place) -> Option<(&[u8], ListedLine)> {
    let mut packed = bytes.get(usize::try_from(place).ok()?..)?;
    let key = unpack_bytes(&mut packed)?;
    let number = u32::from_le_bytes(unpack_array(&mut packed)?);
    let [state] = unpack_array(&mut packed)?;
    let price = match unpack_bytes(&mut packed)? {
        [] => None,
        currency => {
            let currency = Currency::parse(std::str::from_utf8(currency).ok()?)?;
            Some(Money { amount_minor: i64::from_le_bytes(unpack_array(&mut packed)?), currency })
        }
    };
    let plan = unpack_text(&mut packed)?;
    let owner = unpack_text(&mut packed)?;
    let state = *STATES.get(usize::from(state))?;
    Some((key, ListedLine { number, state, plan, price, owner }))
}

#[expect(clippy::option_option, reason = "bytes are not those of a text, or the text is empty, or there")]
fn unpack_text(packed: &mut &[u8]) -> Option<Option<Box<str>>> {
    let text = std::str::from_utf8(unpack_bytes(packed)?).ok()?;
    Some(Some(text).filter(|text| !text.is_empty()).map(Box::from))
}

fn unpack_bytes<'a>(packed: &mut &'a [u8]) -> Option<&'a [u8]> {
    let [length] = unpack_array(packed)?;
    let (bytes, rest) = packed.split_at_checked(length.into())?;
    *packed = rest;
    Some(bytes)
}

fn unpack_array<const N: usize>(packed: &mut &[u8]) -> Option<[u8; N]> {
    let (array, rest) = packed.split_first_chunk()?;
    *packed = rest;
    Some(*array)
}

fn key_at(bytes: &[u8], place: Place) -> &[u8] {
    let packed = usize::try_from(place).ok().and_then(|place| bytes.get(place..));
    unpack_bytes(&mut packed.unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_comes_out_as_it_went_in() {
        let currency = Currency::parse("EUR").expect("is listed");
        let mut list = PackedList::default();
        let mut packed = Vec::new();
        for (n, state) in (1..=128_u32).zip(STATES.into_iter().cycle()) {
            let text = "k".repeat(usize::try_from(n).expect("is small"));
            let line = ListedLine {
                number: n,
                state,
                plan: (n % 2 == 0).then(|| text.as_str().into()),
                price: (n % 3 == 0).then(|| Money { amount_minor: i64::MAX - i64::from(n), currency }),
                owner: (n % 5 == 0).then(|| text.as_str().into()),
            };
            assert_eq!(list.add(text.as_bytes(), &line), Ok(()));
            assert_eq!(list.add(text.as_bytes(), &line), Err(NotAdded::Twice(n)));
            packed.push((text, line));
        }
        assert_eq!(list.remove(packed[7].0.as_bytes()), Some(packed.remove(7).1));
        assert!(list.remaining().eq(packed.iter().map(|(key, line)| (key.as_bytes(), line.clone()))));
        for (key, line) in packed {
            assert_eq!(list.remove(key.as_bytes()), Some(line));
            assert_eq!(list.remove(key.as_bytes()), None);
        }
    }
}
