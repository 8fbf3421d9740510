//! Reads the answers of the operator's systems. What decides must be clear, or the whole answer
//! counts as none; what does not decide never costs an answer.

use super::csp::{BillChargeResponse, BillRefundResponse, BillingDecision};
use super::lenient::{Members, NotClear, read_text, read_word};
use crate::account::{AccountFacts, AccountStatus, AccountType, Stated, UnknownWord};
use crate::currency::Currency;
use crate::day::Day;
use crate::money::Money;
use crate::refusal_detail::{Ineligibility, Suspension};
use crate::reject::ErrorCode;
use serde_json::{Map, Value};

/// The account of a number, as far as the answer is clear about it.
#[derive(Debug, PartialEq, Eq)]
pub struct AccountAnswer {
    /// The operator's own id of the subscriber.
    pub subscriber_id: String,
    /// Status, type and balance.
    pub account: AccountFacts,
}

/// The members of an answer as JSON, by their names in lower case, however odd its spelling is. A value
/// that is no JSON is a text of its spelling.
pub fn read_members(body: &[u8]) -> Option<Map<String, Value>> {
    let text = read_text(body);
    Members::parse(&text).map(|members| members.to_json())
}

/// Reads the account of a number. Status and subscriber id decide about every charge, so both must
/// be clear: the id distinguishes two subscribers of one number. A word that decides and is not the
/// contract's is read as such. Type and amounts count as unknown when they are not clear.
pub fn read_account(body: &[u8]) -> Option<AccountAnswer> {
    let text = read_text(body);
    let members = Members::parse(&text)?;
    let status = read_status(&members).ok()??;
    let suspension = match status {
        Stated::Known(AccountStatus::Suspended) => {
            members.stated("suspension", |value| find_word(&Suspension::ALL, Suspension::as_str, value))
        }
        Stated::Known(AccountStatus::Active | AccountStatus::Ceased) | Stated::Unknown(_) => None,
    };
    let account = AccountFacts {
        status,
        account_type: members
            .incidental("type", |value| find_word(&AccountType::ALL, AccountType::as_str, value)),
        balance: members.incidental("balance", read_money),
        suspension,
        ineligible: read_ineligibility(&members),
        spendable: members.incidental("spendable", read_money),
    };
    let subscriber_id = members.decisive("subscriberID", read_id).ok()??;
    Some(AccountAnswer { subscriber_id, account })
}

/// One word that is not the contract's is an unknown status. Anything else that is not clear, such as
/// two words, makes the whole answer none.
fn read_status(members: &Members<'_>) -> Result<Option<Stated<AccountStatus>>, NotClear> {
    let find = |value: &str| find_word(&AccountStatus::ALL, AccountStatus::as_str, value);
    if let Ok(known) = members.decisive("status", find) {
        return Ok(known.map(Stated::Known));
    }
    let word = members.decisive("status", |value| Some(read_word(value)?.to_ascii_uppercase()))?;
    Ok(word.map(|word| Stated::Unknown(UnknownWord::new("status", &word))))
}

/// The reason counts only where the account is not eligible: without `eligible`, an operator may mean
/// anything by a member of that name.
fn read_ineligibility(members: &Members<'_>) -> Option<Stated<Ineligibility>> {
    match members.stated("eligible", read_flag)? {
        Stated::Known(true) => None,
        Stated::Known(false) => {
            let find = |value: &str| find_word(&Ineligibility::ALL, Ineligibility::as_str, value);
            Some(members.stated("reason", find).unwrap_or(Stated::Known(Ineligibility::Other)))
        }
        Stated::Unknown(word) => Some(Stated::Unknown(word)),
    }
}

fn read_flag(value: &str) -> Option<bool> {
    match read_word(value)?.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Reads billing's decision on a charge.
pub fn read_charge_outcome(body: &[u8]) -> Option<BillChargeResponse> {
    let text = read_text(body);
    let members = Members::parse(&text)?;
    let raw_code = members.incidental("rawCode", read_word);
    let billed_on = members.incidental("billedOn", |value| Day::parse(&read_word(value)?));
    Some(BillChargeResponse { status: read_decision(&members).ok()??, raw_code, billed_on })
}

/// Reads billing's decision on a refund. The HTTP status of success alone means approval, so the
/// body may be empty, and its status absent.
pub fn read_refund_outcome(body: &[u8]) -> Option<BillRefundResponse> {
    let text = read_text(body);
    let members = Members::parse(if text.trim().is_empty() { "{}" } else { &text })?;
    let raw_code = members.incidental("rawCode", read_word);
    let status = read_decision(&members).ok()?.unwrap_or(BillingDecision::Approved);
    Some(BillRefundResponse { status, raw_code })
}

/// Whether an error is the operator's own, with this code.
pub fn has_error_code(body: &[u8], code: ErrorCode) -> bool {
    let text = read_text(body);
    let Some(members) = Members::parse(&text) else { return false };
    let found = members.decisive("code", read_word);
    found.ok().flatten().is_some_and(|found| found.eq_ignore_ascii_case(code.as_str()))
}

fn read_decision(members: &Members<'_>) -> Result<Option<BillingDecision>, NotClear> {
    members.decisive("status", |value| find_word(&BillingDecision::ALL, BillingDecision::as_str, value))
}

/// The variant with this word, in any case.
fn find_word<T: Copy>(all: &[T], as_str: impl Fn(T) -> &'static str, value: &str) -> Option<T> {
    let word = read_word(value)?;
    all.iter().copied().find(|variant| as_str(*variant).eq_ignore_ascii_case(&word))
}

/// An id: a text, or the digits of a number. Other bare words, such as `false`, would be the same
/// id for all subscribers, and so would texts whose bytes are not readable.
fn read_id(value: &str) -> Option<String> {
    let id = read_word(value)?;
    let is_id = value.starts_with('"') || id.bytes().all(|b| b.is_ascii_digit());
    (is_id && !id.contains(char::REPLACEMENT_CHARACTER)).then_some(id)
}

/// Whole minor units, as a number or as its digits in a text. An amount with a decimal point could
/// be in either unit, and is not read.
fn read_money(value: &str) -> Option<Money> {
    let members = Members::parse(value)?;
    let amount_minor = members.decisive("value", |value| read_word(value)?.parse().ok()).ok()??;
    let currency = |value: &str| Currency::parse(&read_word(value)?.to_ascii_uppercase());
    Some(Money { amount_minor, currency: members.decisive("currency", currency).ok()?? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decision_on_charge_is_taken_whatever_its_code() {
        let read = |body: &str| {
            let answer = read_charge_outcome(body.as_bytes())?;
            Some((answer.status.as_str(), answer.raw_code))
        };
        let code = |code: &str| Some(code.to_owned());
        for (body, raw_code) in [
            (r#"{"status":"APPROVED"}"#, None),
            (r#"{"status":"APPROVED","rawCode":0}"#, code("0")),
            (r#"{"status":"APPROVED","rawCode":00}"#, code("00")),
            (r#"{"status":"APPROVED","rawCode":" 61 "}"#, code("61")),
            (r#"{"status":"APPROVED","rawCode":null}"#, None),
            (r#"{"status":"APPROVED","rawCode":}"#, None),
            (r#"{"status":"APPROVED","rawCode":{"code":[1]}}"#, None),
            (r#"{"status":"APPROVED","rawCode":["0"]}"#, None),
            (r#"{"status":"APPROVED","rawCode":"1","rawCode":"2"}"#, None),
            (r#"{"status":"approved","text":"C:\quota"}"#, None),
            (r#"{"Status":" Approved "}"#, None),
            (r#"{"status":APPROVED,}"#, None),
            (r#"{"status":"APPROVED","status":"Approved"}"#, None),
            ("\u{feff}{\"status\":\"APPROVED\",\"text\":\"on\nthe bill\"}\r\n\0", None),
        ] {
            assert_eq!(read(body), Some(("APPROVED", raw_code)), "{body}");
        }
        assert_eq!(read(r#"{"status":"declined","rawCode":51}"#), Some(("DECLINED", code("51"))));
    }

    #[test]
    fn date_of_the_bill_costs_no_decision() {
        for (billed_on, expected) in [
            (r#""2026-12-14""#, Some("2026-12-14")),
            (r#"" 2026-12-14 ""#, Some("2026-12-14")),
            ("2026-12-14", Some("2026-12-14")),
            (r#""2026-12-14","billedon":"2026-12-14""#, Some("2026-12-14")),
            (r#""2026-12-14","billedOn":"2026-12-15""#, None),
            (r#""2026-12-14T00:00:00Z""#, None),
            (r#""14.12.2026""#, None),
            (r#""2026-02-30""#, None),
            (r#""0000-00-00""#, None),
            ("20261214", None),
            ("null", None),
            ("false", None),
            ("\"\"", None),
            ("[2026,12,14]", None),
            (r#"{"date":"2026-12-14"}"#, None),
        ] {
            for status in ["APPROVED", "DECLINED"] {
                let body =
                    format!(r#"{{"billedOn":{billed_on},"status":"{status}","bill":{{"status":"x"}}}}"#);
                let answer = read_charge_outcome(body.as_bytes()).expect("has a clear status");
                assert_eq!(answer.status.as_str(), status, "{body}");
                assert_eq!(answer.billed_on.map(|day| day.to_string()).as_deref(), expected, "{body}");
            }
        }
    }

    #[test]
    fn unclear_decision_on_charge_is_none() {
        for body in [
            "",
            "{}",
            "[]",
            r#"["APPROVED",null]"#,
            r#"{"status":null}"#,
            r#"{"status":["APPROVED"]}"#,
            r#"{"status":{"status":"APPROVED"}}"#,
            r#"{"status":"PENDING"}"#,
            r#"{"status":"APPROVED","status":"DECLINED"}"#,
            r#"{"status":"APPROVED","Status":"DECLINED"}"#,
            r#"{"status":"APPROVED"#,
            r#"{"status":"APPROVED"}{"status":"DECLINED"}"#,
            r#"{"result":{"status":"APPROVED"}}"#,
            r#""APPROVED""#,
            "<html>APPROVED</html>",
        ] {
            assert_eq!(read_charge_outcome(body.as_bytes()), None, "{body}");
        }
        assert_eq!(read_charge_outcome(b"{\"status\":\"APPROVED\xff\"}"), None);
    }

    #[test]
    fn refund_is_approved_unless_body_declines() {
        let read = |body: &str| read_refund_outcome(body.as_bytes()).map(|answer| answer.status.as_str());
        for body in ["", " \r\n", "{}", r#"{"refundID":7}"#, r#"{"status":"Approved","rawCode":0}"#] {
            assert_eq!(read(body), Some("APPROVED"), "{body}");
        }
        for body in [r#"{"STATUS":"declined"}"#, r#"{"rawCode":61.5,"status":"DECLINED "}"#] {
            assert_eq!(read(body), Some("DECLINED"), "{body}");
        }
        for body in ["[]", "null", r#"{"status":null}"#, r#"{"status":""}"#, r#"{"status":"LATER"}"#, "OK"] {
            assert_eq!(read(body), None, "{body}");
        }
    }

    #[test]
    fn account_is_read_as_far_as_it_is_clear() {
        let read = |members: &str| {
            let answer = read_account(format!("{{{members}}}").as_bytes())?;
            let AccountFacts { status, account_type, balance, .. } = answer.account;
            let Stated::Known(status) = status else { return Some("an unknown status".to_owned()) };
            let account_type = account_type.map_or("-", AccountType::as_str);
            let balance = balance.map_or("-".to_owned(), |balance| balance.to_string());
            Some(format!("{} {} {account_type} {balance}", answer.subscriber_id, status.as_str()))
        };
        let id = r#""status":"ACTIVE","subscriberID":"s-1""#;
        for (more, expected) in [
            (r#""type":"postpaid""#, "postpaid -"),
            (r#""type":"PREPAID","balance":{"value":1599,"currency":"USD"}"#, "prepaid 15.99 USD"),
            (r#""type":"prepaid","balance":{"value":"1599","currency":" usd"}"#, "prepaid 15.99 USD"),
            (r#""type":"prepaid","balance":{"value":15.99,"currency":"USD"}"#, "prepaid -"),
            (r#""type":"prepaid","balance":{"value":1,"value":2,"currency":"USD"}"#, "prepaid -"),
            (r#""type":"prepaid","balance":[1599,"USD"]"#, "prepaid -"),
            (r#""type":"hybrid","balance":"a lot""#, "- -"),
            (r#""type":null,"balance":null"#, "- -"),
        ] {
            assert_eq!(read(&format!("{id},{more}")), Some(format!("s-1 active {expected}")), "{more}");
        }
        assert_eq!(
            read(r#""status":"Suspended","subscriberID":0042"#).as_deref(),
            Some("0042 suspended - -")
        );
        for unclear in [
            r#""subscriberID":"s-1""#,
            r#""status":"GONE""#,
            r#""status":"GONE","status":"LOST","subscriberID":"s-1""#,
            r#""status":["ACTIVE"],"subscriberID":"s-1""#,
            r#""status":null,"subscriberID":"s-1""#,
            r#""status":"ACTIVE""#,
            r#""status":"ACTIVE","subscriberID":"""#,
            r#""status":"ACTIVE","subscriberID":null"#,
            r#""status":"ACTIVE","subscriberID":false"#,
            r#""status":"ACTIVE","subscriberID":"s-1","subscriberID":"s-2""#,
            r#""status":"ACTIVE","status":"CEASED","subscriberID":"s-1""#,
        ] {
            assert_eq!(read(unclear), None, "{unclear}");
        }
    }

    /// The facts that an answer adds to those of an account in use, or a suspended one.
    fn facts_of(status: &str, members: &str) -> AccountFacts {
        let body = format!(r#"{{"status":"{status}","subscriberID":"s-1",{members}}}"#);
        read_account(body.as_bytes()).expect("is clear").account
    }

    #[test]
    fn ineligible_account_has_its_reason() {
        use Ineligibility::{Minor, Other};
        let read = |members: &str| facts_of("ACTIVE", members).ineligible;
        for (members, expected) in [
            (r#""eligible":false,"reason":"minor""#, Some(Minor)),
            (r#""Eligible":"False","REASON":" Minor ""#, Some(Minor)),
            (r#""eligible":false,"reason":"minor","reason":"Minor""#, Some(Minor)),
            (r#""eligible":false"#, Some(Other)),
            (r#""eligible":false,"reason":null"#, Some(Other)),
            (r#""eligible":false,"reason":"""#, Some(Other)),
            (r#""eligible":true,"reason":"minor""#, None),
            (r#""eligible":null,"reason":"minor""#, None),
            (r#""reason":"minor""#, None),
            (r#""reason":{"code":7},"unknown":[]"#, None),
        ] {
            assert_eq!(read(members), expected.map(Stated::Known), "{members}");
        }
        for (members, member, word) in [
            (r#""eligible":false,"reason":"too-tall""#, "reason", "too-tall"),
            (r#""eligible":false,"reason":42"#, "reason", "42"),
            (r#""eligible":false,"reason":"minor","reason":"credit""#, "reason", "minor, credit"),
            (r#""eligible":false,"reason":["minor"]"#, "reason", "[\"minor\"]"),
            (r#""eligible":"perhaps""#, "eligible", "perhaps"),
            (r#""eligible":true,"eligible":false"#, "eligible", "true, false"),
        ] {
            let unknown = UnknownWord::new(member, word);
            assert_eq!(read(members), Some(Stated::Unknown(unknown)), "{members}");
        }
    }

    #[test]
    fn suspension_is_read_of_suspended_account_only() {
        for suspension in Suspension::ALL {
            let member = format!(r#""suspension":"{}""#, suspension.as_str());
            assert_eq!(facts_of("SUSPENDED", &member).suspension, Some(Stated::Known(suspension)));
            assert_eq!(facts_of("ACTIVE", &member).suspension, None);
        }
        for nothing in ["null", "\"\"", "\"  \"", "\"\u{200b}\""] {
            let members = format!(r#""suspension":{nothing},"eligible":{nothing}"#);
            assert_eq!(facts_of("SUSPENDED", &members).suspension, None, "{nothing:?}");
            assert_eq!(facts_of("ACTIVE", &members).ineligible, None, "{nothing:?}");
        }
        let unknown = facts_of("SUSPENDED", r#""suspension":"sabbatical""#);
        assert_eq!(unknown.unknown_word(), Some(&UnknownWord::new("suspension", "sabbatical")));
    }

    #[test]
    fn unclear_spendable_amount_is_unknown() {
        let read = |member: &str| facts_of("ACTIVE", member).spendable.map(|money| money.to_string());
        assert_eq!(read(r#""spendable":{"value":"500","currency":"usd"}"#).as_deref(), Some("5.00 USD"));
        for unclear in ["null", "5", "{\"value\":5.5,\"currency\":\"USD\"}", "\"a lot\"", "[]"] {
            assert_eq!(read(&format!(r#""spendable":{unclear}"#)), None, "{unclear}");
        }
    }

    #[test]
    fn unknown_status_is_named() {
        let dormant = facts_of("dormant", r#""type":"postpaid""#);
        assert_eq!(dormant.unknown_word(), Some(&UnknownWord::new("status", "DORMANT")));
    }

    #[test]
    fn error_code_is_found_without_its_message() {
        let found = |body: &str| has_error_code(body.as_bytes(), ErrorCode::AccountNotFound);
        assert!(found(r#"{"code":"account-not-found","message":"There is none."}"#));
        assert!(found(r#"{"code":" Account-Not-Found","message":null}"#));
        for body in [
            "",
            r#"{"code":"not-found"}"#,
            r#"{"code":404}"#,
            r#"["account-not-found","There is none."]"#,
            r#"{"code":"account-not-found","code":"busy"}"#,
            "account-not-found",
        ] {
            assert!(!found(body), "{body}");
        }
    }
}
