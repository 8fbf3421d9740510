//! PINs: drawing one, and the text message that carries it.

use crate::ambient::Random;
use crate::app::App;
use onbill_domain::limits::{PIN_DIGITS, PIN_SECONDS};
use onbill_domain::locale::Locale;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// How many PINs there are.
const PINS: u32 = 1_000_000;
/// The largest multiple of [`PINS`] among 32-bit numbers.
const EVEN: u32 = u32::MAX - u32::MAX % PINS;
const _: () = assert!(PIN_DIGITS == 6, "PINS counts the codes of six digits");

/// A message in the outbox, before it is sealed.
#[derive(Serialize, Deserialize)]
pub(crate) struct PinMessage {
    pub(crate) msisdn: Msisdn,
    pub(crate) text: String,
    /// When the PIN is over and the message not worth sending any more.
    pub(crate) expires_at: Timestamp,
}

/// Draws a PIN. Each of the million is equally likely: draws from the ragged end of the range are thrown away.
pub(crate) fn draw(random: &dyn Random) -> Zeroizing<String> {
    loop {
        let drawn = u32::from_le_bytes(random.bytes());
        if drawn < EVEN {
            return Zeroizing::new(format!("{:0PIN_DIGITS$}", drawn % PINS));
        }
    }
}

/// The sealed message for a number. It is made for every number alike; whether it is sent is the outbox's decision.
pub(crate) fn message(app: &App, msisdn: &Msisdn, pin: &str, locale: Locale) -> Option<Vec<u8>> {
    let message = PinMessage {
        msisdn: msisdn.clone(),
        text: text(&app.config.name, pin, locale),
        expires_at: app.now().plus_seconds(PIN_SECONDS),
    };
    let plain = Zeroizing::new(serde_json::to_vec(&message).ok()?);
    app.vault.seal_message(&*app.random, &plain)
}

/// Says who asks, what the code is for, and that nobody else should be given it: that is what a caller who phishes
/// for codes hopes people do not know.
fn text(operator: &str, pin: &str, locale: Locale) -> String {
    let minutes = PIN_SECONDS / 60;
    match locale {
        Locale::En => format!(
            "{pin} is your {operator} code to pay on your phone bill. Valid {minutes} minutes. Never share it."
        ),
        Locale::Es => format!(
            "{pin} es su código de {operator} para pagar en su factura. Válido {minutes} minutos. No lo comparta."
        ),
        Locale::Fr => format!(
            "{pin} est votre code {operator} pour payer sur votre facture. Valable {minutes} minutes. Ne le communiquez à personne."
        ),
        Locale::De => format!(
            "{pin} ist Ihr {operator}-Code für die Zahlung über die Rechnung. {minutes} Minuten gültig. Geben Sie ihn nicht weiter."
        ),
        Locale::Ar => format!(
            "{pin} هو رمز {operator} للدفع عبر فاتورة هاتفك. صالح لمدة {minutes} دقائق. لا تشاركه مع أحد."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    struct Draws(Mutex<Vec<u32>>);

    impl Random for Draws {
        fn fill(&self, bytes: &mut [u8]) {
            let next = self.0.lock().expect("is not poisoned").remove(0);
            bytes.copy_from_slice(&next.to_le_bytes());
        }
    }

    #[test]
    fn a_pin_has_six_digits_and_no_bias() {
        let drawn = |draws: Vec<u32>| draw(&Draws(Mutex::new(draws))).to_string();
        assert_eq!(drawn(vec![7]), "000007");
        assert_eq!(drawn(vec![4_294_000_000 - 1]), "999999");
        assert_eq!(drawn(vec![4_294_000_000, u32::MAX, 12]), "000012", "the ragged end is drawn again");
    }

    #[test]
    fn every_language_names_the_code_and_the_operator() {
        for locale in Locale::ALL {
            let text = text("Acme", "123456", locale);
            assert!(text.contains("123456") && text.contains("Acme") && text.contains("10"), "{text}");
        }
    }
}
