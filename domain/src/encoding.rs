//! Strict base64: unpadded base64url for JWS and keys (RFC 7515 §2), and padded base64 where others
//! ask for it. The other padding, white space, the other alphabet and trailing bits are refused, so
//! that one value has one spelling.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Encodes as unpadded base64url.
pub fn encode_base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes unpadded base64url; `None` for any other spelling.
pub fn decode_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Encodes as padded base64, the form of byte sequences in structured fields (RFC 9651 §4.1.8).
pub fn encode_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes padded base64; `None` for any other spelling.
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The text with the last bits of its padded base64 set: they belong to no byte.
    pub(crate) fn with_stray_bits(text: &str) -> String {
        const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let at = text.trim_end_matches([':', '=']).len();
        let last = ALPHABET.find(&text[at - 1..at]).expect("is base64");
        format!("{}{}{}", &text[..at - 1], &ALPHABET[last + 1..last + 2], &text[at..])
    }

    #[test]
    fn base64_is_padded() {
        assert_eq!(decode_base64("/+8=").as_deref(), Some(&[0xff, 0xef][..]));
        for other in ["/+8", "_-8=", "/+9=", " /+8="] {
            assert_eq!(decode_base64(other), None, "{other:?}");
        }
    }

    #[test]
    fn base64url_has_one_spelling() {
        assert_eq!(decode_base64url("_-8").as_deref(), Some(&[0xff, 0xef][..]));
        for other in ["_-8=", "_-9", "/+8", " _-8", "_-8\n", "_"] {
            assert_eq!(decode_base64url(other), None, "{other:?}");
        }
    }
}
