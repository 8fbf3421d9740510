//! A refusal as a person reads it. A failure of ours is logged where the answer is made, as for a call.

use super::layout::bare_page;
use crate::call_outcome::CallOutcome;
use crate::fault::Failure;
use axum::response::{IntoResponse, Response};
use maud::html;
use onbill_domain::reject::{ErrorCode, Reject};

/// Why a page is not shown, or an act not done.
pub(crate) struct Refused(Failure);

impl<E: Into<Failure>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let text = match &self.0 {
            Failure::Reject(reject) => reject.message.clone(),
            Failure::Fault(_) => {
                "onbill or a system behind it does not answer. Try again in a minute.".to_owned()
            }
        };
        let code = match &self.0 {
            Failure::Reject(reject) => Some(reject.code),
            Failure::Fault(_) => None,
        };
        let mut answered = self.0.into_response();
        let title = title_of(code);
        let body = html! {
            p { (text) }
            p { a class="button" href="/" { "Back to the console" } }
        };
        let mut page = bare_page("onbill", title, &body);
        *page.status_mut() = answered.status();
        if let Some(outcome) = answered.extensions_mut().remove::<CallOutcome>() {
            page.extensions_mut().insert(outcome);
        }
        page
    }
}

fn title_of(code: Option<ErrorCode>) -> &'static str {
    match code {
        Some(ErrorCode::Forbidden) => "You may not do this",
        Some(ErrorCode::NotFound | ErrorCode::AccountNotFound | ErrorCode::PaiNotFound) => "Not found",
        Some(_) => "This was not done",
        None => "Something failed",
    }
}

/// 403: a person who may not do it, or a form that is not from here.
pub(super) fn forbidden(message: &str) -> Refused {
    Refused::from(Reject::new(ErrorCode::Forbidden, message))
}
