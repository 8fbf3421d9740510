//! An operator of the United States that sells two partners, for the tests of the files.

use super::{Problem, Rules};
use crate::config::NumberPlan;
use crate::keys::Vault;
use onbill_domain::currency::Currency;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::ids::PartnerId;
use onbill_domain::key::Keyring;
use onbill_domain::timestamp::Timestamp;
use serde_json::json;

pub(super) struct TestRules {
    vault: Vault,
    partners: Vec<PartnerId>,
    currencies: Vec<Currency>,
}

impl TestRules {
    pub(super) fn new() -> Self {
        let secret = encode_base64url(&[1; 32]);
        let ring = json!([{"id": "n", "party": "operator:acme", "use": "numbers", "alg": "hmac-sha256",
                           "secret": secret}]);
        let ring = Keyring::parse(&ring.to_string()).expect("is well formed");
        Self {
            vault: Vault::new(&ring).expect("has its key"),
            partners: ["netflix", "tunes"].map(|id| PartnerId::parse(id).expect("is a slug")).to_vec(),
            currencies: vec![Currency::parse("USD").expect("is listed")],
        }
    }

    pub(super) fn rules(&self) -> Rules<'_> {
        Rules {
            vault: &self.vault,
            numbers: NumberPlan::for_country("US").expect("is a country"),
            partners: &self.partners,
            currencies: &self.currencies,
            number_in_pai: false,
            now: Timestamp::parse("2026-11-30T00:00:00Z").expect("is a time"),
        }
    }
}

/// A line with some of its values replaced, by their columns.
pub(super) fn line_with(sound: &[&str], replaced: &[(usize, &str)]) -> String {
    let mut values = sound.to_vec();
    for (column, value) in replaced {
        values[*column] = *value;
    }
    values.join(",")
}

/// Kind and text of each problem.
pub(super) fn list_problems(problems: &[Problem]) -> Vec<(&'static str, &str)> {
    problems.iter().map(|problem| (problem.kind.as_str(), problem.text.as_str())).collect()
}
