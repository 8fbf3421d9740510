//! The words of the customer's own page. They come with its first page, and not with the frame: most
//! customers open the frame to buy something, and never see them.

use super::frame_json::to_frame_json_with_words;
use crate::fault::Fault;
use crate::words::Words;
use onbill_domain::locale::Locale;
use onbill_domain::words_section;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The widget's member with its language, for the edge only.
#[derive(Deserialize)]
pub(super) struct LocaleField {
    #[serde(default)]
    pub(super) locale: Locale,
}

/// Adds `words` to the page that a response is.
pub(super) fn add_account_words(page: &impl Serialize, locale: Locale) -> Result<Value, Fault> {
    let words = Words::parse(words_section!("account", locale))?;
    to_frame_json_with_words(page, &words.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use onbill_domain::decline_reason::DeclineReason;
    use onbill_domain::pai::PaiState;
    use onbill_domain::wire::ott::TransactionStatus;
    use onbill_domain::wire::subscription::SubscriptionStatus;

    #[test]
    fn every_status_and_reason_has_a_text() {
        let words = Words::parse(words_section!("account", Locale::En)).expect("is a map of texts");
        for reason in DeclineReason::ALL {
            assert!(words.0.contains_key(&format!("reason-{}", reason.as_str())), "{reason:?}");
        }
        for (kind, word) in [
            ("link", PaiState::Active.as_str()),
            ("link", PaiState::Suspended.as_str()),
            ("link", PaiState::Closed.as_str()),
            ("link", SubscriptionStatus::Cancelled.as_str()),
            ("charge", TransactionStatus::Pending.as_str()),
            ("charge", TransactionStatus::Approved.as_str()),
            ("charge", TransactionStatus::Declined.as_str()),
        ] {
            assert!(words.0.contains_key(&format!("{kind}-{}", word.to_ascii_lowercase())), "{word}");
        }
    }
}
