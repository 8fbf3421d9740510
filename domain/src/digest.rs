//! The `content-digest` of a body (RFC 9530 §2), with sha-256 only.

use crate::encoding::encode_base64;
use sfv::{Dictionary, Parser};
use sha2::{Digest, Sha256};

/// The SHA-256 hash of `bytes` (FIPS 180-4).
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The value of `content-digest` for `body`.
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", encode_base64(&sha256(body)))
}

/// Whether the value of `content-digest` has the sha-256 of `body`, once and in its one spelling.
/// Other algorithms are ignored, as RFC 9530 §2 allows.
pub fn matches_content_digest(header: &str, body: &[u8]) -> bool {
    if Parser::new(header).parse::<Dictionary>().is_err() {
        return false;
    }
    // No digest has a comma in it: of a header that parses, these are the members.
    let members = header.split(',').map(str::trim);
    members.filter(|member| member.split(['=', ';']).next() == Some("sha-256")).eq([content_digest(body)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_digest_agrees_with_rfc_9530_example() {
        // RFC 9530, appendix A: the JSON object with a trailing newline.
        let body = b"{\"hello\": \"world\"}\n";
        let header = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
        assert_eq!(content_digest(body), header);
        assert!(matches_content_digest(header, body));
        assert!(matches_content_digest(&format!("sha-512=:AAAA:, {header}"), body));
        assert!(!matches_content_digest(header, b"{}"));
        assert!(!matches_content_digest("sha-512=:AAAA:", body));
        assert!(!matches_content_digest("", body));
        for other in [
            format!("{header}, {header}"),
            format!("sha-256=:AAAA:, {header}"),
            format!("{header}, sha-256"),
            format!("{header};x=1"),
            header.replace("bDg=:", "bDh=:"),
            header.replace("bDg=:", "bDg:"),
        ] {
            assert!(!matches_content_digest(&other, body), "{other}");
        }
    }
}
