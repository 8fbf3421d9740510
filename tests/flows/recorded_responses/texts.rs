//! Every SMS in every language, as the operator's gateway gets it.

use super::recorder::ResponseRecorder;
use http::Method;
use onbill_domain::locale::Locale;
use serde_json::json;

const GOOD: &str = "+12025550101";
const OTHER: &str = "+12025550102";
/// Numbers of which one in each language buys a coupon: one reminder is sent when its days end.
const BUYERS: [&str; 8] = [
    "+12025550107",
    "+12025550109",
    "+12025550110",
    "+12025550112",
    "+12025550113",
    "+12025550114",
    "+12025550115",
    "+12025550108",
];
const SIX_MONTHS_ALMOST: i64 = 170 * 86_400;

pub(super) async fn record(recorder: &mut ResponseRecorder) {
    record_pins(recorder).await;
    record_coupons(recorder).await;
    record_notifications(recorder).await;
}

async fn record_pins(recorder: &mut ResponseRecorder) {
    for locale in Locale::ALL {
        let locale = locale.as_str();
        recorder.begin_section(&format!("PINs in {locale}"));
        let buy = json!({"operator": "acme", "offer": "netflix-standard", "msisdn": GOOD, "locale": locale});
        recorder.widget("to buy", "/account/validate", &buy).await;
        recorder.read_pin(GOOD).await;
        let see = json!({"operator": "acme", "view": "account", "msisdn": OTHER, "locale": locale});
        recorder.widget("to see the own page", "/account/validate", &see).await;
        recorder.read_pin(OTHER).await;
        let device = json!({"operator": "nova", "msisdn": "+34612345601", "locale": locale});
        recorder.partner("on a device", Method::POST, "/pin", &device).await;
        recorder.nova_pin("+34612345601").await;
    }
}

/// The code in an SMS with one.
pub(super) fn code_in(sms: &str) -> String {
    let words = sms.split_whitespace().map(|word| word.trim_matches(['.', ',', ':', ';']));
    words.filter(|word| word.is_ascii()).find(|word| word.len() == 24).expect("has a code").to_owned()
}

async fn record_coupons(recorder: &mut ResponseRecorder) {
    const { assert!(BUYERS.len() >= Locale::ALL.len(), "each language has a buyer") };
    for (locale, number) in Locale::ALL.into_iter().zip(BUYERS) {
        let locale = locale.as_str();
        recorder.begin_section(&format!("coupons in {locale}"));
        let coupon = json!({"extCouponID": format!("c-{locale}"), "msisdn": number, "plan": "6M", "locale": locale,
                            "amount": {"value": 8999, "currency": "USD"}});
        recorder.operator("a coupon", "/coupons", &coupon).await;
        recorder.newest_sms(|system| &system.acme, number).await;
        recorder.operator("again", &format!("/coupons/c-{locale}/resend"), &json!({})).await;
        let code = code_in(&recorder.newest_sms(|system| &system.acme, number).await);
        let redeem = json!({"code": code, "extReference": format!("r-{locale}")});
        recorder.known_partner("redeemed", "/coupon/redeem", &redeem).await;
    }
    recorder.begin_section("reminders");
    recorder.system.advance_seconds(SIX_MONTHS_ALMOST);
    let count = recorder.system.acme.app().coupons.remind_all().await.expect("works");
    assert_eq!(count, Locale::ALL.len());
    recorder.deliver("in every language").await;
}

async fn record_notifications(recorder: &mut ResponseRecorder) {
    recorder.begin_section("a partner's notification");
    let validated = json!({"msisdn": GOOD, "operator": "acme"});
    let pai = recorder.partner("a PAI", Method::POST, "/account/validate", &validated).await.text("pai");
    for message in ["Payment failed.", "El pago falló: 15,99 €", "فشل الدفع"] {
        let body = json!({"pai": pai, "message": message});
        recorder.partner("a message", Method::POST, "/notification", &body).await;
        recorder.deliver("its SMS").await;
    }
}
