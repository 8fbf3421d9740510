//! What a customer reads of a decline on their own page, in each language: an agent reads it out in theirs.

use maud::{Markup, html};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::locale::Locale;
use onbill_domain::words::fill_placeholders;
use onbill_domain::words_section;
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// The section `account` of each language.
static WORDS: LazyLock<[(Locale, Map<String, Value>); Locale::ALL.len()]> = LazyLock::new(|| {
    Locale::ALL.map(|locale| {
        let words = serde_json::from_str(words_section!("account", locale)).unwrap_or_default();
        (locale, words)
    })
});

/// The sentence of each language, under a heading to open.
pub(super) fn in_customers_words(reason: DeclineReason, operator_name: &str) -> Markup {
    let key = format!("reason-{}", reason.as_str());
    html! {
        details {
            summary { "In the customer’s language" }
            dl class="facts" {
                @for (locale, words) in WORDS.iter() {
                    @let text = words.get(&key).and_then(Value::as_str).unwrap_or_default();
                    dt lang=(locale.as_str()) { (locale.own_name()) }
                    dd lang=(locale.as_str()) dir=(locale.direction()) {
                        (fill_placeholders(text, &[("operator", operator_name)]))
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_sentence_in_every_language() {
        for reason in DeclineReason::ALL {
            let shown = in_customers_words(reason, "Acme & Sons").into_string();
            assert!(!shown.contains("></dd>") && !shown.contains('{'), "{shown}");
        }
        let shown = in_customers_words(DeclineReason::RiskDeclined, "Acme & Sons").into_string();
        assert!(shown.contains("Acme &amp; Sons"), "{shown}");
    }
}
