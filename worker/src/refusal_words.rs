//! What the widget tells a customer whom the operator has refused for a reason of its own, or whose
//! number is of another country. The sentences are sent with the refusal and not with the frame: few
//! customers need one, and the frame has to stay small.

use crate::fault::Fault;
use crate::words::Words;
use onbill_domain::locale::Locale;
use onbill_domain::refusal_detail::{RefusalReason, WayOn};
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::read_object;
use onbill_domain::words_section;
use serde::Deserialize;

/// The member of the frame's calls that says in which language it is.
#[derive(Deserialize)]
struct LocaleField {
    #[serde(default)]
    locale: String,
}

/// The refusal of a call of the frame with its sentence, and with the label of its button. The frame
/// fills their placeholders. A reason without a sentence of its own has that of the refusal's code.
pub(crate) fn add_words(reject: Reject, call_body: &[u8]) -> Result<Reject, Fault> {
    let has_own_words = reject.code == ErrorCode::NumberForeign;
    if reject.reason.is_none() && reject.way_on.is_none() && !has_own_words {
        return Ok(reject);
    }
    let locale = read_object::<LocaleField>(call_body).ok().and_then(|field| Locale::from_tag(&field.locale));
    let words = Words::parse(words_section!("refusal", locale.unwrap_or_default()))?;
    let key =
        if has_own_words { Some(reject.code.as_str()) } else { reject.reason.map(RefusalReason::as_str) };
    let text = key.and_then(|key| words.0.get(key).cloned());
    let way_on = reject
        .way_on
        .map(|way_on| WayOn { label: Some(words.text(way_on.kind.as_str()).to_owned()), ..way_on });
    Ok(Reject { text, way_on, ..reject })
}

#[cfg(test)]
mod tests {
    use super::*;
    use onbill_domain::refusal_detail::{Ineligibility, Suspension, WayOnKind};
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
            let texts: BTreeSet<_> =
                reasons.iter().filter_map(|reason| refused(*reason, &body).text).collect();
            assert_eq!(texts.len(), reasons.len(), "{locale:?}: {texts:?}");
            let other = refused(RefusalReason::Ineligible(Ineligibility::Other), &body);
            assert_eq!(other.text, None);
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
    fn foreign_number_has_a_sentence_in_every_language() {
        for locale in Locale::ALL {
            let body = format!(r#"{{"locale":"{}"}}"#, locale.as_str());
            let reject = Reject::new(ErrorCode::NumberForeign, "No.");
            let text = add_words(reject, body.as_bytes()).expect("has words").text;
            assert!(text.is_some_and(|text| text.contains("{country}")), "{locale:?}");
        }
    }

    #[test]
    fn refusal_without_a_reason_stays_as_it_is() {
        let reject = Reject::suspended_non_payment();
        assert_eq!(add_words(reject.clone(), b"{}"), Ok(reject));
    }
}
