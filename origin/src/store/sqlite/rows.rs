//! Reads stored words back into types. A place is `table.column`: the row is asked for the column,
//! and an error names both.

use crate::config::Booking;
use crate::store::error::{StoreError, inconsistent_row};
use crate::store::number::{BilledSubscriber, NumberIndex, SealedNumber};
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::currency::Currency;
use onbill_domain::ids::{ExtId, OfferId};
use onbill_domain::locale::Locale;
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::tax::TaxRate;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::csp::BillTax;
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

/// The price in the columns `price_minor` and `currency`, which names its table; `None` without a price.
pub(in crate::store) fn read_price(
    row: &Row<'_>,
    currency: &'static str,
) -> Result<Option<Money>, StoreError> {
    let amount_minor: Option<i64> = row.get("price_minor")?;
    let currency = parse_optional_column(row, currency, Currency::parse)?;
    Ok(amount_minor.zip(currency).map(|(amount_minor, currency)| Money { amount_minor, currency }))
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

/// The booking of a charge.
pub(in crate::store) fn read_booking(row: &Row<'_>) -> Result<Booking, StoreError> {
    Ok(Booking {
        offer: parse_optional_column(row, "transactions.offer", OfferId::parse)?,
        plan: parse_optional_column(row, "transactions.plan", ExtId::parse)?,
        charge_code: read_charge_code(row)?,
    })
}

pub(in crate::store) fn read_charge_code(row: &Row<'_>) -> Result<Option<ChargeCode>, StoreError> {
    parse_optional_column(row, "transactions.charge_code", ChargeCode::parse)
}

/// The tax in the amount of the same row.
pub(in crate::store) fn read_tax(row: &Row<'_>) -> Result<Option<BillTax>, StoreError> {
    let Some(tax_minor) = row.get("tax_minor")? else { return Ok(None) };
    let rate = parse_optional_column(row, "transactions.tax_rate", TaxRate::parse)?;
    Ok(Some(BillTax::within(read_amount(row, "transactions.currency")?, tax_minor, rate)))
}

pub(in crate::store) fn read_raw_result(row: &Row<'_>) -> Result<Option<RawResult>, StoreError> {
    let raw_code: Option<String> = row.get("raw_code")?;
    Ok(raw_code.map(|raw_code| RawResult { scope: "billing".to_owned(), raw_code }))
}
