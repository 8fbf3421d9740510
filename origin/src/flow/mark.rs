//! The mark of a flow whose number is proven: `secret.mark`, where the mark is of the subscriber who
//! had the number then. If the number changes hands before the customer continues, the new subscriber
//! has not proven it.

use crate::keys::Vault;
use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::reject::{ErrorCode, Reject};

/// Marks a flow for the present subscriber of its number.
pub(super) fn mark_flow(vault: &Vault, secret: &str, subscriber_ref: &str) -> String {
    let mac = vault.subscriber_mac(&sha256(secret.as_bytes()), subscriber_ref);
    format!("{secret}.{}", encode_base64url(&mac))
}

/// Whether the flow was marked for this subscriber. Both sides are keyed hashes, so the duration of
/// the comparison reveals nothing.
pub(super) fn is_marked_for(vault: &Vault, flow: &str, subscriber_ref: &str) -> bool {
    flow == mark_flow(vault, secret_of(flow), subscriber_ref)
}

/// The secret of a flow, marked or not.
pub(crate) fn secret_of(flow: &str) -> &str {
    flow.split_once('.').map_or(flow, |(secret, _)| secret)
}

/// 400 `token-expired`, for a flow that does not prove its number, or no longer does.
pub(crate) fn flow_expired() -> Reject {
    Reject::new(ErrorCode::TokenExpired, "The visit has expired: start again.")
}
