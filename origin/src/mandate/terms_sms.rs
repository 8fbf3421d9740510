//! The SMS that says from when a subscription costs what, or that it costs what it did.

use crate::delivery::NotificationSms;
use crate::sms::{day_text, price_text, sms_words};
use onbill_domain::day::Day;
use onbill_domain::locale::Locale;
use onbill_domain::money::Money;
use onbill_domain::words::fill_placeholders;

/// What the SMS says.
pub(super) struct ChangedTerms<'a> {
    pub(super) operator: &'a str,
    /// The operator's, ISO 3166.
    pub(super) country: &'a str,
    pub(super) partner: &'a str,
    /// The offer's title, or the partner's name for the plan.
    pub(super) plan: &'a str,
    pub(super) price: Money,
    pub(super) from: Day,
}

/// What the SMS announces about the terms.
#[derive(Clone, Copy)]
pub(super) enum Announcement {
    /// They hold from the day on.
    Change,
    /// They hold further on. Others were to hold from the day on, and are withdrawn.
    Withdrawal,
}

/// The SMS. Its words about the payment are those for the account type when it is sent.
pub(super) fn terms_sms(terms: &ChangedTerms<'_>, kind: Announcement, locale: Locale) -> NotificationSms {
    let ChangedTerms { operator, country, partner, plan, price, from } = terms;
    let (price, date) = (price_text(*price, locale, country), day_text(*from, locale));
    let values =
        [("operator", *operator), ("partner", *partner), ("plan", *plan), ("price", &price), ("date", &date)];
    let (words, fill) = (sms_words(locale), |text: &str| fill_placeholders(text, &values));
    match kind {
        Announcement::Change => NotificationSms {
            body: fill(&words.price_change),
            prepaid_body: Some(fill(&words.price_change_prepaid)),
        },
        Announcement::Withdrawal => {
            NotificationSms { body: fill(&words.price_withdrawn), prepaid_body: None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sms::assert_parts;
    use onbill_domain::currency::Currency;

    #[test]
    fn every_language_says_price_day_and_way_out() {
        let terms = ChangedTerms {
            operator: "Acme Mobile",
            country: "US",
            partner: "Netflix",
            plan: "Netflix Standard",
            price: Money { amount_minor: 1799, currency: Currency::parse("USD").expect("is listed") },
            from: Day::parse("2027-02-01").expect("is a day"),
        };
        let [postpaid, prepaid, withdrawn] = ["price-change", "price-change-prepaid", "price-withdrawn"];
        for locale in Locale::ALL {
            let change = terms_sms(&terms, Announcement::Change, locale);
            let withdrawal = terms_sms(&terms, Announcement::Withdrawal, locale);
            let prepaid_body = change.prepaid_body.as_deref().expect("is there");
            assert_ne!(change.body, prepaid_body);
            for (key, sms) in
                [(postpaid, &*change.body), (prepaid, prepaid_body), (withdrawn, &withdrawal.body)]
            {
                let (price, day) = (price_text(terms.price, locale, "US"), day_text(terms.from, locale));
                for part in ["Acme Mobile", "Netflix Standard", &price, &day] {
                    assert!(sms.contains(part), "{locale:?}: {sms}");
                }
                assert_parts(locale, key, sms);
            }
            assert_eq!(withdrawal.prepaid_body, None, "it says nothing of a bill");
        }
        let english = terms_sms(&terms, Announcement::Change, Locale::En);
        assert_eq!(
            english.body,
            "Acme Mobile: from 1 Feb 2027, Netflix Standard costs 17.99 USD a month on your bill. If you do \
             not want that, cancel at Netflix before then."
        );
        assert_eq!(
            english.prepaid_body.as_deref(),
            Some(
                "Acme Mobile: from 1 Feb 2027, Netflix Standard costs 17.99 USD a month, taken from your \
                 balance. If you do not want that, cancel at Netflix before then."
            )
        );
        assert_eq!(
            terms_sms(&terms, Announcement::Withdrawal, Locale::En).body,
            "Acme Mobile: Netflix Standard still costs 17.99 USD a month. The change announced for 1 Feb 2027 \
             will not happen."
        );
    }
}
