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
use super::mistake::{Mistake, ask_again, is_at, show_hint};
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

/// The month that a page shows: the present one if it is empty.
#[derive(Deserialize)]
pub(super) struct MonthQuery {
    #[serde(default)]
    month: String,
}

/// `GET /finance`: 200 with the month; 400 with the form for what is no month.
pub(super) async fn month_page(
    State(console): State<Console>,
    viewer: Viewer,
    query: Result<Query<MonthQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    let typed = admit_viewer(&console, &viewer, query).await?;
    let Some(month) = find_month(&console, &typed) else {
        let body = month_picker(&typed, None, Some(&Mistake::new("month", NO_MONTH)));
        return Ok(ask_again(page(&viewer, "Finance", Section::Finance, body)));
    };
    let body = html! {
        (month_picker(&month.to_string(), Some(month), None))
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
    let month = require_month(&console, &viewer, query).await?;
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
    let month = require_month(&console, &viewer, query).await?;
    let counted = read_month(&console, month).await?;
    csv::answer(&counted.charges, month)
}

const NO_MONTH: &str = "A month is written like 2026-11.";

/// What was typed as the month.
async fn admit_viewer(
    console: &Console,
    viewer: &Viewer,
    query: Result<Query<MonthQuery>, QueryRejection>,
) -> Result<String, Refused> {
    require(console, viewer, Act::ReadMonth, None).await?;
    let Query(MonthQuery { month }) = query.map_err(|_| Reject::invalid_request(NO_MONTH))?;
    Ok(month)
}

/// The present month if nothing was typed; `None` for what is none.
fn find_month(console: &Console, typed: &str) -> Option<Month> {
    match typed.trim() {
        "" => Some(Month::of(console.parts.daily_counts.today())),
        typed => Month::parse(typed),
    }
}

/// The month of a link: 400 `invalid-request` for what is none.
async fn require_month(
    console: &Console,
    viewer: &Viewer,
    query: Result<Query<MonthQuery>, QueryRejection>,
) -> Result<Month, Refused> {
    let typed = admit_viewer(console, viewer, query).await?;
    Ok(find_month(console, &typed).ok_or_else(|| Reject::invalid_request(NO_MONTH))?)
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

/// `typed` is in the field, whether it is a month or not.
fn month_picker(typed: &str, month: Option<Month>, mistake: Option<&Mistake>) -> Markup {
    html! {
        form class="row" method="get" action="/finance" {
            @if let Some(before) = month.and_then(Month::before) {
                a class="button quiet" href=(format!("/finance?month={before}")) { "Month before" }
            }
            // Browsers without a field for months have one for text.
            label {
                "Month"
                (show_hint("month", "", mistake))
                input type="month" name="month" value=(typed) required pattern="[0-9]{4}-[0-9]{2}"
                    title="A year and a month, such as 2026-11" autofocus[is_at("month", mistake)]
                    aria-invalid=[is_at("month", mistake).then_some("true")];
            }
            button { "Show" }
            @if let Some(after) = month.and_then(Month::after) {
                a class="button quiet" href=(format!("/finance?month={after}")) { "Month after" }
            }
        }
    }
}
