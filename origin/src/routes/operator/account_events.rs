//! `POST /operator/v1/account-events`: something happened to an account.

use crate::app::App;
use crate::fault::Failure;
use crate::lifecycle::event::{Followed, follow};
use crate::routes::authentic::OperatorCall;
use axum::Json;
use axum::extract::State;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::operator::{AccountEventRequest, AccountEventResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 200 with what became of the event, now and to every repetition; 400 `invalid-request`; 422 `idempotency-violation`
/// when the same eventID came before with other contents.
pub(in crate::routes) async fn post_account_event(
    State(app): State<Arc<App>>,
    call: OperatorCall,
) -> Result<Json<AccountEventResponse>, Failure> {
    let mut request: AccountEventRequest = parse(&call.body)?;
    request.msisdn = app.numbers.spell(&request.msisdn);
    request.new_msisdn = request.new_msisdn.map(|number| app.numbers.spell(&number));
    request.check(app.now())?;
    let event_id = request.event_id.clone();
    match follow(&app.vault, &*app.random, &*app.store, app.now(), Some(call.nonce), &request).await? {
        Followed::Recorded(outcome) => {
            app.ring_outbox();
            Ok(Json(AccountEventResponse { event_id, outcome }))
        }
        Followed::Conflict => {
            let message = "eventID was used for another event.";
            Err(Reject::new(ErrorCode::IdempotencyViolation, message).into())
        }
    }
}
