//! `/care`: a number is looked up. It is in the body of a POST, because a URL is in histories and logs; each
//! look is in the audit, whatever it finds.

use super::subscriber::show_subscriber;
use crate::care::Act;
use crate::console::Console;
use crate::console::access::{HasReference, require, require_with_form};
use crate::console::form::Posted;
use crate::console::layout::{Section, page};
use crate::console::reference_field::reference_field;
use crate::console::refused::Refused;
use crate::console::viewer::{CONSOLE_KEY, Viewer};
use crate::fault::Failure;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::care::SubscriberSearchRequest;
use serde::Deserialize;

/// `GET /care`: 200 with the form.
pub(in crate::console) async fn show_search(
    State(console): State<Console>,
    viewer: Viewer,
) -> Result<Response, Refused> {
    require(&console, &viewer, Act::SearchSubscriber, None).await?;
    Ok(page(&viewer, "Customer care", Section::Care, search_form(&viewer, None)))
}

#[derive(Deserialize)]
pub(in crate::console) struct SearchForm {
    msisdn: String,
    #[serde(default)]
    reference: String,
    /// Of the next charges.
    #[serde(default)]
    cursor: String,
}

impl HasReference for SearchForm {
    fn reference(&self) -> &str {
        &self.reference
    }
}

/// `POST /care/search`: 200 with the page of the present subscriber; 404 with the form, when the number
/// has none who signed up. For the other refusals see [`crate::care::CareDesk::search`].
pub(in crate::console) async fn search(
    State(console): State<Console>,
    posted: Posted<SearchForm>,
) -> Result<Response, Refused> {
    let (viewer, form, stamp) = require_with_form(&console, posted, Act::SearchSubscriber).await?;
    let msisdn = console.parts.numbers.parse(&form.msisdn);
    let msisdn = msisdn.map_err(|_| Reject::invalid_request("This is not a telephone number."))?;
    let request = SubscriberSearchRequest {
        msisdn: msisdn.clone(),
        actor: stamp.actor,
        role: stamp.role,
        reference: stamp.reference,
        cursor: (!form.cursor.is_empty()).then(|| form.cursor.clone()),
    };
    match console.parts.care.search(None, CONSOLE_KEY.to_owned(), request).await {
        Ok(found) => {
            let body = show_subscriber(&console.parts.config, &viewer, &msisdn, &form.reference, &found);
            Ok(page(&viewer, "Customer", Section::Care, body))
        }
        Err(Failure::Reject(reject)) if reject.code == ErrorCode::AccountNotFound => {
            let form = search_form(&viewer, Some(&reject.message));
            let mut response = page(&viewer, "Customer care", Section::Care, form);
            *response.status_mut() = StatusCode::NOT_FOUND;
            Ok(response)
        }
        Err(failure) => Err(failure.into()),
    }
}

fn search_form(viewer: &Viewer, message: Option<&str>) -> Markup {
    html! {
        @if let Some(message) = message { p class="notice" role="status" { (message) } }
        form class="fields card" method="post" action="/care/search" autocomplete="off" {
            (viewer.csrf_field())
            label {
                "Telephone number"
                input type="tel" name="msisdn" required maxlength="32" autofocus;
            }
            (reference_field("Reference", "The ticket, if there is one. No name and no number of the customer.", "", false))
            button { "Look up" }
            p class="muted small" { "Each look is in the audit, with your id." }
        }
    }
}
