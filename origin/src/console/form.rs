//! What a form of the console posts: from this session, from this site, and of a bounded size.

use super::Console;
use super::refused::{Refused, forbidden};
use super::viewer::Viewer;
use axum::Form;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use http::header::ORIGIN;
use onbill_domain::limits::BODY_BYTES_MAX;
use onbill_domain::reject::{ErrorCode, Reject};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A form that a viewer has posted. Whether they may do it is checked before its fields are.
pub(crate) struct Posted<T> {
    pub(crate) viewer: Viewer,
    pub(crate) form: Result<T, Reject>,
}

#[derive(Deserialize)]
struct TokenField {
    #[serde(default)]
    csrf: String,
}

/// 1. A session that can be used: 401.
/// 2. A browser that says where the form is from says that it is from here, and the form has the token
///    of the session: 403 `forbidden`. Its contents are not read before.
/// 3. The fields, for the act to read.
impl<T: DeserializeOwned> FromRequest<Console> for Posted<T> {
    type Rejection = Response;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Response> {
        // 1.
        let (mut parts, body) = request.into_parts();
        let viewer = Viewer::from_request_parts(&mut parts, console).await?;
        // 2.
        if !is_from_here(console, &parts.headers) {
            return Err(forbidden("The form is not from this console.").into_response());
        }
        let body = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| {
            Refused::from(Reject::new(ErrorCode::BodyTooLarge, "The form is too large.")).into_response()
        })?;
        let with_body = |parts| Request::from_parts(parts, Body::from(body.clone()));
        let token = Form::<TokenField>::from_request(with_body(parts.clone()), &()).await;
        let given = token.map(|Form(token)| token.csrf).unwrap_or_default();
        if !viewer.csrf.matches(&given) {
            let message = "The form is from another session. Open the page again, and nothing is lost.";
            return Err(forbidden(message).into_response());
        }
        // 3.
        let form = Form::<T>::from_request(with_body(parts), &()).await;
        let form = form.map(|Form(form)| form);
        let form = form.map_err(|_| Reject::invalid_request("A field of the form is missing or malformed."));
        Ok(Self { viewer, form })
    }
}

/// Browsers name the site of a page with every POST; other programs may not, and have no session of a
/// person's either.
fn is_from_here(console: &Console, headers: &HeaderMap) -> bool {
    headers.get(ORIGIN).is_none_or(|origin| origin.as_bytes() == console.sign_in.console_url().as_bytes())
}
