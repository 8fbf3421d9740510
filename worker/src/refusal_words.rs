//! The words that the widget shows to a customer who is refused. They are sent with the refusal and not
//! with the frame: few customers need them, and the frame has to stay small.
//!
//! Not here: the refusals that the frame meets without the origin, such as that there is no
//! connection. It has the words for those.

use crate::fault::Fault;
use crate::words::Words;
use onbill_domain::locale::Locale;
use onbill_domain::refusal_detail::WayOn;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::read_object;
use onbill_domain::words_section;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The key of the sentence for the operator's own reason. The frame prefers it to that of the code.
const REASON_KEY: &str = "reason";

/// The member of the frame's calls that says in which language it is.
#[derive(Deserialize)]
struct LocaleField {
    #[serde(default)]
    locale: String,
}

/// The refusal of a call of the frame with its words, and with the label of its button. The frame
/// fills their placeholders. A reason without a sentence of its own has that of the refusal's code.
pub(crate) fn add_words(reject: Reject, call_body: &[u8]) -> Result<Reject, Fault> {
    let locale = read_object::<LocaleField>(call_body).ok().and_then(|field| Locale::from_tag(&field.locale));
    let section = Words::parse(words_section!("refusal", locale.unwrap_or_default()))?;
    let mut words = select_words(&section, reject.code);
    let sentence = reject.reason.and_then(|reason| section.0.get(reason.as_str()));
    words.extend(sentence.map(|sentence| (REASON_KEY.to_owned(), sentence.clone())));
    let way_on = reject
        .way_on
        .map(|way_on| WayOn { label: Some(section.text(way_on.kind.as_str()).to_owned()), ..way_on });
    Ok(Reject { words, way_on, ..reject })
}

/// The words for a refusal with this code.
pub(crate) fn find_words(code: ErrorCode, locale: Locale) -> Result<BTreeMap<String, String>, Fault> {
    Ok(select_words(&Words::parse(words_section!("refusal", locale))?, code))
}

/// Those whose keys begin with the code, or with what the frame calls it.
fn select_words(section: &Words, code: ErrorCode) -> BTreeMap<String, String> {
    let own = [code.as_str()];
    let starts: &[&str] = match code {
        // Also those for when the challenge cannot be shown.
        ErrorCode::ChallengeRequired => &["challenge-"],
        // The frame knows whether it was a result that is not good any more, or the customer's visit.
        ErrorCode::TokenInvalid | ErrorCode::TokenExpired => &["token-", "result-"],
        // By these the frame tells a code that is used up from a call that the edge itself holds up.
        ErrorCode::TooManyRequests => &["too-many-pins"],
        _ => &own,
    };
    let is_for_code = |key: &str| starts.iter().any(|start| key.starts_with(start));
    let words = section.0.iter().filter(|(key, _)| is_for_code(key));
    words.map(|(key, text)| (key.clone(), text.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use onbill_domain::refusal_detail::{Ineligibility, RefusalReason, Suspension, WayOnKind};
    use std::collections::BTreeSet;

    fn refused(reason: RefusalReason, call_body: &str) -> Reject {
        let way_on = WayOn { kind: WayOnKind::Help, url: "https://acme.example/".to_owned(), label: None };
        let reject = Reject { way_on: Some(way_on), ..Reject::suspended_non_payment().because(reason) };
        add_words(reject, call_body.as_bytes()).expect("has words")
    }

    #[test]
    fn every_reason_has_a_sentence_of_its_own() {
        // These two have the sentence of their code.
        let ineligible = Ineligibility::ALL.into_iter().filter(|reason| *reason != Ineligibility::Other);
        let suspended = Suspension::ALL.into_iter().filter(|reason| *reason != Suspension::NonPayment);
        let ineligible = ineligible.map(RefusalReason::Ineligible);
        let reasons: Vec<_> = ineligible.chain(suspended.map(RefusalReason::Suspended)).collect();
        for locale in Locale::ALL {
            let body = format!(r#"{{"flow":"f","locale":"{}"}}"#, locale.as_str());
            let texts: BTreeSet<_> = reasons
                .iter()
                .filter_map(|reason| refused(*reason, &body).words.remove(REASON_KEY))
                .collect();
            assert_eq!(texts.len(), reasons.len(), "{locale:?}: {texts:?}");
            let other = refused(RefusalReason::Ineligible(Ineligibility::Other), &body);
            assert!(!other.words.contains_key(REASON_KEY));
            assert!(other.words.contains_key("suspended-non-payment-title"), "{locale:?}");
            assert!(other.way_on.and_then(|way_on| way_on.label).is_some_and(|label| !label.is_empty()));
        }
    }

    #[test]
    fn every_kind_of_page_has_a_label() {
        let words = Words::parse(words_section!("refusal", Locale::En)).expect("is a map of texts");
        assert!(WayOnKind::ALL.iter().all(|kind| words.0.contains_key(kind.as_str())));
    }

    #[test]
    fn language_that_is_not_known_is_english() {
        let minor = RefusalReason::Ineligible(Ineligibility::Minor);
        let english = refused(minor, r#"{"locale":"en"}"#);
        for body in ["", "{}", r#"{"locale":"xx"}"#, r#"{"locale":7}"#] {
            assert_eq!(refused(minor, body), english, "{body}");
        }
        assert_ne!(refused(minor, r#"{"locale":"de-AT"}"#), english);
    }

    #[test]
    fn refusal_has_the_words_that_its_code_needs() {
        let cases: [(ErrorCode, &[&str]); 10] = [
            (ErrorCode::AccountNotFound, &["account-not-found", "account-not-found-title"]),
            (ErrorCode::AlreadyOnBill, &["already-on-bill", "already-on-bill-title"]),
            (ErrorCode::SignupsClosed, &["signups-closed", "signups-closed-title"]),
            (ErrorCode::PinInvalid, &["pin-invalid"]),
            (ErrorCode::NumberForeign, &["number-foreign"]),
            (
                ErrorCode::ChallengeRequired,
                &[
                    "challenge-text",
                    "challenge-title",
                    "challenge-unavailable",
                    "challenge-unavailable-title",
                ],
            ),
            (
                ErrorCode::TokenInvalid,
                &[
                    "result-expired",
                    "result-expired-title",
                    "result-invalid",
                    "result-invalid-title",
                    "token-expired",
                    "token-expired-title",
                ],
            ),
            (ErrorCode::TooManyRequests, &["too-many-pins"]),
            // The frame has their words.
            (ErrorCode::ServiceUnavailable, &[]),
            (ErrorCode::InvalidRequest, &[]),
        ];
        for (code, keys) in cases {
            let words = add_words(Reject::new(code, "No."), b"{}").expect("has words").words;
            assert_eq!(words.keys().collect::<Vec<_>>(), keys, "{code:?}");
            assert_eq!(find_words(code, Locale::En), Ok(words));
        }
    }

    #[test]
    fn frame_has_no_word_that_comes_with_a_refusal() {
        let frame = Words::parse(words_section!("widget", Locale::En)).expect("is a map of texts");
        for code in ErrorCode::ALL {
            for key in find_words(code, Locale::En).expect("has words").keys() {
                assert!(!frame.0.contains_key(key), "{key}");
            }
        }
    }
}
