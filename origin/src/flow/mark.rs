//! The mark of a flow whose number is proven: `secret.mark`, where the mark is of the subscriber who
//! had the number then. If the number changes hands before the customer continues, the new subscriber
//! has not proven it.
//!
//! The flow of the last step has a third part: the hash of the words that the step shows.

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
    let secret = secret_of(flow);
    let mark = flow.split('.').nth(1).unwrap_or_default();
    format!("{secret}.{mark}") == mark_flow(vault, secret, subscriber_ref)
}

/// Adds to a marked flow which words its customer is shown.
pub(super) fn add_agreement(flow: &str, words: &[u8; 32]) -> String {
    format!("{flow}.{}", encode_base64url(words))
}

/// The same flow with other words, which its customer is shown instead.
pub(crate) fn replace_agreement(flow: &str, words: &[u8; 32]) -> String {
    let marked = flow.match_indices('.').nth(1).map_or(flow, |(end, _)| &flow[..end]);
    add_agreement(marked, words)
}

/// Whether these are the words that the flow's customer was shown. No secret is compared: a
/// customer who writes another hash into a flow only fails to agree.
pub(crate) fn is_agreed_in(flow: &str, words: &[u8; 32]) -> bool {
    flow.split('.').nth(2) == Some(encode_base64url(words).as_str())
}

/// The secret of a flow, marked or not.
pub(crate) fn secret_of(flow: &str) -> &str {
    flow.split_once('.').map_or(flow, |(secret, _)| secret)
}

/// 400 `token-expired`, for a flow that does not prove its number, or no longer does.
pub(crate) fn flow_expired() -> Reject {
    Reject::new(ErrorCode::TokenExpired, "The visit has expired: start again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_words_leave_secret_and_mark() {
        for flow in ["secret.mark", "secret.mark.words", "secret.mark.words.more", "secret.mark."] {
            let replaced = replace_agreement(flow, &[7; 32]);
            assert_eq!(replaced, add_agreement("secret.mark", &[7; 32]), "{flow}");
            assert!(is_agreed_in(&replaced, &[7; 32]) && !is_agreed_in(flow, &[7; 32]));
        }
    }
}
