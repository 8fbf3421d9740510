//! `POST /care/sms/resend`: an agent has a coupon's SMS sent again, with another code.

use super::way_back;
use crate::care::Act;
use crate::console::Console;
use crate::console::access::{DeskForm, require_reference, require_with_form};
use crate::console::confirm::show_done;
use crate::console::form::Posted;
use crate::console::layout::Section;
use crate::console::refused::{Refused, or_lead_back};
use crate::coupon::coupon_not_found;
use crate::store::Queue;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use onbill_domain::ids::ExtId;
use serde::Deserialize;

#[derive(Deserialize)]
pub(in crate::console) struct ResendForm {
    coupon: String,
    #[serde(default)]
    reference: String,
    /// Their number, for the way back.
    #[serde(default)]
    customer: String,
}

impl DeskForm for ResendForm {
    fn reference(&self) -> &str {
        &self.reference
    }

    fn customer(&self) -> Option<&str> {
        Some(&self.customer)
    }
}

/// 200 once another code is queued; the same reference again sends nothing more. For the refusals see
/// [`crate::coupon::Coupons::resend`].
pub(in crate::console) async fn resend_sms(
    State(console): State<Console>,
    posted: Posted<ResendForm>,
) -> Response {
    let back = way_back(&console, &posted, Section::Care);
    or_lead_back(try_resend(&console, posted, &back).await, &back)
}

async fn try_resend(
    console: &Console,
    posted: Posted<ResendForm>,
    back: &Markup,
) -> Result<Response, Refused> {
    let (viewer, form, stamp) = require_with_form(console, posted, Act::ResendSms).await?;
    require_reference(&stamp)?;
    let id = ExtId::parse(&form.coupon).ok_or_else(coupon_not_found)?;
    console.parts.coupons.resend(None, stamp, &id).await?;
    console.parts.wake_up.wake(Queue::All);
    let text = html! { p { "Another code is on its way to the customer." } };
    Ok(show_done(&viewer, "SMS sent again", Section::Care, &text, back))
}
