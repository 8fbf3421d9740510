//! The text that a customer agrees to with an offer. It is read with the configuration, so that an
//! origin which cannot say what was agreed does not start.

use onbill_domain::digest::sha256;
use onbill_domain::ids::ExtId;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The terms of an offer: `{ id = "2026-11", file = "terms-2026-11.txt" }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "TermsFields")]
pub struct Terms {
    /// The operator's name of this version.
    pub id: ExtId,
    /// Where the text is.
    pub file: PathBuf,
    /// The SHA-256 of the file.
    #[serde(skip_serializing)]
    pub sha256: [u8; 32],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TermsFields {
    id: ExtId,
    file: PathBuf,
}

impl TryFrom<TermsFields> for Terms {
    type Error = String;

    fn try_from(TermsFields { id, file }: TermsFields) -> Result<Self, String> {
        let text = std::fs::read(&file)
            .map_err(|error| format!("terms {id}: {} cannot be read: {error}", file.display()))?;
        if text.trim_ascii().is_empty() {
            return Err(format!("terms {id}: {} is empty", file.display()));
        }
        Ok(Self { id, file, sha256: sha256(&text) })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::file::Config;
    use crate::config::file::tests::GOOD;
    use onbill_domain::digest::sha256;
    use std::path::Path;

    fn read(lines: &str) -> Result<Config, String> {
        let plan = "plan = \"standard\"";
        let config = Config::parse(&GOOD.replace(plan, &format!("{plan}\n{lines}")))?;
        config.check().map(|()| config)
    }

    fn with_terms(file: &Path) -> String {
        format!(
            "terms_url = \"https://acme.example/terms\"\nterms = {{ id = \"2026-11\", file = {:?} }}",
            file.display().to_string()
        )
    }

    #[test]
    fn terms_have_the_hash_of_their_file() {
        let file = std::env::temp_dir().join(format!("onbill-terms-{}.txt", std::process::id()));
        std::fs::write(&file, "You pay every month.\n").expect("is writable");
        let config = read(&with_terms(&file)).expect("is sound");
        let terms = config.offers[0].terms.clone().expect("is there");
        assert_eq!((terms.id.as_str(), terms.sha256), ("2026-11", sha256(b"You pay every month.\n")));
        let complaint = read(&with_terms(&file).replace("terms_url", "privacy_url")).expect_err("is unseen");
        assert!(complaint.contains("terms need a terms_url"), "{complaint}");
        std::fs::write(&file, " \n").expect("is writable");
        let complaint = read(&with_terms(&file)).expect_err("is empty");
        assert!(complaint.contains("is empty"), "{complaint}");
        std::fs::remove_file(&file).expect("is ours");
        let complaint = read(&with_terms(&file)).expect_err("is missing");
        let named = format!("terms 2026-11: {} cannot be read: ", file.display());
        assert!(complaint.contains(&named), "{complaint}");
    }

    #[test]
    fn pages_to_read_are_https() {
        for (lines, complaint) in [
            ("terms_url = \"http://acme.example/terms\"", "offer netflix-standard: terms_url"),
            ("privacy_url = \"javascript:alert(1)\"", "offer netflix-standard: privacy_url"),
            ("privacy_url = \"acme.example/privacy\"", "offer netflix-standard: privacy_url"),
            ("taxes = \"some\"", "some"),
            ("terms = \"2026-11\"", "invalid type"),
        ] {
            let mistakes = read(lines).expect_err(lines);
            assert!(mistakes.contains(complaint), "{mistakes}");
        }
        assert!(read("privacy_url = \"https://acme.example/privacy\"\ntaxes = \"added\"").is_ok());
        let top = |line: &str| Config::parse(&format!("{line}\n{GOOD}")).and_then(|config| config.check());
        assert_eq!(top("taxes = \"included\"\naccount_url = \"https://my.acme.example/account\""), Ok(()));
        assert!(top("account_url = \"http://my.acme.example/\"").expect_err("is plain").contains("https"));
    }
}
