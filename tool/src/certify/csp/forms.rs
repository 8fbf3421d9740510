//! The forms of the contract, member by member: what is wrong with a response, in words that name the
//! member. The origin reads more leniently (`csp_answer`), and the next reader may not.

use crate::certify::answer::quote;
use onbill_domain::account::{AccountStatus, AccountType};
use onbill_domain::currency::Currency;
use onbill_domain::day::Day;
use onbill_domain::limits::RAW_CODE_CHARS_MAX;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::raw_code::{is_code, may_have_number};
use onbill_domain::refusal_detail::{Ineligibility, Suspension};
use onbill_domain::wire::csp::BillingDecision;
use onbill_domain::wire::parse;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What is wrong with the account of this number.
pub(super) fn problem_of_account(body: &[u8], msisdn: &Msisdn) -> Option<String> {
    find_problem(body, |members| {
        let statuses = AccountStatus::ALL.map(|status| status.as_str().to_ascii_uppercase());
        members.word("status", &statuses.each_ref().map(String::as_str))?;
        members.word("type", &AccountType::ALL.map(AccountType::as_str))?;
        let id = members.text("subscriberID")?;
        if id.is_empty() {
            return Err("subscriberID is empty".to_owned());
        }
        if may_have_number(id, Some(msisdn)) {
            return Err("the number is in subscriberID, if only by its last seven digits".to_owned());
        }
        for name in ["balance", "spendable"] {
            members.optional(name, |members| members.money(name))?;
        }
        members.optional("eligible", |members| members.flag("eligible"))?;
        members.optional("reason", |members| {
            members.word("reason", &Ineligibility::ALL.map(Ineligibility::as_str))
        })?;
        members.optional("suspension", |members| {
            members.word("suspension", &Suspension::ALL.map(Suspension::as_str))
        })
    })
}

/// What is wrong with the decision on a charge of this number.
pub(super) fn problem_of_decision(body: &[u8], msisdn: &Msisdn) -> Option<String> {
    find_problem(body, |members| {
        members.word("status", &BillingDecision::ALL.map(BillingDecision::as_str))?;
        members.optional("rawCode", |members| {
            let code = members.text("rawCode")?;
            // An empty one is the same as none.
            if !code.is_empty() && !is_code(code) {
                return Err(format!("rawCode must be at most {RAW_CODE_CHARS_MAX} ASCII characters"));
            }
            if may_have_number(code, Some(msisdn)) {
                return Err("the number is in rawCode".to_owned());
            }
            Ok(())
        })?;
        members.optional("billedOn", |members| {
            let day = members.text("billedOn")?;
            if Day::parse(day).is_some() {
                return Ok(());
            }
            // The form without the digits: a date that is spelled otherwise looks like a number.
            let form: String = day.chars().map(|c| if c.is_numeric() { '#' } else { c }).collect();
            Err(format!("billedOn is of the form {:?}, and must be a date as YYYY-MM-DD", quote(&form)))
        })
    })
}

/// What is wrong with a body as a whole: the contract's type reads it strictly.
pub(super) fn problem_of_contract<T: DeserializeOwned>(body: &[u8]) -> Option<String> {
    parse::<T>(body).err().map(|refused| refused.message.trim_end_matches('.').to_owned())
}

type Problem = Result<(), String>;

/// The first problem of an object.
fn find_problem(body: &[u8], check: impl FnOnce(&Members) -> Problem) -> Option<String> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => check(&Members(members)).err(),
        Ok(_) => Some("the body is no JSON object".to_owned()),
        Err(_) => Some("the body is no JSON".to_owned()),
    }
}

struct Members(Map<String, Value>);

impl Members {
    fn get(&self, name: &str) -> Result<&Value, String> {
        self.0.get(name).ok_or_else(|| {
            let similar = self.0.keys().find(|key| key.eq_ignore_ascii_case(name));
            similar.map_or_else(
                || format!("{name} is missing"),
                |key| format!("{name} is missing: there is {key}"),
            )
        })
    }

    fn optional(&self, name: &str, check: impl FnOnce(&Self) -> Problem) -> Problem {
        // Another spelling of the name is a mistake, and null is a member that is absent.
        match self.0.get(name) {
            Some(Value::Null) => Ok(()),
            None if self.0.keys().all(|key| !key.eq_ignore_ascii_case(name)) => Ok(()),
            _ => check(self),
        }
    }

    fn text(&self, name: &str) -> Result<&str, String> {
        let value = self.get(name)?;
        value.as_str().ok_or_else(|| format!("{name} is {}, and must be a text", kind_of(value)))
    }

    fn flag(&self, name: &str) -> Problem {
        let value = self.get(name)?;
        if value.is_boolean() {
            Ok(())
        } else {
            Err(format!("{name} is {}, and must be true or false", kind_of(value)))
        }
    }

    fn word(&self, name: &str, words: &[&str]) -> Problem {
        let found = self.text(name)?;
        if words.contains(&found) {
            return Ok(());
        }
        Err(format!("{name} is {:?}, and must be one of {}", quote(found), words.join(", ")))
    }

    fn money(&self, name: &str) -> Problem {
        let Value::Object(money) = self.get(name)? else {
            return Err(format!("{name} must be an object with value and currency"));
        };
        let money = Self(money.clone());
        let value = money.get("value").map_err(|why| format!("{name}.{why}"))?;
        if !value.is_i64() {
            let kind = kind_of(value);
            return Err(format!(
                "{name}.value is {kind}, and must be a whole number of minor units: 5000 is 50.00"
            ));
        }
        let currency = money.text("currency").map_err(|why| format!("{name}.{why}"))?;
        match Currency::parse(currency) {
            Some(_) => Ok(()),
            None => Err(format!("{name}.currency is {:?}, and must be a code of ISO 4217", quote(currency))),
        }
    }
}

/// What a value is, without the value.
fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_i64() => "a number",
        Value::Number(_) => "a number with a decimal point",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number() -> Msisdn {
        Msisdn::parse("+13125550142").expect("is a number")
    }

    #[test]
    fn problem_of_an_account_names_the_member() {
        let problem = |body: &str| problem_of_account(body.as_bytes(), &number());
        for good in [
            r#"{"status":"ACTIVE","type":"prepaid","subscriberID":"s-1","balance":{"value":-1,"currency":"USD"}}"#,
            r#"{"status":"SUSPENDED","type":"postpaid","subscriberID":"s-1","suspension":"fraud","reason":null,"more":[1]}"#,
        ] {
            assert_eq!(problem(good), None, "{good}");
        }
        let with =
            |more: &str| format!(r#"{{"status":"ACTIVE","type":"prepaid","subscriberID":"s-1",{more}}}"#);
        for (bad, part) in [
            (
                r#"{"status":"active"}"#.to_owned(),
                "status is \"active\", and must be one of ACTIVE, SUSPENDED, CEASED",
            ),
            (r#"{"status":"ACTIVE"}"#.to_owned(), "type is missing"),
            (r#"{"status":"ACTIVE","type":"hybrid"}"#.to_owned(), "type is \"hybrid\""),
            (
                r#"{"status":"ACTIVE","type":"prepaid","subscriberId":"s"}"#.to_owned(),
                "subscriberID is missing: there is subscriberId",
            ),
            (
                r#"{"status":"ACTIVE","type":"prepaid","subscriberID":7}"#.to_owned(),
                "subscriberID is a number, and must be a text",
            ),
            (
                r#"{"status":"ACTIVE","type":"prepaid","subscriberID":"c-13125550142"}"#.to_owned(),
                "the number is in subscriberID",
            ),
            (
                r#"{"status":"ACTIVE","type":"prepaid","subscriberID":"312-555-0142"}"#.to_owned(),
                "the number is in subscriberID",
            ),
            (
                r#"{"status":"ACTIVE","type":"prepaid","subscriberID":"555-0142"}"#.to_owned(),
                "the number is in subscriberID",
            ),
            (with(r#""balance":{"value":"5000","currency":"USD"}"#), "balance.value is a text"),
            (
                with(r#""balance":{"value":50.0,"currency":"USD"}"#),
                "balance.value is a number with a decimal point",
            ),
            (with(r#""spendable":{"value":5000}"#), "spendable.currency is missing"),
            (with(r#""balance":{"value":1,"currency":"DOLLAR"}"#), "balance.currency is \"DOLLAR\""),
            (with(r#""balance":5000"#), "balance must be an object"),
            (with(r#""eligible":"no""#), "eligible is a text, and must be true or false"),
            ("[]".to_owned(), "the body is no JSON object"),
            ("status=ACTIVE".to_owned(), "the body is no JSON"),
        ] {
            let problem = problem(&bad).unwrap_or_default();
            assert!(problem.contains(part) && !problem.contains("5550142"), "{bad}: {problem}");
        }
    }

    #[test]
    fn problem_of_a_decision_names_the_member() {
        let problem = |body: &str| problem_of_decision(body.as_bytes(), &number());
        assert_eq!(problem(r#"{"status":"APPROVED","rawCode":"0","billedOn":"2026-12-14"}"#), None);
        for (bad, part) in [
            (r#"{"status":"ACCEPTED"}"#, "status is \"ACCEPTED\", and must be one of APPROVED, DECLINED"),
            (r#"{"status":"APPROVED","rawCode":0}"#, "rawCode is a number, and must be a text"),
            (r#"{"status":"APPROVED","rawCode":"line of +1 312 555 0142"}"#, "the number is in rawCode"),
            (r#"{"status":"APPROVED","rawCode":"E-5550142"}"#, "the number is in rawCode"),
            (r#"{"status":"APPROVED","rawCode":"größer"}"#, "rawCode must be at most 64 ASCII"),
            (r#"{"status":"APPROVED","billedOn":"14.12.2026"}"#, "billedOn is of the form \"##.##.####\""),
            (r#"{"status":"APPROVED","billedon":"2026-12-14"}"#, "billedOn is missing: there is billedon"),
        ] {
            let problem = problem(bad).unwrap_or_default();
            assert!(problem.contains(part), "{bad}: {problem}");
        }
    }

    #[test]
    fn problem_of_the_contract_names_the_member() {
        use onbill_domain::wire::csp::BillChargeResponse;
        let problem = |body: &str| problem_of_contract::<BillChargeResponse>(body.as_bytes());
        assert_eq!(problem(r#"{"status":"APPROVED","rawCode":"0"}"#), None);
        let twice = problem(r#"{"status":"APPROVED","status":"DECLINED"}"#).unwrap_or_default();
        assert!(twice.starts_with("status is there twice (line 1, column "), "{twice}");
        let number = problem(r#"{"status":"APPROVED","rawCode":13125550142}"#).unwrap_or_default();
        assert!(number.starts_with("rawCode: expected a string (line 1, column "), "{number}");
    }
}
