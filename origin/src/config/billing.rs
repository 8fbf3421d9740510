//! `billing`: how charges reach the operator's billing, and what its own codes mean.

use super::sources::Billing;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::limits::RAW_CODE_CHARS_MAX;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// `billing = "files"`, or a section with the codes: `[billing]`, of which `by` is that word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BillingSettings {
    /// How charges and refunds reach billing.
    pub by: Billing,
    /// The meaning of billing's own codes.
    pub codes: BillingCodes,
}

/// What billing's own codes mean: the reason for which a charge with this code is declined.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BillingCodes(BTreeMap<String, DeclineReason>);

impl BillingCodes {
    /// The reason for a code, exactly as billing sends it.
    pub fn find(&self, raw_code: &str) -> Option<DeclineReason> {
        self.0.get(raw_code).copied()
    }
}

impl FromIterator<(String, DeclineReason)> for BillingCodes {
    fn from_iter<I: IntoIterator<Item = (String, DeclineReason)>>(codes: I) -> Self {
        Self(codes.into_iter().collect())
    }
}

/// The section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    #[serde(default)]
    by: Billing,
    #[serde(default)]
    codes: BillingCodes,
}

impl<'de> Deserialize<'de> for BillingSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrSection;

        impl<'de> Visitor<'de> for WordOrSection {
            type Value = BillingSettings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"csp\", \"files\" or a section [billing]")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<BillingSettings, E> {
                let by = Billing::deserialize(serde::de::value::StrDeserializer::new(word))?;
                Ok(BillingSettings { by, codes: BillingCodes::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BillingSettings, A::Error> {
                let Section { by, codes } = Section::deserialize(MapAccessDeserializer::new(map))?;
                Ok(BillingSettings { by, codes })
            }
        }

        deserializer.deserialize_any(WordOrSection)
    }
}

impl<'de> Deserialize<'de> for BillingCodes {
    /// A reason that closes the PAI is refused: a mistake in this table would cut customers off
    /// permanently. The account, which is looked up before each charge, decides about that.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = BTreeMap::<String, String>::deserialize(deserializer)?;
        let codes = written.into_iter().map(|(code, word)| {
            let is_code = (1..=RAW_CODE_CHARS_MAX).contains(&code.chars().count())
                && code.trim() == code
                && !code.chars().any(char::is_control);
            if !is_code {
                return Err(D::Error::custom(format!(
                    "billing.codes: {code:?} is no code: 1 to {RAW_CODE_CHARS_MAX} characters without \
                     blanks around them"
                )));
            }
            match DeclineReason::parse(&word) {
                Some(reason) if reason.closes_pai() => Err(D::Error::custom(format!(
                    "billing.codes: {code:?} cannot mean {word}, which ends the subscriber's PAI permanently: \
                     only account/validate, an account event or close-pai does that"
                ))),
                Some(reason) => Ok((code, reason)),
                None => Err(D::Error::custom(format!(
                    "billing.codes: {code:?} means {word:?}, which is no decline reason; one of {}",
                    list_reasons()
                ))),
            }
        });
        codes.collect()
    }
}

/// The reasons that a code can mean.
fn list_reasons() -> String {
    let open = DeclineReason::ALL.into_iter().filter(|reason| !reason.closes_pai());
    open.map(DeclineReason::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file::Config;
    use crate::config::file::tests::GOOD;

    fn read(more: &str) -> Result<BillingSettings, String> {
        Config::parse(&format!("{GOOD}\n{more}")).map(|config| config.billing)
    }

    #[test]
    fn billing_is_a_word_or_a_section() {
        assert_eq!(read(""), Ok(BillingSettings::default()));
        let word = GOOD.replace("database =", "billing = \"files\"\ndatabase =");
        assert_eq!(Config::parse(&word).map(|config| config.billing.by), Ok(Billing::Files));
        assert_eq!(read("[billing]\nby = \"files\"").map(|billing| billing.by), Ok(Billing::Files));
        let codes = read("[billing.codes]\n\"4012\" = \"insufficient-balance\"\nE-7 = \"account-on-hold\"");
        let codes = codes.expect("is sound").codes;
        assert_eq!(codes.find("4012"), Some(DeclineReason::InsufficientBalance));
        assert_eq!(codes.find("E-7"), Some(DeclineReason::AccountOnHold));
        assert_eq!(codes.find("e-7"), None);
        assert_eq!(codes.find("401"), None);
        let twice = format!("{word}\n[billing.codes]\n\"4012\" = \"account-on-hold\"");
        assert!(Config::parse(&twice).is_err_and(|refused| refused.contains("write [billing] by =")));
        for bad in ["[billing]\nby = \"pigeon\"", "[billing]\nbuy = \"csp\"", "[billing.codes]\n1 = 2"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn code_cannot_mean_the_end_of_a_pai() {
        for reason in DeclineReason::ALL {
            let refused = read(&format!("[billing.codes]\n\"4012\" = \"{}\"", reason.as_str()));
            if reason.closes_pai() {
                let refused = refused.expect_err(reason.as_str());
                assert!(refused.contains("\"4012\" cannot mean"), "{refused}");
            } else {
                assert_eq!(refused.expect("is sound").codes.find("4012"), Some(reason));
            }
        }
        for (code, word, complaint) in [
            ("4012", "no-money", "is no decline reason; one of"),
            ("4012", "", "is no decline reason"),
            ("4012", "Insufficient-Balance", "is no decline reason"),
            ("", "account-on-hold", "is no code"),
            (" 4012", "account-on-hold", "is no code"),
            ("40\\n12", "account-on-hold", "is no code"),
            (&"4".repeat(65), "account-on-hold", "is no code"),
        ] {
            let refused = read(&format!("[billing.codes]\n\"{code}\" = \"{word}\"")).expect_err(complaint);
            assert!(refused.contains(complaint), "{refused}");
        }
    }
}
