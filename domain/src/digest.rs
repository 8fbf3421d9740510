//! `content-digest` of a body (RFC 9530 §2), sha-256 only, and the fingerprint of a request's contents.

use crate::encoding::encode_base64;
use sfv::{BareItem, Dictionary, ListEntry, Parser};
use sha2::{Digest, Sha256};

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The header value for `body`.
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", encode_base64(&sha256(body)))
}

/// Whether the header value names the sha-256 of `body`. Other algorithms beside it are ignored, as the RFC asks.
pub fn matches_content_digest(header: &str, body: &[u8]) -> bool {
    let Ok(dictionary) = Parser::new(header).parse::<Dictionary>() else { return false };
    let Some(ListEntry::Item(item)) = dictionary.get("sha-256") else { return false };
    matches!(&item.bare_item, BareItem::ByteSequence(value) if value[..] == sha256(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_example_of_rfc_9530() {
        // RFC 9530, appendix A: the JSON object with a trailing newline.
        let body = b"{\"hello\": \"world\"}\n";
        let header = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
        assert_eq!(content_digest(body), header);
        assert!(matches_content_digest(header, body));
        assert!(matches_content_digest(&format!("sha-512=:AAAA:, {header}"), body));
        assert!(!matches_content_digest(header, b"{}"));
        assert!(!matches_content_digest("sha-512=:AAAA:", body));
        assert!(!matches_content_digest("", body));
    }
}
