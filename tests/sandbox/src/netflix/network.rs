//! The network to which a SIM belongs, as the SIM has it.

use serde::{Deserialize, Deserializer, de};
use std::fmt;

/// MCC and MNC of a network (ITU-T E.212): five or six digits, as Android's `getSimOperator()`
/// returns them. It is the network of the SIM's operator, whatever network the device is in at the
/// moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkCode(String);

impl NetworkCode {
    /// Parses `00101` and, as people write it, `001-01`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (mcc, mnc) = match text.split_once('-') {
            Some(parts) => parts,
            None => text.split_at_checked(3)?,
        };
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let well_formed = mcc.len() == 3 && (2..=3).contains(&mnc.len()) && digits(mcc) && digits(mnc);
        well_formed.then(|| Self(format!("{mcc}{mnc}")))
    }
}

impl fmt::Display for NetworkCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", &self.0[..3], &self.0[3..])
    }
}

impl<'de> Deserialize<'de> for NetworkCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a network code such as 001-01"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_code_is_parsed_in_both_spellings() {
        for (text, code) in
            [("00101", "001-01"), ("001-01", "001-01"), (" 310-260 ", "310-260"), ("310260", "310-260")]
        {
            assert_eq!(NetworkCode::parse(text).map(|code| code.to_string()).as_deref(), Some(code));
        }
        // An MNC of two digits is another network than the same with a zero before it.
        assert_ne!(NetworkCode::parse("00101"), NetworkCode::parse("001001"));
        for bad in ["", "0010", "0010101", "001-1", "01-001", "001--1", "é101", "001 01", "00l01"] {
            assert_eq!(NetworkCode::parse(bad), None, "{bad}");
        }
    }
}
