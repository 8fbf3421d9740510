//! `GET /`: the page for a person who opens the edge's address. It says what this server is, and
//! nothing of the deployment.

use crate::call::Call;
use crate::fault::{Fault, HandlerError};
use crate::page::engineers_page;
use crate::platform::Platform;
use bytes::Bytes;
use http::Response;
use onbill_domain::accept::accepts_html;
use onbill_domain::reject::{ErrorCode, Reject};

const CONTENT: &str = "<h1>onbill edge</h1>\n<p>This server lets customers of a mobile operator pay partners on the phone bill. It serves \
    <a href=\"/widget/v1/onbill.js\">the widget</a> and the partners’ API.</p>\n\
    <p><a href=\"/healthz\">Health</a></p>\n\
    <p>How to use it is in <code>README.md</code> and <code>docs/</code> of its release.</p>";

/// 1. The caller does not name HTML → 404, as on any other path that has nothing.
/// 2. 200 with the page, in English: it is for those who run the server, and customers never come
///    here.
pub(crate) fn get_start<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    if !accepts_html(call.request.headers()) {
        return Err(Reject::new(ErrorCode::NotFound, "There is nothing at this path.").into());
    }
    // 2.
    let random = call.platform.random_bytes().ok_or(Fault::NoRandomness)?;
    Ok(engineers_page("onbill edge", CONTENT, random))
}
