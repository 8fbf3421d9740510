//! `/coupons`: all coupons, for the operator's staff, who can send one again or void it. As a page
//! and as JSON: `[{extCouponID, msisdn, plan, amount, couponID, state, undelivered, code}]`, newest
//! first, where `undelivered` is why its SMS does not arrive, `code` that of the refusal of the
//! last request, and unknown values are null.

use super::super::Operator;
use super::super::layout::{PageView, page};
use super::super::origin::OriginFailure;
use super::card::{button, card};
use super::plans::{Button, RESEND_HINT};
use super::purchases::{Purchase, PurchaseAction, open};
use super::status_texts;
use crate::answer::{Refusal, wants_json};
use crate::page::{moment, spoken_number};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Form, Json};
use http::HeaderMap;
use maud::{Markup, html};
use onbill_domain::ids::ExtId;
use onbill_domain::reject::{ErrorCode, Reject};
use serde_json::{Value, json};

/// Most coupons on the page; the JSON has all.
const LISTED_MAX: usize = 50;

pub(in super::super) async fn get_coupons(
    State(operator): State<Operator>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    operator.coupons_on_sale()?;
    operator.look_at(|purchases| open(purchases.newest().take(LISTED_MAX))).await;
    if wants_json(&headers) {
        let all: Value = operator.purchases().newest().map(in_json).collect();
        return Ok(Json(all).into_response());
    }
    let purchases: Vec<Purchase> = operator.purchases().newest().take(LISTED_MAX).cloned().collect();
    let visitor = operator.logged_in(&headers);
    let main = html! {
        section class="hero" {
            h1 { "Coupons" }
            p { "Everyone’s, for the staff of " (operator.config().name) ". The codes themselves are in the text messages only." }
        }
        @if purchases.is_empty() { p class="quiet" { "No customer has bought a plan yet." } }
        ul class="coupons" id="coupons" { @for purchase in &purchases { (anyones(&operator, purchase)) } }
    };
    Ok(page(&operator, &PageView::default(), "Coupons", visitor.as_ref(), &main))
}

/// Sends a coupon again or voids it; 404 for any other action, or an unknown coupon.
pub(in super::super) async fn post_act(
    State(operator): State<Operator>,
    Path((id, act)): Path<(ExtId, String)>,
    Form(button): Form<Button>,
) -> Result<Response, Refusal> {
    let act = match act.as_str() {
        "resend" => PurchaseAction::Resend,
        "void" => PurchaseAction::Void,
        _ => return Err(Reject::new(ErrorCode::NotFound, "There is no such action.").into()),
    };
    if operator.purchases().find(&id).is_none() {
        return Err(Reject::new(ErrorCode::NotFound, "There is no such coupon.").into());
    }
    let link = format!("/coupons#coupon-{id}");
    operator.act(id, button.turn, act).await;
    Ok(Redirect::to(&link).into_response())
}

fn in_json(purchase: &Purchase) -> Value {
    let code = match &purchase.trouble {
        Some((_, OriginFailure::Refused(code))) => Some(code),
        _ => None,
    };
    json!({
        "extCouponID": purchase.id, "msisdn": purchase.msisdn, "plan": purchase.plan, "amount": purchase.price,
        "couponID": purchase.reported.as_ref().map(|reported| &reported.coupon.coupon_id), "state": purchase.state(),
        "undelivered": purchase.undelivered(), "code": code,
    })
}

fn anyones(operator: &Operator, purchase: &Purchase) -> Markup {
    let act = |word: &str| format!("/coupons/{}/{word}", purchase.id);
    let facts = html! {
        div { dt { "Line" } dd { (spoken_number(purchase.msisdn.expose())) } }
        div class="wide" { dt { (operator.config().name) "’s name for it" } dd class="code" { (purchase.id) } }
        @if let Some(reported) = &purchase.reported {
            div class="wide" { dt { "onbill’s id" } dd class="code" { (reported.coupon.coupon_id) } }
        }
        @if let Some(lost) = purchase.undelivered() {
            div class="wide" {
                dt { "Not delivered" }
                dd {
                    (moment(lost.at)) ": " (status_texts::undelivered_text(lost.reason))
                    @if let Some(code) = &lost.code { " Its code for that is " span class="code" { (code) } "." }
                }
            }
        }
    };
    let ways = html! {
        @if purchase.reported.is_some() && purchase.is_open() {
            (button(purchase, &act("resend"), "Send it again", RESEND_HINT))
            (button(purchase, &act("void"), "Void it", "The code stops working at once, for good. Nothing is charged."))
        }
    };
    card(purchase, status_texts::trouble_for_staff(purchase).as_deref(), &facts, &ways)
}
