//! Days and prices as the language of an SMS writes them. All of it is in the GSM alphabet, and
//! nothing needs marks of direction, which some phones show as boxes.
//!
//! Not here: days and prices in the widget, which the browser writes.

use onbill_domain::day::Day;
use onbill_domain::locale::Locale;
use onbill_domain::money::Money;

/// A day, with the day of the month before the month. English and Spanish name the month: their
/// readers do not agree on which number comes first, as in the United States, Panama and Puerto Rico.
pub(crate) fn day_text(day: Day, locale: Locale) -> String {
    let (year, month, date) = day.parts();
    let with_name = |names: [&str; 12]| format!("{date} {} {year}", names[usize::from(month - 1)]);
    match locale {
        Locale::En => {
            with_name(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"])
        }
        Locale::Es => {
            with_name(["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"])
        }
        Locale::Fr | Locale::Ar => format!("{date:02}/{month:02}/{year}"),
        Locale::De => format!("{date:02}.{month:02}.{year}"),
    }
}

/// A price such as `17.99 USD`, with a decimal comma where the language has one in this country
/// (ISO 3166, as CLDR has it).
pub(crate) fn price_text(price: Money, locale: Locale, country: &str) -> String {
    let text = price.to_string();
    let has_comma = match locale {
        Locale::En => false,
        Locale::Es => !matches!(
            country,
            "BR" | "BZ" | "CU" | "DO" | "GT" | "HN" | "MX" | "NI" | "PA" | "PE" | "PR" | "SV" | "US"
        ),
        Locale::Fr => country != "CH",
        Locale::De => !matches!(country, "CH" | "LI"),
        Locale::Ar => matches!(country, "DZ" | "LB" | "LY" | "MA" | "MR" | "TN"),
    };
    if has_comma { text.replace('.', ",") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onbill_domain::currency::Currency;

    #[test]
    fn day_is_written_as_in_the_language() {
        let day = Day::parse("2027-02-01").expect("is a day");
        assert_eq!(
            Locale::ALL.map(|locale| day_text(day, locale)),
            ["1 Feb 2027", "1 feb 2027", "01/02/2027", "01.02.2027", "01/02/2027"]
        );
        let last = Day::parse("2027-12-31").expect("is a day");
        assert_eq!(day_text(last, Locale::En), "31 Dec 2027");
        assert_eq!(day_text(last, Locale::Es), "31 dic 2027");
    }

    #[test]
    fn price_has_the_decimal_mark_of_language_and_country() {
        let price = Money { amount_minor: 1799, currency: Currency::parse("USD").expect("is listed") };
        let written = [
            (Locale::En, "US", "17.99 USD"),
            (Locale::Es, "US", "17.99 USD"),
            (Locale::Es, "MX", "17.99 USD"),
            (Locale::Es, "CU", "17.99 USD"),
            (Locale::Es, "ES", "17,99 USD"),
            (Locale::Fr, "CA", "17,99 USD"),
            (Locale::De, "AT", "17,99 USD"),
            (Locale::De, "CH", "17.99 USD"),
            (Locale::Ar, "EG", "17.99 USD"),
            (Locale::Ar, "LB", "17,99 USD"),
            (Locale::Ar, "MA", "17,99 USD"),
        ];
        for locale in Locale::ALL {
            assert!(written.iter().any(|(tried, ..)| *tried == locale), "{locale:?} has no price here");
        }
        for (locale, country, text) in written {
            assert_eq!(price_text(price, locale, country), text, "{locale:?} {country}");
        }
        for (amount_minor, currency, text) in [(1500, "JPY", "1500 JPY"), (6500, "KWD", "6,500 KWD")] {
            let price = Money { amount_minor, currency: Currency::parse(currency).expect("is listed") };
            assert_eq!(price_text(price, Locale::De, "DE"), text);
        }
    }
}
