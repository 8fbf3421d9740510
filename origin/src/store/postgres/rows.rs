//! Reads stored words back into types. A place is `table.column`: the row is asked for the column,
//! and an error names both.

use super::tx_error::TxError;
use crate::config::Booking;
use crate::store::error::inconsistent_row;
use crate::store::number::{BilledSubscriber, Hash, NumberIndex, SealedNumber};
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
use tokio_postgres::Row;

fn column_of(place: &'static str) -> &'static str {
    place.split_once('.').map_or(place, |(_, column)| column)
}

pub(in crate::store) fn parse_column<T>(
    row: &Row,
    place: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, TxError> {
    let value = parse(row.try_get(column_of(place))?);
    Ok(value.ok_or_else(|| inconsistent_row(place))?)
}

pub(in crate::store) fn parse_optional_column<T>(
    row: &Row,
    place: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, TxError> {
    match row.try_get(column_of(place))? {
        None => Ok(None),
        Some(word) => Ok(Some(parse(word).ok_or_else(|| inconsistent_row(place))?)),
    }
}

pub(in crate::store) fn read_hash(row: &Row, place: &'static str) -> Result<Hash, TxError> {
    let bytes: &[u8] = row.try_get(column_of(place))?;
    Ok(bytes.try_into().map_err(|_| inconsistent_row(place))?)
}

pub(in crate::store) fn read_time(row: &Row, place: &'static str) -> Result<Timestamp, TxError> {
    Ok(Timestamp::from_unix_seconds(row.try_get(column_of(place))?))
}

/// The time of an account event, in nanoseconds.
pub(in crate::store) fn read_precise_time(row: &Row, place: &'static str) -> Result<Timestamp, TxError> {
    Ok(Timestamp::from_unix_nanoseconds(row.try_get(column_of(place))?))
}

/// Every column that counts something is a BIGINT.
pub(in crate::store) fn read_count(row: &Row, place: &'static str) -> Result<u32, TxError> {
    let count: i64 = row.try_get(column_of(place))?;
    Ok(u32::try_from(count).map_err(|_| inconsistent_row(place))?)
}

/// The column `place`, which WITH ORDINALITY counts from 1, as an index of the list that was given.
pub(in crate::store) fn read_place(row: &Row) -> Result<usize, TxError> {
    let place: i64 = row.try_get("place")?;
    Ok(usize::try_from(place - 1).map_err(|_| inconsistent_row("unnest.place"))?)
}

pub(in crate::store) fn read_pai(row: &Row, place: &'static str) -> Result<Pai, TxError> {
    parse_column(row, place, Pai::parse)
}

pub(in crate::store) fn read_locale(row: &Row, place: &'static str) -> Result<Locale, TxError> {
    parse_column(row, place, Locale::from_tag)
}

/// The columns `amount_minor` and `currency`; `currency` is the place of the latter.
pub(in crate::store) fn read_amount(row: &Row, currency: &'static str) -> Result<Money, TxError> {
    Ok(Money {
        amount_minor: row.try_get("amount_minor")?,
        currency: parse_column(row, currency, Currency::parse)?,
    })
}

/// The price in the columns `price_minor` and `currency`, which names its table; `None` without a price.
pub(in crate::store) fn read_price(row: &Row, currency: &'static str) -> Result<Option<Money>, TxError> {
    let amount_minor: Option<i64> = row.try_get("price_minor")?;
    let currency = parse_optional_column(row, currency, Currency::parse)?;
    Ok(amount_minor.zip(currency).map(|(amount_minor, currency)| Money { amount_minor, currency }))
}

/// The columns `number_index` and `number_sealed`; `index` is the place of the former.
pub(in crate::store) fn read_number(row: &Row, index: &'static str) -> Result<SealedNumber, TxError> {
    Ok(SealedNumber { index: NumberIndex(read_hash(row, index)?), sealed: row.try_get("number_sealed")? })
}

/// The number and operator's id of a subscriber; `None` when they were erased.
pub(in crate::store) fn read_subscriber(row: &Row) -> Result<Option<BilledSubscriber>, TxError> {
    match row.try_get("subscriber_ref")? {
        Some(subscriber_ref) => Ok(Some(BilledSubscriber {
            number: read_number(row, "subscribers.number_index")?,
            subscriber_ref,
        })),
        None => Ok(None),
    }
}

/// The booking of a charge.
pub(in crate::store) fn read_booking(row: &Row) -> Result<Booking, TxError> {
    Ok(Booking {
        offer: parse_optional_column(row, "transactions.offer", OfferId::parse)?,
        plan: parse_optional_column(row, "transactions.plan", ExtId::parse)?,
        charge_code: read_charge_code(row)?,
    })
}

pub(in crate::store) fn read_charge_code(row: &Row) -> Result<Option<ChargeCode>, TxError> {
    parse_optional_column(row, "transactions.charge_code", ChargeCode::parse)
}

/// The tax in the amount of the same row.
pub(in crate::store) fn read_tax(row: &Row) -> Result<Option<BillTax>, TxError> {
    let Some(tax_minor) = row.try_get("tax_minor")? else { return Ok(None) };
    let rate = parse_optional_column(row, "transactions.tax_rate", TaxRate::parse)?;
    Ok(Some(BillTax::within(read_amount(row, "transactions.currency")?, tax_minor, rate)))
}

pub(in crate::store) fn read_raw_result(row: &Row) -> Result<Option<RawResult>, TxError> {
    Ok(row.try_get::<_, Option<&str>>("raw_code")?.map(billing_result))
}

/// The code of what decided a charge: billing's, unless the row names another scope.
pub(in crate::store) fn read_charge_result(row: &Row) -> Result<Option<RawResult>, TxError> {
    let scope: Option<String> = row.try_get("raw_scope")?;
    Ok(read_raw_result(row)?.map(|billing| RawResult { scope: scope.unwrap_or(billing.scope), ..billing }))
}

pub(in crate::store) fn billing_result(raw_code: &str) -> RawResult {
    RawResult { scope: "billing".to_owned(), raw_code: raw_code.to_owned() }
}
