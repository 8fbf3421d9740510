//! A flow as the widget holds it once its number is proven: `secret.mark`, where the mark says who held the number then.
//! A number that changes hands in the minutes until the customer goes on has not been proved by its new holder.

use crate::app::App;
use onbill_domain::digest::sha256;
use onbill_domain::encoding::base64url;

/// Marks a flow for the present holder of its number.
pub(super) fn mark(app: &App, secret: &str, generation: &str) -> String {
    format!("{secret}.{}", base64url(&app.vault.holder_mac(&sha256(secret.as_bytes()), generation)))
}

/// The secret of a flow, marked or not.
pub(super) fn secret(flow: &str) -> &str {
    flow.split_once('.').map_or(flow, |(secret, _)| secret)
}

/// Whether the flow was marked for this holder. Both sides are keyed hashes: the time this takes tells nothing.
pub(super) fn is_marked_for(app: &App, flow: &str, generation: &str) -> bool {
    flow == mark(app, secret(flow), generation)
}
