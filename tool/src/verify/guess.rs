//! What a signer may have signed instead. The signature says that it is not for the right signature
//! base; it does not say for which. Each usual mistake gives another base, and the one that the
//! signature is valid for names the mistake.

use crate::base::{Component, base_text};
use onbill_domain::digest::{content_digest, sha256};
use onbill_domain::encoding::encode_base64url;
use onbill_domain::key::{Key, hmac_sha256};
use percent_encoding::percent_decode_str;

/// A signature that is not for the right signature base.
pub(super) struct Puzzle<'a> {
    pub(super) key: &'a Key,
    pub(super) signature: &'a [u8],
    /// The components that the signature says it covers, with their right values.
    pub(super) components: &'a [Component],
    pub(super) params: &'a str,
    /// Other spellings of the authority.
    pub(super) hosts: &'a [String],
    pub(super) body: &'a [u8],
}

impl Puzzle<'_> {
    /// The mistake for which the signature is valid, in a sentence; `None` when it is none of the
    /// usual ones.
    pub(super) fn find_mistake(&self) -> Option<String> {
        let variants = self.variants();
        for (n, first) in variants.iter().enumerate() {
            if self.is_valid_with(&[first]) {
                return Some(format!("it is valid if {}", self.describe(first)));
            }
            // Two mistakes at once: a proxy in front changes host and path together.
            let others = variants[n + 1..].iter().filter(|second| second.0 != first.0);
            for second in others {
                if self.is_valid_with(&[first, second]) {
                    let (first, second) = (self.describe(first), self.describe(second));
                    return Some(format!("it is valid if {first} and {second}"));
                }
            }
        }
        self.find_mistake_of_form(&base_text(self.components, self.params))
    }

    /// Other values of the components, each with the position of its component.
    fn variants(&self) -> Vec<(usize, String)> {
        let mut variants = Vec::new();
        for (at, (name, right)) in self.components.iter().enumerate() {
            let values = self.other_values(name, right).into_iter().filter(|value| value != right);
            variants.extend(values.map(|value| (at, value)));
        }
        variants
    }

    fn is_valid_with(&self, variants: &[&(usize, String)]) -> bool {
        let mut components = self.components.to_vec();
        for (at, value) in variants {
            components[*at].1.clone_from(value);
        }
        self.key.verify(base_text(&components, self.params).as_bytes(), self.signature)
    }

    fn describe(&self, (at, value): &(usize, String)) -> String {
        format!("\"{}\" is {value:?}", self.components[*at].0)
    }

    /// Values that the signer may have taken for this component.
    fn other_values(&self, name: &str, right: &str) -> Vec<String> {
        let decoded = || percent_decode_str(right).decode_utf8_lossy().into_owned();
        match name {
            "@method" => vec![right.to_lowercase()],
            "@authority" => {
                let host = right.split(':').next().unwrap_or_default();
                let mut values = vec![host.to_owned(), format!("{host}:443"), format!("{host}:80")];
                values.extend(self.hosts.iter().cloned());
                values
            }
            "@path" => vec![
                decoded(),
                change_escapes(right, u8::to_ascii_lowercase),
                change_escapes(right, u8::to_ascii_uppercase),
                right.trim_end_matches('/').to_owned(),
                format!("{right}/"),
                format!("{right}{}", self.value_of("@query")),
                String::new(),
            ],
            "@query" => vec![
                String::new(),
                "?".to_owned(),
                right.trim_start_matches('?').to_owned(),
                decoded(),
                right.replace("%20", "+"),
                right.replace('+', "%20"),
            ],
            "content-digest" => other_digests(self.body),
            "content-type" => {
                let bare = right.split(';').next().unwrap_or_default().trim();
                let spaced = format!("{bare}; charset=utf-8");
                vec![bare.to_owned(), spaced, format!("{bare};charset=UTF-8"), String::new()]
            }
            _ => Vec::new(),
        }
    }

    fn value_of(&self, name: &str) -> &str {
        self.components.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value.as_str())
    }

    /// Mistakes in the form of the whole text, or in what is done with it.
    fn find_mistake_of_form(&self, base: &str) -> Option<String> {
        let params_at = base.rfind('\n').map_or(0, |at| at + 1);
        let bases = [
            ("the base ends with a newline: the last line must not", format!("{base}\n")),
            ("the lines of the base end with CRLF: they must end with LF", base.replace('\n', "\r\n")),
            (
                "the line \"@signature-params\" is missing in the base",
                base[..params_at].trim_end().to_owned(),
            ),
            (
                "the line \"@signature-params\" has the label: its value begins with (",
                base.replace("\"@signature-params\": ", "\"@signature-params\": sig1="),
            ),
            ("the names in the base are without quotes", unquote_names(base)),
        ];
        for (what, other) in bases {
            if self.key.verify(other.as_bytes(), self.signature) {
                return Some(what.to_owned());
            }
        }
        if self.key.verify(&sha256(base.as_bytes()), self.signature) {
            return Some("the SHA-256 of the base is signed: sign the base itself".to_owned());
        }
        let secret_text = encode_base64url(self.key.secret()?);
        let of_text = hmac_sha256(secret_text.as_bytes(), base.as_bytes());
        (of_text[..] == *self.signature)
            .then(|| "the secret is used as text: decode it from base64url first".to_owned())
    }
}

fn other_digests(body: &[u8]) -> Vec<String> {
    const BOM: &[u8] = b"\xef\xbb\xbf";
    let digest = content_digest(body);
    let bare = digest.trim_start_matches("sha-256=").to_owned();
    vec![
        content_digest(body.strip_prefix(BOM).unwrap_or(body)),
        content_digest(&[BOM, body].concat()),
        content_digest(&[body, b"\n"].concat()),
        content_digest(body.trim_ascii()),
        content_digest(b""),
        bare,
        digest,
    ]
}

/// The path with the letters of its percent-escapes in the other case.
fn change_escapes(path: &str, change: fn(&u8) -> u8) -> String {
    let mut digits_left = 0;
    let bytes = path.bytes().map(|byte| {
        if byte == b'%' {
            digits_left = 2;
            return byte;
        }
        if digits_left > 0 {
            digits_left -= 1;
            return change(&byte);
        }
        byte
    });
    String::from_utf8(bytes.collect()).unwrap_or_default()
}

fn unquote_names(base: &str) -> String {
    let unquote = |line: &str| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}", name.trim_matches('"')),
        None => line.to_owned(),
    };
    base.split('\n').map(unquote).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_change_and_letters_stay() {
        assert_eq!(change_escapes("/Ab%2F%c3%BCx", u8::to_ascii_lowercase), "/Ab%2f%c3%bcx");
        assert_eq!(change_escapes("/ab%2f%", u8::to_ascii_uppercase), "/ab%2F%");
    }
}
