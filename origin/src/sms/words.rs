//! The texts of SMS in each language, from `words/` at the root. No text contains the subscriber's
//! number.

use onbill_domain::locale::Locale;
use onbill_domain::plural::PluralForm;
use onbill_domain::words::fill_placeholders;
use onbill_domain::words_section;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The texts of one language, with placeholders such as `{operator}`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct SmsWords {
    /// The PIN, the operator that asks for it, its purpose, and that it must not be shared: a
    /// caller who phishes for PINs relies on people not knowing that.
    pub(crate) pin: String,
    pub(crate) pin_to_pay: String,
    pub(crate) pin_own_page: String,
    /// The code, its value, and that redeeming it costs money.
    pub(crate) coupon: String,
    /// Added to a code that replaces another: a customer with both would try the old one first.
    pub(crate) coupon_replaces: String,
    /// That the months end, and where to continue.
    pub(crate) coupon_reminder: String,
    /// From when a subscription costs what on the bill, and how to cancel it before.
    pub(crate) price_change: String,
    /// The same for who pays from a balance.
    pub(crate) price_change_prepaid: String,
    /// That it costs what it did: what was announced is withdrawn.
    pub(crate) price_withdrawn: String,
}

/// In the order of the variants, which is that of `ALL`.
static WORDS: LazyLock<[SmsWords; Locale::ALL.len()]> = LazyLock::new(|| {
    Locale::ALL.map(|locale| {
        serde_json::from_str(words_section!("sms", locale)).expect("a test parses the words of each language")
    })
});

pub(crate) fn sms_words(locale: Locale) -> &'static SmsWords {
    &WORDS[locale as usize]
}

/// `months` of each language, by plural form.
static MONTHS: LazyLock<[BTreeMap<String, String>; Locale::ALL.len()]> = LazyLock::new(|| {
    Locale::ALL.map(|locale| {
        serde_json::from_str(words_section!("months", locale))
            .expect("a test parses the words of each language")
    })
});

/// So many months, such as `6 months`.
pub(crate) fn months_text(months: u8, locale: Locale) -> String {
    let texts = &MONTHS[locale as usize];
    let text = texts.get(PluralForm::of(months, locale).as_str()).map_or("", String::as_str);
    fill_placeholders(text, &[("count", &months.to_string())])
}

/// Holds an SMS to the parts that `sms-parts` of its language declares for texts with long names.
#[cfg(test)]
pub(crate) fn assert_parts(locale: Locale, key: &str, sms: &str) {
    let declared: BTreeMap<String, String> =
        serde_json::from_str(words_section!("sms-parts", locale)).expect("is a map of texts");
    let (parts, in_gsm) = super::parts_of(sms).expect("can be sent");
    let parts = format!("{parts} {}", if in_gsm { "GSM-7" } else { "UCS-2" });
    assert_eq!(declared.get(key), Some(&parts), "{locale:?} {key}: {sms}");
    assert!(!sms.contains(['{', '}']), "no placeholder is left: {sms}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_counted_as_the_language_counts() {
        let texts = |locale| [1, 2, 6, 12].map(|months| months_text(months, locale));
        assert_eq!(texts(Locale::En), ["1 month", "2 months", "6 months", "12 months"]);
        assert_eq!(texts(Locale::De), ["1 Monat", "2 Monate", "6 Monate", "12 Monate"]);
        assert_eq!(texts(Locale::Ar), ["شهر واحد", "شهرين", "6 أشهر", "12 شهرا"]);
        for (locale, months) in Locale::ALL.into_iter().flat_map(|locale| (1..=60).map(move |n| (locale, n)))
        {
            let text = months_text(months, locale);
            assert!(!text.is_empty() && !text.contains('{'), "{locale:?} {months}: {text}");
        }
    }
}
