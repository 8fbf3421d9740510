//! A flow as the widget holds it once its number is proven: `secret.mark`, where the mark says who held the number then.
//! A number that changes hands in the minutes until the customer goes on has not been proved by its new holder.

use crate::app::App;
use crate::fault::{Failure, Fault};
use crate::routes::standing;
use crate::store::Flow;
use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::{ErrorCode, Reject};

/// Marks a flow for the present holder of its number.
pub(super) fn mark(app: &App, secret: &str, generation: &str) -> String {
    format!("{secret}.{}", encode_base64url(&app.vault.holder_mac(&sha256(secret.as_bytes()), generation)))
}

/// The secret of a flow, marked or not.
pub(super) fn secret(flow: &str) -> &str {
    flow.split_once('.').map_or(flow, |(secret, _)| secret)
}

/// Whether the flow was marked for this holder. Both sides are keyed hashes: the time this takes tells nothing.
pub(super) fn is_marked_for(app: &App, flow: &str, generation: &str) -> bool {
    flow == mark(app, secret(flow), generation)
}

/// A flow that is proven and open, and its number: 400 `token-expired` otherwise. One that was proven by a PIN is proven no
/// more when its number has got another SIM since: 400 `account-not-eligible`. Whose mark it has is not looked at yet.
pub(super) async fn find(app: &App, flow: &str) -> Result<(Flow, Msisdn), Failure> {
    let found = app.store.proven_flow(app.now(), sha256(secret(flow).as_bytes())).await?;
    let found = found.ok_or_else(expired)?;
    if found.by_pin {
        standing::check_sim(app, found.number.index).await?;
    }
    let msisdn =
        app.vault.open_number(&found.number.sealed).ok_or(Fault::Broken("a sealed number does not open"))?;
    Ok((found, msisdn))
}

/// The refusal of a flow that proves nothing, or nothing any more.
pub(super) fn expired() -> Reject {
    Reject::new(ErrorCode::TokenExpired, "The visit has expired: start again.")
}
