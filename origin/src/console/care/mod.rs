//! Customer care: a number leads to its present subscriber, what they pay, and what can be done about it.

pub(super) mod close;
mod customer_words;
pub(super) mod refund;
pub(super) mod resend;
pub(super) mod search;
mod subscriber;
mod timeline;

use super::Console;
use super::access::{DeskForm, read_reference};
use super::confirm::to_section;
use super::form::Posted;
use super::layout::Section;
use super::text::show_time;
use super::viewer::Viewer;
use crate::config::Config;
use maud::{Markup, html};
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::limits::DESK_LINES_MAX;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::timestamp::Timestamp;

/// The page of a customer, as its parts are rendered: who looks, at which number, under which reference.
#[derive(Clone, Copy)]
struct CustomerPage<'a> {
    config: &'a Config,
    viewer: &'a Viewer,
    msisdn: &'a Msisdn,
    reference: &'a str,
}

impl<'a> CustomerPage<'a> {
    /// What people call the partner.
    fn name_of(self, partner: &'a PartnerId) -> &'a str {
        self.config.partner_name(partner)
    }

    /// A time as the customer's clocks show it, if they are in the operator's zone.
    fn show_time(self, at: Timestamp) -> Markup {
        show_time(&self.config.time_zone, at)
    }

    /// The field by which an act leads back to the customer. The number is in forms only: an address is in
    /// histories and logs.
    fn customer_field(self) -> Markup {
        html! { input type="hidden" name="customer" value=(self.msisdn.expose()); }
    }
}

/// The way back from an act: to the customer whose page it was begun on, which is another look at the
/// number, or to the section.
pub(super) fn way_back<T: DeskForm>(console: &Console, posted: &Posted<T>, section: Section) -> Markup {
    let form = posted.form.as_ref().ok();
    let Some((form, customer)) =
        form.and_then(|form| Some((form, form.customer()?))).filter(|(_, customer)| !customer.is_empty())
    else {
        return to_section(section);
    };
    // What is refused as a reference of an act would be refused as that of a look.
    let reference = read_reference(console.parts.numbers, form.reference()).ok().flatten();
    html! {
        form method="post" action="/care/search" {
            (posted.viewer.csrf_field())
            input type="hidden" name="msisdn" value=(customer);
            input type="hidden" name="reference" value=(reference.as_ref().map_or("", ExtId::as_str));
            button class="quiet" { "Back to the customer" }
        }
    }
}

/// What every field for a reference says beside it.
const REFERENCE_HINT: &str = "The ticket. No name and no number of the customer.";

/// That a list is not whole, and who has the rest: the console exports nothing of a person.
fn more_than_shown(what: &str, order: &str) -> Markup {
    html! {
        p class="notice" {
            "There are more " (what) " than the " (DESK_LINES_MAX) " here, " (order) ". Who runs onbill’s command line can list all of them: "
            code { "onbill-origin subscribers export" } "."
        }
    }
}
