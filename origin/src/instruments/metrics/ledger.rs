//! Figures that are read from the ledger when the page is asked for: with several origins on one
//! database, each shows the same.

use super::page::Page;
use super::series::{
    COUPONS, DEAD_LETTERS, FILES_OLDEST, FILES_UNACKNOWLEDGED, LEDGER_READABLE, QUEUE_ENTRIES, QUEUE_OLDEST,
};
use crate::store::LedgerFigures;
use std::fmt;

/// Writes the figures; without them, says only that they could not be read.
pub(super) fn write(page: &mut Page<'_>, figures: Option<&LedgerFigures>) -> fmt::Result {
    page.gauge(LEDGER_READABLE, i64::from(figures.is_some()))?;
    let Some(figures) = figures else { return Ok(()) };
    let queues = || figures.queues.iter().map(|(queue, of)| ([queue.as_str()], of));
    page.gauges(QUEUE_ENTRIES, queues().map(|(queue, of)| (queue, of.entries)))?;
    page.gauges(QUEUE_OLDEST, queues().map(|(queue, of)| (queue, of.oldest_age_seconds)))?;
    page.gauges(DEAD_LETTERS, queues().map(|(queue, of)| (queue, of.dead_letters)))?;
    page.gauge(FILES_UNACKNOWLEDGED, figures.files.unacknowledged)?;
    page.gauge(FILES_OLDEST, figures.files.oldest_age_seconds)?;
    page.gauges(COUPONS, figures.coupons.iter().map(|(state, count)| ([state.as_str()], *count)))
}
