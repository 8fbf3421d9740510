//! PINs: drawing one, the SMS that carries it, and the outcome of an attempt. Every proof of a
//! number by PIN comes from here; the widget and a partner's app differ only in who may continue
//! with the proof.

use crate::ambient::Random;
use crate::ceiling::{reject_exceeded, seconds_until};
use crate::config::PinsPerHour;
use crate::delivery::{PinSms, seal};
use crate::fault::Fault;
use crate::instruments::{Instruments, PinResult, RateLimit};
use crate::keys::Vault;
use crate::sms::sms_words;
use crate::store::{Hash, NewPin, PinAsker, PinAttempt, PinCeiling, StartFlowResult};
use onbill_domain::limits::{PIN_DIGITS, PIN_TTL_SECONDS};
use onbill_domain::locale::Locale;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::site_origin::parse_site_origin;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::typed::code_symbols;
use onbill_domain::wire::edge::ChallengeState;
use onbill_domain::words::fill_placeholders;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Number of distinct PINs.
const PINS: u32 = 1_000_000;
/// The largest multiple of [`PINS`] among 32-bit numbers.
const EVEN: u32 = u32::MAX - u32::MAX % PINS;
const _: () = assert!(PIN_DIGITS == 6, "PINS counts the codes of six digits");

/// What a PIN gives access to, as its SMS says.
#[derive(Clone, Copy)]
pub(crate) enum GoodFor {
    Paying,
    /// The customer's own page.
    OwnPage,
}

/// A PIN that a customer asks for.
pub(crate) struct WantedPin<'p> {
    pub(crate) good_for: GoodFor,
    /// The language of its SMS.
    pub(crate) locale: Locale,
    pub(crate) asked_by: PinAsker,
    /// What the edge says of a challenge; `None` where it has none.
    pub(crate) challenge: Option<ChallengeState>,
    /// The page of the dashboard that has the widget, where a browser shows one.
    pub(crate) page: Option<&'p str>,
}

pub struct PinIssuer {
    /// The operator's name as customers see it.
    pub(crate) operator_name: String,
    /// Where the widget's frame comes from.
    pub(crate) edge_url: String,
    pub(crate) vault: Arc<Vault>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) pins_per_hour: PinsPerHour,
}

impl PinIssuer {
    /// Draws a PIN for a flow and seals its SMS. Every number gets one alike: the queue decides
    /// whether to send it.
    pub(crate) fn issue(
        &self,
        now: Timestamp,
        flow: &Hash,
        msisdn: &Msisdn,
        wanted: WantedPin<'_>,
    ) -> Result<NewPin, Fault> {
        let WantedPin { good_for, locale, asked_by, challenge, page } = wanted;
        let pin = draw_pin(&*self.random);
        let expires_at = now.plus_seconds(PIN_TTL_SECONDS);
        let mut body = format_pin_sms(&self.operator_name, &pin, good_for, locale);
        if let Some(line) = page.and_then(|page| format_bound_pin(&pin, page, &self.edge_url)) {
            body.push('\n');
            body.push_str(&line);
        }
        let sms = PinSms { msisdn: msisdn.clone(), body, flow: *flow, expires_at };
        let message = seal(&self.vault, &*self.random, &sms)?;
        let ceiling = PinCeiling { per_hour: self.pins_per_hour.count() };
        let mac = self.vault.pin_mac(flow, &pin);
        let can_challenge = challenge == Some(ChallengeState::Offered);
        Ok(NewPin { mac, expires_at, message, asked_by, ceiling, can_challenge })
    }
}

/// 409 `token-already-used` for an assertion that another frame has used; 429 when the number has had
/// its PINs, or when the ceiling of all PINs is reached; 403 `challenge-required`. `who` is as in
/// [`reject_exceeded`].
pub(crate) fn check_started(
    instruments: &Instruments,
    now: Timestamp,
    start: StartFlowResult,
    who: &str,
) -> Result<(), Reject> {
    let metrics = &instruments.metrics;
    match start {
        StartFlowResult::Started => Ok(()),
        StartFlowResult::AssertionUsed => {
            Err(Reject::new(ErrorCode::TokenAlreadyUsed, "The session assertion was used by another page."))
        }
        StartFlowResult::TooManyPins { again_at } => {
            metrics.visits.note_pin(PinResult::Limited);
            metrics.refusals.note_limited(RateLimit::PinsOfNumber);
            Err(Reject::too_many_requests(
                "This number has used up its codes for now.",
                seconds_until(again_at, now),
            ))
        }
        StartFlowResult::ChallengeNeeded => {
            metrics.visits.note_pin(PinResult::Challenged);
            Err(Reject::new(ErrorCode::ChallengeRequired, "A challenge has to be solved first."))
        }
        StartFlowResult::CeilingReached(exceeded) => {
            metrics.visits.note_pin(PinResult::Limited);
            Err(reject_exceeded(instruments, now, exceeded, who))
        }
    }
}

/// Returns what an attempt has proven; 400 `pin-invalid`, 400 `pin-expired` (also when there is no
/// such flow), or 429 after the last attempt, until the PIN would have expired.
pub(crate) fn check_tried<F>(
    instruments: &Instruments,
    now: Timestamp,
    tried: PinAttempt<F>,
) -> Result<F, Reject> {
    let metrics = &instruments.metrics;
    metrics.visits.note_pin(match &tried {
        PinAttempt::Proven(_) => PinResult::Right,
        PinAttempt::Wrong => PinResult::Wrong,
        PinAttempt::UsedUp { .. } => PinResult::Limited,
        PinAttempt::Expired => PinResult::Expired,
    });
    match tried {
        PinAttempt::Proven(flow) => Ok(flow),
        PinAttempt::Wrong => Err(pin_invalid()),
        PinAttempt::UsedUp { expires_at } => {
            metrics.refusals.note_limited(RateLimit::PinTries);
            let message = "Too many tries: ask for a new PIN.";
            Err(Reject::too_many_requests(message, seconds_until(expires_at, now)))
        }
        PinAttempt::Expired => Err(pin_expired()),
    }
}

/// 400 `pin-expired`, also for a PIN that was sent to the number's subscriber of before.
pub(crate) fn pin_expired() -> Reject {
    Reject::new(ErrorCode::PinExpired, "The PIN is no longer valid.")
}

/// 400 `pin-invalid`.
pub(crate) fn pin_invalid() -> Reject {
    Reject::new(ErrorCode::PinInvalid, "The PIN does not match.")
}

/// Normalizes a PIN as people type it: its letters and digits, in the digits of any script. A letter
/// stays and will not match.
pub(crate) fn as_digits(typed: &str) -> Zeroizing<String> {
    // Twice the digits is enough to detect a wrong PIN.
    Zeroizing::new(code_symbols(typed).take(2 * PIN_DIGITS).collect())
}

/// Draws a PIN. Each of the million is equally likely: draws from the incomplete range at the end
/// are discarded.
fn draw_pin(random: &dyn Random) -> Zeroizing<String> {
    loop {
        let drawn = u32::from_le_bytes(random.bytes());
        if drawn < EVEN {
            return Zeroizing::new(format!("{:0PIN_DIGITS$}", drawn % PINS));
        }
    }
}

fn format_pin_sms(operator: &str, pin: &str, good_for: GoodFor, locale: Locale) -> String {
    let words = sms_words(locale);
    let purpose = match good_for {
        GoodFor::Paying => &words.pin_to_pay,
        GoodFor::OwnPage => &words.pin_own_page,
    };
    let minutes = (PIN_TTL_SECONDS / 60).to_string();
    let values = [("pin", pin), ("operator", operator), ("purpose", purpose), ("minutes", &minutes)];
    fill_placeholders(&words.pin, &values)
}

/// The last line of a PIN's SMS: the site of the page, the PIN, and the site of the frame in it. A
/// browser fills the PIN in there and on no other site, so that a copy of the page gets none
/// (<https://wicg.github.io/sms-one-time-codes/>). `None` where a site has no name of its own: the
/// line has no scheme and no port, and means TLS on the usual one.
fn format_bound_pin(pin: &str, page: &str, edge: &str) -> Option<String> {
    let name_site = |url: &str| {
        let origin = parse_site_origin(url)?;
        let host = origin.strip_prefix("https://")?;
        (!host.contains(':')).then(|| host.to_owned())
    };
    let (page, edge) = (name_site(page)?, name_site(edge)?);
    Some(if page == edge { format!("@{page} #{pin}") } else { format!("@{page} #{pin} @{edge}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sms::assert_parts;
    use std::sync::Mutex;

    struct Draws(Mutex<Vec<u32>>);

    impl Random for Draws {
        fn fill(&self, bytes: &mut [u8]) {
            let next = self.0.lock().expect("is not poisoned").remove(0);
            bytes.copy_from_slice(&next.to_le_bytes());
        }
    }

    #[test]
    fn pin_has_six_digits_and_no_bias() {
        let drawn = |draws: Vec<u32>| draw_pin(&Draws(Mutex::new(draws))).to_string();
        assert_eq!(drawn(vec![7]), "000007");
        assert_eq!(drawn(vec![4_294_000_000 - 1]), "999999");
        assert_eq!(drawn(vec![4_294_000_000, u32::MAX, 12]), "000012", "the ragged end is drawn again");
    }

    #[test]
    fn people_type_a_pin_in_their_own_digits() {
        for typed in
            ["123456", " 123 456 ", "١٢٣٤٥٦", "۱۲۳۴۵۶", "１２３４５６", "\u{2068}123\u{2011}456\u{2069}."]
        {
            assert_eq!(as_digits(typed).as_str(), "123456", "{typed}");
        }
        for other in ["1234567", "12345", "12345O", "12345x6"] {
            assert_ne!(as_digits(other).as_str(), "123456", "{other}");
        }
    }

    #[test]
    fn pin_sms_names_code_operator_and_purpose() {
        for locale in Locale::ALL {
            let [pay, see] = [GoodFor::Paying, GoodFor::OwnPage]
                .map(|what| format_pin_sms("Acme", "123456", what, locale));
            assert_ne!(pay, see);
            for text in [pay, see] {
                assert!(text.contains("123456") && text.contains("Acme") && text.contains("10"), "{text}");
            }
        }
    }

    #[test]
    fn pin_is_bound_to_page_and_frame() {
        let bind = |page, edge| format_bound_pin("123456", page, edge);
        let edge = "https://pay.example.com";
        assert_eq!(
            bind("https://my.acme.example/done?a=b", edge).as_deref(),
            Some("@my.acme.example #123456 @pay.example.com")
        );
        assert_eq!(bind("https://pay.example.com/", edge).as_deref(), Some("@pay.example.com #123456"));
        for nameless in [
            "http://my.acme.example/",
            "http://127.0.0.1:8790/",
            "https://my.acme.example:8443/",
            "https://[::1]/",
        ] {
            assert_eq!(bind(nameless, edge), None, "{nameless}");
            assert_eq!(bind("https://my.acme.example/", nameless), None, "{nameless}");
        }
    }

    #[test]
    fn pin_sms_takes_its_declared_parts() {
        let line = format_bound_pin("123456", "https://my.acme.example/", "https://pay.example.com");
        let line = line.expect("both have names");
        for locale in Locale::ALL {
            for (key, good_for) in [("pin-to-pay", GoodFor::Paying), ("pin-own-page", GoodFor::OwnPage)] {
                let sms = format_pin_sms("Acme Mobile Telecom", "123456", good_for, locale);
                assert_parts(locale, key, &sms);
                assert_parts(locale, &format!("{key}-on-page"), &format!("{sms}\n{line}"));
            }
        }
    }
}
