//! `/plans`: the plans on sale, and what the logged-in customer has bought.

use super::super::layout::{MenuItem, PageView, menu_page, number_link};
use super::super::{CouponsOnSale, Operator, PrepaidPlan};
use super::card::{button, card};
use super::purchases::{Purchase, PurchaseAction, open};
use super::status_texts;
use crate::answer::Refusal;
use crate::page::{price, spoken_number};
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::HeaderMap;
use maud::{Markup, html};
use onbill_domain::ids::ExtId;
use onbill_domain::money::Money;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::coupon::CouponState;
use serde::Deserialize;

/// Most coupons of one customer on the page.
const LISTED_MAX: usize = 10;

pub(super) const RESEND_HINT: &str = "A new code comes; the old one no longer works.";

#[derive(Deserialize)]
pub(in super::super) struct Order {
    plan: ExtId,
    #[serde(rename = "extCouponID")]
    id: ExtId,
    /// The view options of the page.
    #[serde(flatten)]
    view: PageView,
}

#[derive(Deserialize)]
pub(in super::super) struct Button {
    pub(super) turn: u32,
}

/// The page; it queries the status of the customer's coupons.
pub(in super::super) async fn get_plans(
    State(operator): State<Operator>,
    Query(view): Query<PageView>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let on_sale = operator.coupons_on_sale()?;
    let visitor = operator.logged_in(&headers);
    if let Some(msisdn) = &visitor {
        operator.look_at(|purchases| open(purchases.of(msisdn).take(LISTED_MAX))).await;
    }
    let bought: Vec<Purchase> = match &visitor {
        Some(msisdn) => operator.purchases().of(msisdn).take(LISTED_MAX).cloned().collect(),
        None => Vec::new(),
    };
    let main = html! {
        section class="hero" {
            h1 { "Netflix, paid ahead" }
            p { "No card and no monthly payment: we text you a code, for yourself or as a gift. You pay when it is entered at \
                 Netflix. Then it is on " @if visitor.is_some() { "your" } @else { "the" } " next bill, once." }
        }
        @if visitor.is_none() { p class="notice calm" { "Sign in at the top to buy a plan." } }
        ul class="cards" id="plans" {
            @for plan in &on_sale.plans { (on_offer(&operator, &view, plan, visitor.as_ref())) }
        }
        @if !bought.is_empty() {
            h2 class="section" { "Your codes" }
            ul class="coupons" id="coupons" { @for purchase in &bought { (own(on_sale, purchase)) } }
        }
    };
    Ok(menu_page(&operator, &view, ("Plans", MenuItem::Plans), visitor.as_ref(), &main))
}

/// Buys a plan.
///
/// 1. No log-in, or no such plan → 401, 400.
/// 2. The id of another customer's coupon → 400.
/// 3. The origin is called, with that id; whatever the outcome, 303 to the page, which shows it.
pub(in super::super) async fn post_plan(
    State(operator): State<Operator>,
    headers: HeaderMap,
    Form(order): Form<Order>,
) -> Result<Response, Refusal> {
    // 1.
    let on_sale = operator.coupons_on_sale()?;
    let msisdn = operator.customer(&headers)?;
    let plan = on_sale.plans.iter().find(|plan| plan.plan == order.plan);
    let plan = plan.ok_or_else(|| Reject::invalid_request("There is no such plan."))?;
    // 2.
    let purchase = Purchase {
        id: order.id,
        msisdn,
        plan: plan.plan.clone(),
        months: plan.months,
        price: operator.price_of(plan),
        locale: order.view.locale(),
        at: operator.now(),
        turn: 0,
        resends: 0,
        reported: None,
        trouble: None,
    };
    let noted = {
        let mut purchases = operator.purchases();
        purchases.note(purchase.clone());
        purchases.find(&purchase.id).cloned().filter(|noted| noted.msisdn == purchase.msisdn)
    };
    let noted = noted.ok_or_else(|| Reject::invalid_request("extCouponID belongs to another customer."))?;
    // 3.
    let link = link(&order.view, &noted.id);
    if noted.reported.is_none() {
        operator.buy(noted).await;
    }
    Ok(Redirect::to(&link).into_response())
}

/// Sends one of the customer's own codes again; 404 for any other.
pub(in super::super) async fn post_resend(
    State(operator): State<Operator>,
    Path(id): Path<ExtId>,
    headers: HeaderMap,
    Form(button): Form<Button>,
) -> Result<Response, Refusal> {
    let msisdn = operator.customer(&headers)?;
    let is_own = operator.purchases().find(&id).is_some_and(|purchase| purchase.msisdn == msisdn);
    if !is_own {
        return Err(Reject::new(ErrorCode::NotFound, "There is no such coupon.").into());
    }
    let link = link(&PageView::default(), &id);
    operator.act(id, button.turn, PurchaseAction::Resend).await;
    Ok(Redirect::to(&link).into_response())
}

fn link(view: &PageView, id: &ExtId) -> String {
    format!("{}#coupon-{id}", view.link("/plans"))
}

fn on_offer(operator: &Operator, view: &PageView, plan: &PrepaidPlan, visitor: Option<&Msisdn>) -> Markup {
    let amount = operator.price_of(plan);
    let monthly = Money { amount_minor: amount.amount_minor / i64::from(plan.months), ..amount };
    html! {
        li class="card plan" data-plan=(plan.plan) {
            h2 { (plan.months) " months" }
            p class="figure" { (price(amount)) }
            p { (price(monthly)) " a month, paid once" }
            @if let Some(msisdn) = visitor {
                // A press on a phone is easily one too many, and this one costs money.
                details class="ask" {
                    summary { "Buy " (plan.months) " months" }
                    div {
                        p { "The code goes to " strong { (spoken_number(msisdn.expose())) } ". You pay " (price(amount)) " once, when it is entered at Netflix." }
                        form method="post" action="/plans" {
                            (view.hidden())
                            input type="hidden" name="plan" value=(plan.plan);
                            input type="hidden" name="extCouponID" value={ "coupon-" (operator.0.outside.random.uuid()) };
                            button type="submit" class="main" { "Yes, buy " (plan.months) " months" }
                        }
                    }
                }
            }
        }
    }
}

fn own(on_sale: &CouponsOnSale, purchase: &Purchase) -> Markup {
    let ways = html! {
        @if purchase.reported.is_none() && !purchase.is_refused() {
            form method="post" action="/plans" {
                input type="hidden" name="plan" value=(purchase.plan);
                input type="hidden" name="extCouponID" value=(purchase.id);
                button type="submit" class="main" { "Try again" }
            }
        } @else if purchase.is_open() {
            a class="main" href=(on_sale.redeem_url) { "Enter it at Netflix" }
            (button(purchase, &format!("/plans/{}/resend", purchase.id), "Send it again", RESEND_HINT))
        } @else if purchase.state() == Some(CouponState::Redeemed) {
            a href=(number_link("/bill", &purchase.msisdn)) { "See the bill" }
        }
    };
    card(purchase, status_texts::trouble(purchase).as_deref(), &html! {}, &ways)
}

impl Operator {
    /// 404 where none are on sale.
    pub(super) fn coupons_on_sale(&self) -> Result<&CouponsOnSale, Refusal> {
        let none = || Reject::new(ErrorCode::NotFound, "This operator sells no prepaid plans.");
        Ok(self.config().coupons.as_ref().ok_or_else(none)?)
    }

    fn price_of(&self, plan: &PrepaidPlan) -> Money {
        Money { amount_minor: plan.price, currency: self.config().currency }
    }

    fn customer(&self, headers: &HeaderMap) -> Result<Msisdn, Refusal> {
        let not_signed_in = || Reject::new(ErrorCode::Forbidden, "No customer is signed in.");
        Ok(self.logged_in(headers).ok_or_else(not_signed_in)?)
    }
}
