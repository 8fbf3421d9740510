//! `GET /bill?msisdn=`: a subscriber's bill (or prepaid statement) as a page and as JSON; without a
//! number, the list of all. JSON: `{msisdn, lines: [{transactionID, refundID?, description, amount,
//! servicePeriod, at, partner, chargeCode?, tax?}], total}`, where the lines are the charges through
//! onbill and `total` is their sum. The plan's own fee is on the page only.

use super::Operator;
use super::layout::{MenuItem, PageView, index, menu_page, number_in_query, number_link};
use super::ledger::BillLine;
use crate::account_file::Subscriber;
use crate::answer::{Refusal, wants_json};
use crate::copy_button::{copy_button, plain_call};
use crate::page::{calendar, moment, period, price, spoken_number};
use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use maud::{Markup, html};
use onbill_domain::account::AccountType;
use onbill_domain::currency::Currency;
use onbill_domain::money::Money;
use onbill_domain::reject::{ErrorCode, Reject};
use serde::Deserialize;
use serde_json::json;
use time::Month;

#[derive(Deserialize)]
pub(super) struct BillQuery {
    msisdn: Option<String>,
}

/// The price of the line itself.
pub(super) struct TariffPlan {
    pub(super) name: &'static str,
    pub(super) price: Money,
    pub(super) data_gigabytes: u64,
}

/// All subscribers of a type have the same plan.
pub(super) fn plan_of(subscriber: &Subscriber, currency: Currency) -> TariffPlan {
    let (name, amount_minor, data_gigabytes) = match subscriber.account.account_type {
        AccountType::Postpaid => ("Unlimited Plus", 4500, 80),
        AccountType::Prepaid => ("Flex 20", 2000, 20),
    };
    TariffPlan { name, price: Money { amount_minor, currency }, data_gigabytes }
}

impl TariffPlan {
    /// The plan and the services on top.
    pub(super) fn with(&self, services: Money) -> Money {
        Money { amount_minor: self.price.amount_minor + services.amount_minor, ..services }
    }
}

/// 404 `account-not-found` for a number without an account here.
pub(super) async fn get_bill(
    State(operator): State<Operator>,
    Query(query): Query<BillQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let visitor = operator.logged_in(&headers);
    let Some(typed) = query.msisdn.filter(|typed| !typed.is_empty()) else {
        let main = html! {
            h1 { "Bills" }
            p class="quiet" { "What each subscriber pays through the bill for other companies’ services." }
            (index(&operator, "/bill", "On the bill", |ledger, subscriber| price(ledger.bill(&subscriber.msisdn).1)))
        };
        let title = ("Bills", MenuItem::Bill);
        return Ok(menu_page(&operator, &PageView::default(), title, visitor.as_ref(), &main));
    };
    let subscriber =
        number_in_query(&typed).and_then(|msisdn| operator.ledger().subscriber(&msisdn).cloned());
    let subscriber = subscriber
        .ok_or_else(|| Reject::new(ErrorCode::AccountNotFound, "There is no such account here."))?;
    let (lines, total) = {
        let ledger = operator.ledger();
        let (lines, total) = ledger.bill(&subscriber.msisdn);
        (lines.to_vec(), total)
    };
    if wants_json(&headers) {
        return Ok(Json(json!({"msisdn": subscriber.msisdn, "lines": lines, "total": total})).into_response());
    }
    let main = sheet(&operator, &subscriber, &lines, total);
    Ok(menu_page(&operator, &PageView::default(), ("Bill", MenuItem::Bill), visitor.as_ref(), &main))
}

/// The bill as it would be printed.
fn sheet(operator: &Operator, subscriber: &Subscriber, lines: &[BillLine], total: Money) -> Markup {
    let prepaid = subscriber.account.account_type == AccountType::Prepaid;
    let plan = plan_of(subscriber, operator.config().currency);
    let now = calendar(operator.now());
    let due_year = now.year() + i32::from(now.month() == Month::December);
    let link = number_link("/bill", &subscriber.msisdn);
    html! {
        div class="title bill" {
            h1 { @if prepaid { "Statement" } @else { "Your bill" } }
            a href=(number_link("/sms", &subscriber.msisdn)) { "Messages" }
        }
        (copy_button(&plain_call(&format!("{}{link}", operator.config().public_url), None), if prepaid { "this statement as JSON" } else { "this bill as JSON" }))
        article class="card sheet" {
            dl class="facts" {
                div { dt { "Line" } dd { (spoken_number(subscriber.msisdn.expose())) } }
                div { dt { "Month" } dd { (now.month()) " " (now.year()) } }
                div {
                    @if prepaid { dt { "Plan" } dd { (plan.name) } }
                    @else { dt { "Due" } dd { "14 " (now.month().next()) " " (due_year) } }
                }
            }
            @if !prepaid {
                h2 { "Your plan" }
                table {
                    tbody { tr { td { (plan.name) } td class="amount" { (price(plan.price)) } } }
                }
            }
            h2 { "Services of other companies" }
            @if lines.is_empty() {
                p class="quiet" id="no-lines" { "Nothing yet. What you pay through " (operator.config().name) " appears here." }
            } @else {
                (services(lines))
            }
            dl class="totals" {
                div { dt { "Services" } dd id="services-total" { (price(total)) } }
                @if let Some(balance) = subscriber.account.balance.filter(|_| prepaid) {
                    div class="sum" { dt { "Balance left" } dd id="balance" { (price(balance)) } }
                } @else {
                    div class="sum" { dt { "To pay" } dd id="bill-total" { (price(plan.with(total))) } }
                }
            }
        }
    }
}

fn services(lines: &[BillLine]) -> Markup {
    html! {
        table id="bill-lines" {
            thead { tr { th scope="col" { "Service" } th scope="col" { "For" } th scope="col" class="amount" { "Amount" } } }
            tbody {
                @for line in lines {
                    tr data-transaction=(line.transaction_id) data-refund=[line.refund_id.as_ref()]
                        data-partner=(line.partner) data-charge-code=[line.charge_code.as_ref()]
                        data-from=(line.service_period.from()) data-to=(line.service_period.to()) {
                        td {
                            (line.description)
                            small class="booking" {
                                (line.partner)
                                @if let Some(code) = &line.charge_code { " · " (code) }
                                @if let Some(tax) = &line.tax {
                                    " · with " (price(tax.amount)) " tax"
                                    @if let Some(rate) = &tax.rate { " (" (rate) " %)" }
                                }
                            }
                            small { "Booked " (moment(line.at)) }
                            @if let Some(charge) = charge_of(line, lines) {
                                small { "Of " (price(charge.amount)) " booked " (moment(charge.at)) }
                            }
                        }
                        td class="period" { (period(line.service_period)) }
                        td class={ "amount" @if line.refund_id.is_some() { " credit" } } { (price(line.amount)) }
                    }
                }
            }
        }
    }
}

/// The line of the charge that a refund's line refunds.
fn charge_of<'l>(refund: &BillLine, lines: &'l [BillLine]) -> Option<&'l BillLine> {
    refund.refund_id.as_ref()?;
    lines.iter().find(|line| line.refund_id.is_none() && line.transaction_id == refund.transaction_id)
}
