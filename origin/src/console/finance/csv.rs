//! The counts of a month as CSV: minor units, as in the files of the command line.

use super::month::Month;
use crate::console::layout::with_headers;
use crate::console::refused::Refused;
use crate::fault::Fault;
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use onbill_domain::wire::summary::ChargeCount;

const HEADER: [&str; 8] =
    ["day", "partner", "charge_code", "outcome", "reason", "count", "amount_minor", "currency"];

/// 200 with a file that a browser saves.
pub(super) fn answer(charges: &[ChargeCount], month: Month) -> Result<Response, Refused> {
    let text = write_counts(charges).map_err(|_| Fault::Broken("a CSV cannot be written into memory"))?;
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"onbill-{month}.csv\"")),
    ];
    Ok(with_headers((headers, text).into_response()))
}

fn write_counts(charges: &[ChargeCount]) -> Result<Vec<u8>, csv::Error> {
    let mut file = csv::Writer::from_writer(Vec::new());
    file.write_record(HEADER)?;
    for count in charges {
        file.write_record([
            count.day.to_string(),
            count.partner.to_string(),
            count.charge_code.as_ref().map(ToString::to_string).unwrap_or_default(),
            count.outcome.as_str().to_owned(),
            count.reason.map(|reason| reason.as_str().to_owned()).unwrap_or_default(),
            count.count.to_string(),
            count.amount.amount_minor.to_string(),
            count.amount.currency.to_string(),
        ])?;
    }
    file.flush()?;
    file.into_inner().map_err(|error| error.into_error().into())
}
