//! What all pages have in common: headers that keep a browser from doing more than the page needs,
//! and the format of money, numbers, accounts and dates for readers.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue};
use maud::Markup;
use onbill_domain::account::{Account, AccountStatus};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::money::Money;
use onbill_domain::timestamp::Timestamp;
use time::{Month, OffsetDateTime};

/// A page as a response.
pub fn html(markup: Markup) -> Response {
    let mut response = Response::new(Body::from(markup.into_string()));
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// Adds the security headers to every response; `policy` is the party's content security policy.
pub async fn secure(State(policy): State<HeaderValue>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let fixed: [(HeaderName, &'static str); 3] =
        [(CACHE_CONTROL, "no-store"), (REFERRER_POLICY, "no-referrer"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    response
}

/// `$15.99`, `€13.99`, `1.599 KWD`.
pub fn price(money: Money) -> String {
    let plain = money.to_string();
    let amount = plain.split(' ').next().unwrap_or_default();
    let (sign, amount) = amount.strip_prefix('-').map_or(("", amount), |rest| ("\u{2212}", rest));
    match money.currency.as_str() {
        "USD" => format!("{sign}${amount}"),
        "GBP" => format!("{sign}£{amount}"),
        "EUR" => format!("{sign}€{amount}"),
        other => format!("{sign}{amount}\u{a0}{other}"),
    }
}

/// `+1 (202) 555-0101`, `+34 612 345 601`: grouped for reading.
pub fn spoken_number(e164: &str) -> String {
    let digits = e164.trim_start_matches('+');
    if let Some(national) =
        digits.strip_prefix('1').filter(|national| national.len() == 10 && national.is_ascii())
    {
        return format!("+1 ({}) {}-{}", &national[..3], &national[3..6], &national[6..]);
    }
    let digits: Vec<char> = digits.chars().collect();
    let groups: Vec<String> = digits.rchunks(3).rev().map(|group| group.iter().collect()).collect();
    format!("+{}", groups.join(" "))
}

/// `prepaid $50.00`, `postpaid, suspended`.
pub fn account(account: &Account) -> String {
    let balance = account.balance.map(|balance| format!(" {}", price(balance))).unwrap_or_default();
    let status = match account.status {
        AccountStatus::Active => String::new(),
        other => format!(", {}", other.as_str()),
    };
    format!("{}{balance}{status}", account.account_type.as_str())
}

/// The moment as a calendar date and time in UTC, limited to the years of the calendar.
pub fn calendar(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.unix_seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// `2 November 2019`.
pub fn day(day: Day) -> String {
    let (number, month, year) = parts(day);
    format!("{number} {month} {year}")
}

/// `1 to 31 December 2026`, with the parts of the first day that differ.
pub fn period(period: ServicePeriod) -> String {
    let (first, last) = (parts(period.from()), parts(period.to()));
    let from = match (first.1 == last.1, first.2 == last.2) {
        (true, true) => first.0.to_string(),
        (false, true) => format!("{} {}", first.0, first.1),
        _ => day(period.from()),
    };
    format!("{from} to {}", day(period.to()))
}

/// A day's number, month and year.
fn parts(day: Day) -> (u8, Month, String) {
    let text = day.to_string();
    let number = |range| text.get(range).and_then(|digits: &str| digits.parse::<u8>().ok()).unwrap_or(1);
    let month = Month::try_from(number(5..7)).unwrap_or(Month::January);
    (number(8..10), month, text.get(..4).unwrap_or_default().to_owned())
}

/// `22 November 2026, 08:16 UTC`, which a line may break after the date only.
pub fn moment(at: Timestamp) -> String {
    let date = calendar(at);
    format!("{}\u{a0}{}\u{a0}{}, {}", date.day(), date.month(), date.year(), time_of_day(at))
}

/// `08:16 UTC`, which is never broken: a time without its zone could be any.
pub fn time_of_day(at: Timestamp) -> String {
    let time = calendar(at);
    format!("{:02}:{:02}\u{a0}UTC", time.hour(), time.minute())
}

#[cfg(test)]
mod tests {
    use super::*;
    use onbill_domain::currency::Currency;

    #[test]
    fn money_numbers_and_times_read_well() {
        let money =
            |amount_minor, code| Money { amount_minor, currency: Currency::parse(code).expect("is listed") };
        assert_eq!(price(money(1599, "USD")), "$15.99");
        assert_eq!(price(money(-1399, "EUR")), "\u{2212}€13.99");
        assert_eq!(price(money(1599, "JPY")), "1599\u{a0}JPY");
        assert_eq!(spoken_number("+12025550101"), "+1 (202) 555-0101");
        assert_eq!(spoken_number("+34612345601"), "+34 612 345 601");
        let date = |text: &str| Day::parse(text).expect("is a day");
        assert_eq!(day(date("2019-11-02")), "2 November 2019");
        let span = |from: &str, to: &str| period(ServicePeriod::new(date(from), date(to)).expect("is short"));
        assert_eq!(span("2026-12-01", "2026-12-31"), "1 to 31 December 2026");
        assert_eq!(span("2026-11-15", "2026-12-14"), "15 November to 14 December 2026");
        assert_eq!(span("2026-12-15", "2027-01-14"), "15 December 2026 to 14 January 2027");
        let at = moment(Timestamp::from_unix_seconds(1_795_000_000));
        assert_eq!(at, "18\u{a0}November\u{a0}2026, 11:06\u{a0}UTC");
    }
}
