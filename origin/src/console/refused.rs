//! A refusal as a person reads it. A failure of ours is logged where the answer is made, as for a call.

use super::layout::bare_page;
use crate::call_outcome::CallOutcome;
use crate::fault::Failure;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use onbill_domain::reject::{ErrorCode, Reject};

/// Why a page is not shown, or an act not done.
pub(crate) struct Refused(Failure);

impl<E: Into<Failure>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl Refused {
    /// Why, unless it is a failure of ours.
    pub(super) fn reject(&self) -> Option<&Reject> {
        match &self.0 {
            Failure::Reject(reject) => Some(reject),
            Failure::Fault(_) => None,
        }
    }

    fn show(self, back: &Markup) -> Response {
        let text = self.reject().map_or(
            "onbill or a system behind it does not answer. Try again in a minute.".to_owned(),
            |reject| reject.message.clone(),
        );
        let title = title_of(self.reject().map(|reject| reject.code));
        let mut answered = self.0.into_response();
        let body = html! {
            p { (text) }
            (back)
        };
        let mut page = bare_page("onbill", title, &body);
        *page.status_mut() = answered.status();
        if let Some(outcome) = answered.extensions_mut().remove::<CallOutcome>() {
            page.extensions_mut().insert(outcome);
        }
        page
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        self.show(&to_first_page())
    }
}

fn to_first_page() -> Markup {
    html! { p { a class="button" href="/" { "Back to the console" } } }
}

/// What an act has led to. If it was refused, its page leads `back` to where the person was; one who may not
/// do it may not be there either.
pub(super) fn or_lead_back(shown: Result<Response, Refused>, back: &Markup) -> Response {
    shown.unwrap_or_else(|refused| {
        let is_forbidden = refused.reject().is_some_and(|reject| reject.code == ErrorCode::Forbidden);
        if is_forbidden { refused.into_response() } else { refused.show(back) }
    })
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
