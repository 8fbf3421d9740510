//! Reads stored words back into types. A place is `table.column`: the row is asked for the column,
//! and an error names both.

use crate::store::error::{StoreError, inconsistent_row};
use crate::store::number::{BilledSubscriber, NumberIndex, SealedNumber};
use onbill_domain::currency::Currency;
use onbill_domain::locale::Locale;
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::RawResult;
use rusqlite::Row;

fn column_of(place: &'static str) -> &'static str {
    place.split_once('.').map_or(place, |(_, column)| column)
}

pub(in crate::store) fn parse_column<T>(
    row: &Row<'_>,
    place: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, StoreError> {
    let word = row.get_ref(column_of(place))?.as_str().map_err(|_| inconsistent_row(place))?;
    parse(word).ok_or_else(|| inconsistent_row(place))
}

pub(in crate::store) fn parse_optional_column<T>(
    row: &Row<'_>,
    place: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    match row.get_ref(column_of(place))?.as_str_or_null().map_err(|_| inconsistent_row(place))? {
        None => Ok(None),
        Some(word) => parse(word).map(Some).ok_or_else(|| inconsistent_row(place)),
    }
}

pub(in crate::store) fn read_time(row: &Row<'_>, place: &'static str) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_unix_seconds(row.get(column_of(place))?))
}

pub(in crate::store) fn read_pai(row: &Row<'_>, place: &'static str) -> Result<Pai, StoreError> {
    parse_column(row, place, Pai::parse)
}

pub(in crate::store) fn read_locale(row: &Row<'_>, place: &'static str) -> Result<Locale, StoreError> {
    parse_column(row, place, Locale::from_tag)
}

/// The columns `amount_minor` and `currency`; `currency` is the place of the latter.
pub(in crate::store) fn read_amount(row: &Row<'_>, currency: &'static str) -> Result<Money, StoreError> {
    Ok(Money {
        amount_minor: row.get("amount_minor")?,
        currency: parse_column(row, currency, Currency::parse)?,
    })
}

pub(in crate::store) fn read_number(row: &Row<'_>) -> Result<SealedNumber, StoreError> {
    Ok(SealedNumber { index: NumberIndex(row.get("number_index")?), sealed: row.get("number_sealed")? })
}

/// The number and operator's id of a subscriber; `None` when they were erased.
pub(in crate::store) fn read_subscriber(row: &Row<'_>) -> Result<Option<BilledSubscriber>, StoreError> {
    match row.get::<_, Option<String>>("subscriber_ref")? {
        Some(subscriber_ref) => Ok(Some(BilledSubscriber { number: read_number(row)?, subscriber_ref })),
        None => Ok(None),
    }
}

/// The code of what decided a charge: billing's, unless the row names another scope.
pub(in crate::store) fn read_charge_result(row: &Row<'_>) -> Result<Option<RawResult>, StoreError> {
    let scope: Option<String> = row.get("raw_scope")?;
    Ok(read_raw_result(row)?.map(|billing| RawResult { scope: scope.unwrap_or(billing.scope), ..billing }))
}

pub(in crate::store) fn read_raw_result(row: &Row<'_>) -> Result<Option<RawResult>, StoreError> {
    let raw_code: Option<String> = row.get("raw_code")?;
    Ok(raw_code.map(|raw_code| RawResult { scope: "billing".to_owned(), raw_code }))
}
