//! Reading the books' words back into types. A word that is not one of ours means damaged books, and is an error.

use super::failure::{Broken, corrupt};
use crate::store::number::{Hash, Holder, NumberIndex, SealedNumber};
use onbill_domain::currency::Currency;
use onbill_domain::locale::Locale;
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::RawResult;
use tokio_postgres::Row;

pub(in crate::store) fn text<T>(
    row: &Row,
    column: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, Broken> {
    parse(row.try_get(column)?).ok_or_else(|| corrupt(column))
}

pub(in crate::store) fn optional_text<T>(
    row: &Row,
    column: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Broken> {
    match row.try_get(column)? {
        None => Ok(None),
        Some(word) => parse(word).map(Some).ok_or_else(|| corrupt(column)),
    }
}

pub(in crate::store) fn hash(row: &Row, column: &str) -> Result<Hash, Broken> {
    row.try_get::<_, &[u8]>(column)?.try_into().map_err(|_| corrupt(column))
}

pub(in crate::store) fn time(row: &Row, column: &str) -> Result<Timestamp, Broken> {
    Ok(Timestamp::from_unix_seconds(row.try_get(column)?))
}

/// Everything that counts something is a BIGINT.
pub(in crate::store) fn count(row: &Row, column: &str) -> Result<u32, Broken> {
    u32::try_from(row.try_get::<_, i64>(column)?).map_err(|_| corrupt(column))
}

pub(in crate::store) fn pai(row: &Row) -> Result<Pai, Broken> {
    text(row, "pai", Pai::parse)
}

pub(in crate::store) fn locale(row: &Row) -> Result<Locale, Broken> {
    text(row, "locale", Locale::from_tag)
}

pub(in crate::store) fn amount(row: &Row) -> Result<Money, Broken> {
    Ok(Money {
        amount_minor: row.try_get("amount_minor")?,
        currency: text(row, "currency", Currency::parse)?,
    })
}

pub(in crate::store) fn number(row: &Row) -> Result<SealedNumber, Broken> {
    Ok(SealedNumber { index: NumberIndex(hash(row, "number_index")?), sealed: row.try_get("number_sealed")? })
}

/// The number and name of a subscriber, who has neither when they were erased.
pub(in crate::store) fn holder(row: &Row) -> Result<Option<Holder>, Broken> {
    match row.try_get("generation")? {
        Some(generation) => Ok(Some(Holder { number: number(row)?, generation })),
        None => Ok(None),
    }
}

pub(in crate::store) fn raw_result(row: &Row) -> Result<Option<RawResult>, Broken> {
    let raw_code: Option<String> = row.try_get("raw_code")?;
    Ok(raw_code.map(|raw_code| RawResult { scope: "billing".to_owned(), raw_code }))
}
