//! Reading the books' words back into types. A word that is not one of ours means a damaged file, and is an error.

use super::corrupt;
use crate::store::error::StoreError;
use crate::store::number::{Holder, NumberIndex, SealedNumber};
use onbill_domain::currency::Currency;
use onbill_domain::locale::Locale;
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::wire::ott::RawResult;
use rusqlite::Row;

pub(in crate::store) fn text<T>(
    row: &Row<'_>,
    column: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, StoreError> {
    let word = row.get_ref(column)?.as_str().map_err(|_| corrupt(column))?;
    parse(word).ok_or_else(|| corrupt(column))
}

pub(in crate::store) fn optional_text<T>(
    row: &Row<'_>,
    column: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    match row.get_ref(column)?.as_str_or_null().map_err(|_| corrupt(column))? {
        None => Ok(None),
        Some(word) => parse(word).map(Some).ok_or_else(|| corrupt(column)),
    }
}

pub(in crate::store) fn pai(row: &Row<'_>) -> Result<Pai, StoreError> {
    text(row, "pai", Pai::parse)
}

pub(in crate::store) fn locale(row: &Row<'_>) -> Result<Locale, StoreError> {
    text(row, "locale", Locale::from_tag)
}

pub(in crate::store) fn amount(row: &Row<'_>) -> Result<Money, StoreError> {
    Ok(Money { amount_minor: row.get("amount_minor")?, currency: text(row, "currency", Currency::parse)? })
}

pub(in crate::store) fn number(row: &Row<'_>) -> Result<SealedNumber, StoreError> {
    Ok(SealedNumber { index: NumberIndex(row.get("number_index")?), sealed: row.get("number_sealed")? })
}

/// The number and name of a subscriber, who has neither when they were erased.
pub(in crate::store) fn holder(row: &Row<'_>) -> Result<Option<Holder>, StoreError> {
    match row.get::<_, Option<String>>("generation")? {
        Some(generation) => Ok(Some(Holder { number: number(row)?, generation })),
        None => Ok(None),
    }
}

pub(in crate::store) fn raw_result(row: &Row<'_>) -> Result<Option<RawResult>, StoreError> {
    let raw_code: Option<String> = row.get("raw_code")?;
    Ok(raw_code.map(|raw_code| RawResult { scope: "billing".to_owned(), raw_code }))
}
