//! The words of a coupon's text messages, in each language. They have no number in them, and an address only where the
//! operator has configured one: it is the same for everybody. But for Arabic, all of their letters are in the GSM alphabet,
//! which has no ó, í or À: with one of these a text takes twice as many messages.

use onbill_domain::day::Day;
use onbill_domain::locale::Locale;
use onbill_domain::timestamp::Timestamp;

/// What a coupon is.
pub(super) struct About<'a> {
    pub(super) offer: &'a str,
    pub(super) months: u8,
    pub(super) expires_at: Timestamp,
}

/// The code, what it is worth, and that it costs something when it is redeemed. A code that replaces another says so:
/// whoever has both would try the old one first.
pub(super) fn coupon(
    operator: &str,
    code: &str,
    about: &About<'_>,
    replaces: bool,
    locale: Locale,
) -> String {
    let About { offer, months, expires_at } = about;
    // The day in UTC before it is over: a customer who trusts it is in time everywhere.
    let until = Day::of_timestamp(expires_at.plus_seconds(-1)).minus_days(1);
    let mut text = match locale {
        Locale::En => format!(
            "{operator}: {code} is your code for {months} months of {offer}. Redeem it by {until}; the price is then added to your bill. Keep it like cash."
        ),
        Locale::Es => format!(
            "{operator}: {code} es su clave para {months} meses de {offer}. Canjéela hasta el {until}; el precio se añade entonces a su factura. Vale como dinero en efectivo."
        ),
        Locale::Fr => format!(
            "{operator} : {code} est votre code pour {months} mois de {offer}. Utilisable jusqu'au {until} ; le prix est alors ajouté à votre facture. Gardez-le comme de l'argent."
        ),
        Locale::De => format!(
            "{operator}: {code} ist Ihr Code für {months} Monate {offer}. Einlösbar bis {until}; der Preis kommt dann auf Ihre Rechnung. Bewahren Sie ihn auf wie Bargeld."
        ),
        Locale::Ar => format!(
            "{operator}: {code} هو رمزك للحصول على {months} شهرا من {offer}. استخدمه حتى {until} وسيضاف السعر عندئذ إلى فاتورتك. احتفظ به كالنقود."
        ),
    };
    if replaces {
        text += match locale {
            Locale::En => " It replaces your earlier code.",
            Locale::Es => " Sustituye a su clave anterior.",
            Locale::Fr => " Il remplace votre code précédent.",
            Locale::De => " Er ersetzt Ihren früheren Code.",
            Locale::Ar => " وهو يحل محل رمزك السابق.",
        };
    }
    text
}

/// That the months end, and where to go on.
pub(super) fn reminder(operator: &str, offer: &str, last_day: Day, url: &str, locale: Locale) -> String {
    match locale {
        Locale::En => format!(
            "{operator}: your months of {offer} end on {last_day}. Go on without a gap and pay on your bill: {url}"
        ),
        Locale::Es => format!(
            "{operator}: sus meses de {offer} terminan el {last_day}. Siga sin pausas y pague en su factura: {url}"
        ),
        Locale::Fr => format!(
            "{operator} : vos mois de {offer} se terminent le {last_day}. Continuez sans interruption et payez sur votre facture : {url}"
        ),
        Locale::De => format!(
            "{operator}: Ihre Monate {offer} enden am {last_day}. Ohne Lücke weiter und auf der Rechnung zahlen: {url}"
        ),
        Locale::Ar => {
            format!("{operator}: تنتهي أشهر {offer} في {last_day}. تابع دون انقطاع وادفع عبر فاتورتك: {url}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sms::parts_of;

    #[test]
    fn every_language_says_all_of_it() {
        let expires_at = Timestamp::parse("2027-11-18T12:00:00Z").expect("is a time");
        let about = About { offer: "Netflix Standard", months: 6, expires_at };
        let day = Day::parse("2027-05-17").expect("is a day");
        for locale in Locale::ALL {
            let text = coupon("Acme", "AC00-0G40-R4ZB-XZSZ-FYRJ", &about, false, locale);
            for part in ["Acme", "AC00-0G40-R4ZB-XZSZ-FYRJ", "Netflix Standard", "6", "2027-11-17"] {
                assert!(text.contains(part), "{part}: {text}");
            }
            let again = coupon("Acme", "AC00-0G40-R4ZB-XZSZ-FYRJ", &about, true, locale);
            assert!(again.starts_with(&text) && again.len() > text.len(), "{again}");
            let text = reminder("Acme", "Netflix Standard", day, "https://acme.example/go", locale);
            for part in ["Acme", "Netflix Standard", "2027-05-17", "https://acme.example/go"] {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
    }
    #[test]
    fn a_message_takes_as_many_parts_as_is_documented() {
        let expires_at = Timestamp::parse("2027-11-18T12:00:00Z").expect("is a time");
        let day = Day::parse("2027-05-17").expect("is a day");
        // A long name, a long title, and an address of sixty characters.
        let (operator, offer) = ("Acme Mobile Telecom", "Netflix Standard with ads");
        let url = format!("https://{}", "my.acme-mobile-telecom.example/go-on/".repeat(2));
        let url = &url[..60];
        let about = About { offer, months: 12, expires_at };
        for locale in Locale::ALL {
            let text = reminder(operator, offer, day, url, locale);
            assert!(
                text.ends_with(url),
                "nothing stands behind the address that could be taken for a part of it: {text}"
            );
            assert!(text.contains(&format!(" {url}")), "nor before it");
            let code = coupon(operator, "AC00-0G40-R4ZB-XZSZ-FYRJ", &about, true, locale);
            let arabic = locale == Locale::Ar;
            for (text, most) in [(&text, if arabic { 3 } else { 2 }), (&code, if arabic { 4 } else { 2 })] {
                let (parts, in_gsm) = parts_of(text).expect("can be sent");
                assert!(
                    parts <= most && in_gsm == (locale != Locale::Ar),
                    "{parts} {in_gsm} {locale:?}: {text}"
                );
            }
        }
    }
}
