//! The SMS that says from when a subscription costs what.

use crate::sms::sms_words;
use onbill_domain::day::Day;
use onbill_domain::locale::Locale;
use onbill_domain::money::Money;
use onbill_domain::words::fill_placeholders;

/// What the SMS says.
pub(super) struct ChangedTerms<'a> {
    pub(super) operator: &'a str,
    pub(super) partner: &'a str,
    /// The offer's title, or the partner's name for the plan.
    pub(super) plan: &'a str,
    pub(super) price: Money,
    pub(super) from: Day,
}

pub(super) fn terms_sms(terms: &ChangedTerms<'_>, locale: Locale) -> String {
    let ChangedTerms { operator, partner, plan, price, from } = terms;
    let (price, date) = (price.to_string(), from.to_string());
    let values =
        [("operator", *operator), ("partner", *partner), ("plan", *plan), ("price", &price), ("date", &date)];
    fill_placeholders(&sms_words(locale).price_change, &values)
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
            partner: "Netflix",
            plan: "Netflix Standard",
            price: Money { amount_minor: 1799, currency: Currency::parse("USD").expect("is listed") },
            from: Day::parse("2027-02-01").expect("is a day"),
        };
        for locale in Locale::ALL {
            let sms = terms_sms(&terms, locale);
            for part in ["Acme Mobile", "Netflix", "Netflix Standard", "17.99 USD", "2027-02-01"] {
                assert!(sms.contains(part), "{locale:?}: {sms}");
            }
            assert_parts(locale, "price-change", &sms);
        }
        assert_eq!(
            terms_sms(&terms, Locale::En),
            "Acme Mobile: from 2027-02-01, Netflix Standard costs 17.99 USD a month on your bill. If you do \
             not want that, cancel at Netflix before then."
        );
    }
}
