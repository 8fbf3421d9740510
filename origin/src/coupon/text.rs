//! The SMS of a coupon. They contain a web address only where the operator has configured one,
//! which is the same for all customers.

use crate::sms::{day_text, months_text, sms_words};
use onbill_domain::day::Day;
use onbill_domain::locale::Locale;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::words::fill_placeholders;

/// What the SMS says about a coupon.
pub(super) struct CouponTerms<'a> {
    pub(super) offer: &'a str,
    pub(super) months: u8,
    pub(super) expires_at: Timestamp,
}

/// The SMS with the code, what it is worth, and that redeeming it costs money. A code that replaces
/// another says so, because a customer with both would try the old one first.
pub(super) fn coupon_sms(
    operator: &str,
    code: &str,
    about: &CouponTerms<'_>,
    replaces: bool,
    locale: Locale,
) -> String {
    let CouponTerms { offer, months, expires_at } = about;
    // The SMS names the UTC day before the one on which the coupon expires, so that a customer in
    // any time zone is in time.
    let until = Day::of_timestamp(expires_at.plus_seconds(-1)).minus_days(1);
    let words = sms_words(locale);
    let (months, until) = (months_text(*months, locale), day_text(until, locale));
    let values =
        [("operator", operator), ("code", code), ("months", &months), ("offer", offer), ("until", &until)];
    let mut text = fill_placeholders(&words.coupon, &values);
    if replaces {
        text += &words.coupon_replaces;
    }
    text
}

/// The SMS that the months end, with the address at which to continue.
pub(super) fn reminder_sms(operator: &str, offer: &str, last_day: Day, url: &str, locale: Locale) -> String {
    let last_day = day_text(last_day, locale);
    let values = [("operator", operator), ("offer", offer), ("last_day", &last_day), ("url", url)];
    fill_placeholders(&sms_words(locale).coupon_reminder, &values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sms::assert_parts;

    #[test]
    fn every_language_says_all_of_it() {
        let expires_at = Timestamp::parse("2027-11-18T12:00:00Z").expect("is a time");
        let about = CouponTerms { offer: "Netflix Standard", months: 6, expires_at };
        let day = Day::parse("2027-05-17").expect("is a day");
        let until = Day::parse("2027-11-17").expect("is a day");
        for locale in Locale::ALL {
            let text = coupon_sms("Acme", "AC00-0G40-R4ZB-XZSZ-FYRJ", &about, false, locale);
            for part in
                ["Acme", "AC00-0G40-R4ZB-XZSZ-FYRJ", "Netflix Standard", "6", &day_text(until, locale)]
            {
                assert!(text.contains(part), "{part}: {text}");
            }
            let again = coupon_sms("Acme", "AC00-0G40-R4ZB-XZSZ-FYRJ", &about, true, locale);
            assert!(again.starts_with(&text) && again.len() > text.len(), "{again}");
            let text = reminder_sms("Acme", "Netflix Standard", day, "https://acme.example/go", locale);
            for part in ["Acme", "Netflix Standard", &day_text(day, locale), "https://acme.example/go"] {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
    }

    #[test]
    fn coupon_sms_counts_its_months() {
        let expires_at = Timestamp::parse("2027-11-18T12:00:00Z").expect("is a time");
        let text = |months, locale| {
            let about = CouponTerms { offer: "Netflix Standard", months, expires_at };
            coupon_sms("Acme", "AC00-0G40-R4ZB-XZSZ-FYRJ", &about, false, locale)
        };
        assert!(text(1, Locale::En).contains("your code for 1 month of Netflix Standard. "));
        assert!(text(6, Locale::En).contains("your code for 6 months of Netflix Standard. "));
        assert!(text(6, Locale::En).contains("Redeem by 17 Nov 2027."));
        assert!(text(6, Locale::De).contains("Ihr Code für 6 Monate Netflix Standard. "));
        assert!(text(6, Locale::De).contains("bis 17.11.2027."));
    }

    #[test]
    fn coupon_sms_takes_its_declared_parts() {
        let expires_at = Timestamp::parse("2027-11-18T12:00:00Z").expect("is a time");
        let day = Day::parse("2027-05-17").expect("is a day");
        // A long operator name, a long title, and an address of sixty characters.
        let (operator, offer) = ("Acme Mobile Telecom", "Netflix Standard with ads");
        let url = format!("https://{}", "my.acme-mobile-telecom.example/go-on/".repeat(2));
        let url = &url[..60];
        let about = CouponTerms { offer, months: 12, expires_at };
        for locale in Locale::ALL {
            let text = reminder_sms(operator, offer, day, url, locale);
            assert!(
                text.ends_with(url),
                "nothing stands behind the address that could be taken for a part of it: {text}"
            );
            assert!(text.contains(&format!(" {url}")), "nor before it");
            let code = coupon_sms(operator, "AC00-0G40-R4ZB-XZSZ-FYRJ", &about, true, locale);
            assert_parts(locale, "coupon", &code);
            assert_parts(locale, "coupon-reminder", &text);
        }
    }
}
