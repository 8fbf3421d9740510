//! Finance: the month. What was approved, declined and refunded comes from the counts of the days; the
//! three sources side by side and the settlement from the reports that the operator's staff has kept. No
//! page reads the ledger's rows: a month has as many counts as there are days, partners, charge codes and
//! reasons, whatever the ledger has.

mod csv;
mod findings;
mod kept;
mod month;
mod trend;

pub(super) use findings::findings_page;

use super::Console;
use super::access::require;
use super::layout::{Section, page};
use super::refused::Refused;
use super::text::show_time;
use super::viewer::Viewer;
use crate::care::Act;
use crate::daily_counts::CountedCharges;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use kept::{settlements, three_sources};
use maud::{Markup, html};
use month::Month;
use onbill_domain::reject::Reject;
use serde::Deserialize;
use trend::{counted_note, declines, trends};

/// The month that a page shows: the present one if none is given.
#[derive(Deserialize)]
pub(super) struct MonthQuery {
    month: Option<String>,
}

/// `GET /finance`: 200 with the month; 400 `invalid-request` for what is no month.
pub(super) async fn month_page(
    State(console): State<Console>,
    viewer: Viewer,
    query: Result<Query<MonthQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    let month = admit_viewer(&console, &viewer, query).await?;
    let body = html! {
        (month_picker(month))
        (month_body(&console, month, false).await?)
        p class="row" {
            a class="button quiet" href=(format!("/finance/month.csv?month={month}")) { "Download the counts (CSV)" }
            a class="button quiet" href=(format!("/finance/print?month={month}")) { "A page to print" }
        }
    };
    Ok(page(&viewer, &format!("Finance, {month}"), Section::Finance, body))
}

/// `GET /finance/print`: 200 with the month in one column and with all its tables open.
pub(super) async fn print_page(
    State(console): State<Console>,
    viewer: Viewer,
    query: Result<Query<MonthQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    let month = admit_viewer(&console, &viewer, query).await?;
    let (zone, now) = (&console.parts.config.time_zone, console.parts.clock.now());
    let body = html! {
        p { a class="button quiet" href=(format!("/finance?month={month}")) { "Back to the month" } }
        // The head of the page is not printed.
        p class="muted small" { (viewer.operator_name) ", as of " (show_time(zone, now)) "." }
        div class="print" { (month_body(&console, month, true).await?) }
    };
    Ok(page(&viewer, &format!("Finance, {month}"), Section::Finance, body))
}

/// `GET /finance/month.csv`: 200 with the counts of the month, a line for each.
pub(super) async fn month_csv(
    State(console): State<Console>,
    viewer: Viewer,
    query: Result<Query<MonthQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    let month = admit_viewer(&console, &viewer, query).await?;
    let counted = read_month(&console, month).await?;
    csv::answer(&counted.charges, month)
}

async fn admit_viewer(
    console: &Console,
    viewer: &Viewer,
    query: Result<Query<MonthQuery>, QueryRejection>,
) -> Result<Month, Refused> {
    require(console, viewer, Act::ReadMonth, None).await?;
    let no_month = || Reject::invalid_request("A month is written like 2026-11.");
    let Query(MonthQuery { month }) = query.map_err(|_| no_month())?;
    match month {
        Some(text) => Ok(Month::parse(&text).ok_or_else(no_month)?),
        None => Ok(Month::of(console.parts.daily_counts.today())),
    }
}

async fn read_month(console: &Console, month: Month) -> Result<CountedCharges, Refused> {
    Ok(console.parts.daily_counts.read_charges(month.first(), month.last()).await?)
}

async fn month_body(console: &Console, month: Month, is_on_paper: bool) -> Result<Markup, Refused> {
    let counted = read_month(console, month).await?;
    let today = console.parts.daily_counts.today();
    let (store, config) = (&console.parts.store, &console.parts.config);
    let reports = store.list_kept_reports(month.first(), month.last()).await?;
    Ok(html! {
        (counted_note(&config.time_zone, &counted.days, month, today))
        (trends(&counted.charges, month, today, is_on_paper))
        (declines(&counted.charges))
        (three_sources(config, &reports))
        (settlements(config, &reports))
    })
}

fn month_picker(month: Month) -> Markup {
    html! {
        form class="row" method="get" action="/finance" {
            @if let Some(before) = month.before() {
                a class="button quiet" href=(format!("/finance?month={before}")) { "Month before" }
            }
            // Browsers without a field for months have one for text.
            label {
                "Month"
                input type="month" name="month" value=(month) required pattern="[0-9]{4}-[0-9]{2}"
                    title="A year and a month, such as 2026-11";
            }
            button { "Show" }
            @if let Some(after) = month.after() {
                a class="button quiet" href=(format!("/finance?month={after}")) { "Month after" }
            }
        }
    }
}
