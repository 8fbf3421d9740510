//! The limits that the documents state in words, against their constants.

use super::document::document;
use onbill_domain::limits::{
    BODY_BYTES_MAX, CHARGE_MINOR_MAX, COUPON_MONTHS_MAX, COUPON_SMS_MAX, DESK_LINES_MAX, JWS_BYTES_MAX,
    MANDATES_PER_PAGE, NONCE_BYTES_MAX, NONCE_BYTES_MIN, NOTIFICATION_UTF16_UNITS_MAX,
    NOTIFICATIONS_PER_DAY_MAX, NUMBER_CHECKS_PER_DAY_MAX, PIN_ATTEMPTS_MAX, PIN_DIGITS, PIN_TTL_SECONDS,
    PINS_PER_DAY_MAX, SERVICE_PERIOD_DAYS_MAX, SIGNATURE_SKEW_SECONDS, SIGNUP_TOKEN_TTL_SECONDS,
    TRANSACTIONS_PER_PAGE, URL_BYTES_MAX,
};
use onbill_edge::platform::SEND_SECONDS_MAX;

#[test]
fn limit_in_words_is_that_of_the_program() {
    let kib = BODY_BYTES_MAX / 1024;
    let stated = [
        ("ott", format!("at most {kib} KiB")),
        ("ott", format!("at most {SIGNATURE_SKEW_SECONDS} from the clock")),
        ("ott", format!("has {NONCE_BYTES_MIN} to {NONCE_BYTES_MAX} bytes")),
        ("ott", format!("valid for {SIGNUP_TOKEN_TTL_SECONDS} seconds")),
        ("ott", format!("older than {SIGNUP_TOKEN_TTL_SECONDS} seconds")),
        ("ott", format!("JWS of at most {JWS_BYTES_MAX} bytes")),
        ("ott", format!("At most {URL_BYTES_MAX} bytes")),
        ("ott", format!("{PIN_DIGITS} digits as text")),
        ("ott", format!("older than {PIN_TTL_SECONDS} seconds")),
        ("ott", format!("{PIN_TTL_SECONDS} seconds after it was made")),
        ("ott", format!("a PIN was tried {PIN_ATTEMPTS_MAX} times")),
        ("ott", format!("has had {PINS_PER_DAY_MAX} PINs from you in 24 hours")),
        ("ott", format!("was asked about {NUMBER_CHECKS_PER_DAY_MAX} times today")),
        ("ott", format!("at most {SERVICE_PERIOD_DAYS_MAX} days")),
        ("ott", format!("1 to {NOTIFICATION_UTF16_UNITS_MAX} UTF-16 units")),
        ("ott", format!("has had {NOTIFICATIONS_PER_DAY_MAX} messages")),
        ("ott", format!("1 to {COUPON_MONTHS_MAX}.")),
        ("operator", format!("at most {kib} KiB")),
        ("operator", format!("At most {SIGNATURE_SKEW_SECONDS} seconds in the future")),
        ("operator", format!("to {CHARGE_MINOR_MAX} minor units")),
        ("operator", format!("has {COUPON_SMS_MAX} SMS at most")),
        ("operator", format!("at most {DESK_LINES_MAX}: open ones first")),
        ("operator", format!("in order: at most {DESK_LINES_MAX}")),
        ("operator", format!("At most {MANDATES_PER_PAGE} lines")),
        ("operator", format!("At most {TRANSACTIONS_PER_PAGE} charges")),
        ("csp", format!("at most {kib} KiB")),
        ("csp", format!("1 to {CHARGE_MINOR_MAX} minor units")),
        ("partner", format!("within {SIGNUP_TOKEN_TTL_SECONDS} seconds")),
        ("partner", format!("answer within {SEND_SECONDS_MAX} seconds")),
        ("partner", format!("JWS of at most {JWS_BYTES_MAX} bytes")),
        ("partner", format!("At most {URL_BYTES_MAX} bytes")),
    ];
    for (name, limit) in stated {
        assert!(document(name).says(&limit), "{name} does not say: {limit}");
    }
}
