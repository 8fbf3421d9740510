//! The `x-correlator` of a call: echoed to the caller, and in every log line of edge and origin.

use std::fmt;

/// The name of the header field.
pub const HEADER: &str = "x-correlator";

/// A correlator, which matches `^[a-zA-Z0-9-_:;.\/<>{}]{0,256}$`.
#[derive(Clone, PartialEq, Eq)]
pub struct Correlator(String);

impl Correlator {
    /// Parses a received value; the response to a malformed one is 400 `invalid-request`.
    pub fn parse(text: &str) -> Option<Self> {
        let well_formed = text.len() <= 256
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_:;./<>{}".contains(&b));
        well_formed.then(|| Self(text.to_owned()))
    }

    /// Makes a correlator of fresh random bytes, for a call without one.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string())
    }

    /// The correlator as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Correlator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Correlator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlator_takes_what_the_contract_allows() {
        assert!(Correlator::parse("b4333c46-49c0-4f62-80d7-f0ef930f1c46;a:<x>{y}/z.").is_some());
        assert!(Correlator::parse("").is_some());
        for bad in ["a b", "a\r\nx-evil: 1", "é", "a=b", &"a".repeat(257)] {
            assert!(Correlator::parse(bad).is_none(), "{bad:?}");
        }
    }
}
