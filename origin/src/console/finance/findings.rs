//! The findings of a reconciliation that was kept, by cause, a page at a time.

use crate::care::Act;
use crate::config::Config;
use crate::console::Console;
use crate::console::access::require;
use crate::console::figures::format_money;
use crate::console::layout::{Section, page};
use crate::console::refused::Refused;
use crate::console::viewer::Viewer;
use crate::reconciliation::{Cause, read_kept_finding};
use crate::store::KeptFinding;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use maud::{Markup, html};
use onbill_domain::currency::Currency;
use onbill_domain::day::Day;
use onbill_domain::ids::PartnerId;
use onbill_domain::reject::{ErrorCode, Reject};
use serde::Deserialize;

/// Findings on one page: as many as a person goes through before the next look-up.
const PER_PAGE: u32 = 50;

/// What a cell shows, by the places in the file of findings.
#[derive(Clone, Copy)]
enum Cell {
    Word(usize),
    /// What somebody looks up elsewhere.
    Id(usize),
    /// Minor units, and their currency.
    Amount(usize, usize),
}

/// Columns of a finding on the page.
const COLUMNS: [(&str, Cell); 10] = [
    ("Kind", Cell::Word(1)),
    ("Charge, ours", Cell::Id(2)),
    ("Charge, partner’s", Cell::Id(3)),
    ("Refund, ours", Cell::Id(4)),
    ("Refund, partner’s", Cell::Id(5)),
    ("Our status", Cell::Word(6)),
    ("Our amount", Cell::Amount(7, 8)),
    ("Partner’s amount", Cell::Amount(10, 11)),
    ("Billed", Cell::Amount(13, 14)),
    ("Repair", Cell::Word(16)),
];

#[derive(Clone, Deserialize)]
pub(in crate::console) struct FindingsQuery {
    partner: PartnerId,
    from: Day,
    to: Day,
    cause: String,
    after: Option<i64>,
}

/// `GET /finance/findings`: 200 with a page of findings, also without any; 400 `invalid-request` for a
/// query that no page has made, 404 for a cause that there is not.
pub(in crate::console) async fn findings_page(
    State(console): State<Console>,
    viewer: Viewer,
    query: Result<Query<FindingsQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    require(&console, &viewer, Act::ReadMonth, None).await?;
    let Query(query) = query.map_err(|_| Reject::invalid_request("The address is not complete."))?;
    let no_cause = || Reject::new(ErrorCode::NotFound, "There is no such cause.");
    let cause = Cause::parse(&query.cause).ok_or_else(no_cause)?;
    let FindingsQuery { partner, from, to, after, .. } = query.clone();
    let found =
        console.parts.store.list_kept_findings(partner, [from, to], query.cause.clone(), after, PER_PAGE);
    let body = show_findings(&console.parts.config, &query, cause, &found.await?);
    Ok(page(&viewer, "Findings", Section::Finance, body))
}

fn show_findings(config: &Config, query: &FindingsQuery, cause: Cause, findings: &[KeptFinding]) -> Markup {
    let FindingsQuery { partner, from, to, .. } = query;
    let is_full = findings.len() == PER_PAGE as usize;
    let next = findings.last().filter(|_| is_full).map(|last| {
        format!("/finance/findings?partner={partner}&from={from}&to={to}&cause={cause}&after={}", last.place)
    });
    let rows: Vec<_> = findings.iter().filter_map(read_kept_finding).collect();
    html! {
        p { (config.partner_name(partner)) ", " (from) " to " (to) " (UTC): " code { (cause.as_str()) } ". " (cause.meaning()) }
        section class="card" {
            @if rows.is_empty() { p class="muted" { "No findings were kept here." } }
            @else {
                table {
                    caption { "Findings" }
                    thead {
                        tr {
                            @for (name, cell) in COLUMNS {
                                th scope="col" class=[matches!(cell, Cell::Amount(..)).then_some("amount")] { (name) }
                            }
                        }
                    }
                    tbody {
                        @for row in &rows {
                            tr { @for (name, cell) in COLUMNS { (show_cell(row, name, cell)) } }
                        }
                    }
                }
            }
            @if let Some(next) = next { a class="button quiet" href=(next) { "Next page" } }
        }
    }
}

fn show_cell(row: &[String], name: &str, cell: Cell) -> Markup {
    match cell {
        Cell::Word(place) => html! { td data-label=(name) { (row[place]) } },
        Cell::Id(place) => html! {
            td data-label=(name) { @if !row[place].is_empty() { code { (row[place]) } } }
        },
        Cell::Amount(minor, currency) => html! {
            td class="amount" data-label=(name) { (show_amount(&row[minor], &row[currency])) }
        },
    }
}

/// With its currency, which may be what differs. What is no amount is shown as it is.
fn show_amount(minor: &str, currency: &str) -> String {
    match (minor.parse::<i64>(), Currency::parse(currency)) {
        (Ok(amount_minor), Some(known)) => format!("{} {known}", format_money(amount_minor, known)),
        _ => minor.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::sample_config;
    use crate::reconciliation::finding::HEADER;

    #[test]
    fn columns_are_those_of_the_file() {
        let expected = [
            "kind",
            "transactionID",
            "extTransactionID",
            "refundID",
            "extRefundID",
            "our_status",
            "our_minor our_currency",
            "partner_minor partner_currency",
            "bill_minor bill_currency",
            "repair",
        ];
        let shown = COLUMNS.map(|(_, cell)| match cell {
            Cell::Word(place) | Cell::Id(place) => HEADER[place].to_owned(),
            Cell::Amount(minor, currency) => format!("{} {}", HEADER[minor], HEADER[currency]),
        });
        assert_eq!(shown, expected);
    }

    #[test]
    fn amount_has_the_decimals_of_its_currency() {
        for (minor, currency, shown) in [
            ("159900", "USD", "1,599.00 USD"),
            ("1599", "JPY", "1,599 JPY"),
            ("", "", ""),
            ("1599", "", "1599"),
            ("92233720368547758080", "USD", "92233720368547758080"),
        ] {
            assert_eq!(show_amount(minor, currency), shown);
        }
    }

    #[test]
    fn full_page_leads_to_the_next() {
        let query = FindingsQuery {
            partner: PartnerId::parse("netflix").expect("is an id"),
            from: Day::parse("2026-11-01").expect("is a day"),
            to: Day::parse("2026-11-30").expect("is a day"),
            cause: "missing-on-bill".to_owned(),
            after: None,
        };
        let columns: Vec<String> = (0..HEADER.len()).map(|n| format!("<{n}>")).collect();
        let finding = serde_json::json!(columns).to_string();
        let finding = |place| KeptFinding { place, cause: query.cause.clone(), finding: finding.clone() };
        let findings: Vec<_> = (0..50).map(finding).collect();
        let show = |findings: &[KeptFinding]| {
            show_findings(&sample_config(), &query, Cause::MissingOnBill, findings).into_string()
        };
        let page = show(&findings);
        assert!(page.contains("after=49") && page.contains("&lt;7&gt;"), "{page}");
        assert!(page.contains("<p>Netflix, 2026-11-01"), "{page}");
        assert!(!show(&findings[1..]).contains("after="));
    }
}
