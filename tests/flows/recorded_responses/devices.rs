//! The journey on a device: the partner's app has read the number.

use super::recorder::ResponseRecorder;
use super::refusals;
use super::request::{CallerKind, ScriptedCall};
use http::Method;
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const NOVA: &str = "+34612345601";
const VALIDATE: &str = "/account/validate";

pub(super) async fn record(recorder: &mut ResponseRecorder) {
    by_reading(recorder).await;
    by_pin(recorder).await;
    pin_refusals(recorder).await;
    sim_swaps(recorder).await;
    shared_refusals(recorder).await;
}

fn device_read(number: &str) -> Value {
    json!({"msisdn": number, "operator": "acme"})
}

async fn by_reading(recorder: &mut ResponseRecorder) {
    recorder.begin_section("an operator that takes the app's reading");
    for (label, number) in [
        ("postpaid", GOOD),
        ("postpaid again", GOOD),
        ("prepaid", "+12025550103"),
        ("too low a balance", "+12025550104"),
        ("suspended", "+12025550105"),
        ("ceased", "+12025550106"),
        ("unknown", "+12025550199"),
        ("another operator's", NOVA),
        ("no number", "2025550101"),
    ] {
        recorder.partner(label, Method::POST, VALIDATE, &device_read(number)).await;
    }
    for (member, value) in [
        ("operator", json!("none")),
        ("operator", Value::Null),
        ("offer", json!("netflix-standard")),
        ("offer", json!("none")),
        ("channel", json!("tv")),
        ("pin", json!("123456")),
    ] {
        let mut body = device_read(GOOD);
        body[member] = value.clone();
        recorder.partner(&format!("{member} {value}"), Method::POST, VALIDATE, &body).await;
    }
    let foreign =
        ScriptedCall::post(CallerKind::Partner("tunes"), "/ott/v1/account/validate", &device_read(GOOD));
    recorder.call("a partner that the operator does not sell", foreign).await;
}

async fn by_pin(recorder: &mut ResponseRecorder) {
    recorder.begin_section("an operator that asks for a PIN");
    let send = json!({"msisdn": NOVA, "operator": "nova", "locale": "es-ES"});
    let id = recorder.partner("a PIN", Method::POST, "/pin", &send).await.text("pinID");
    let pin = recorder.nova_pin(NOVA).await;
    let prove = |pin: &str| json!({"msisdn": NOVA, "operator": "nova", "pin": pin, "pinID": id});
    let wrong = if pin == "000000" { "111111" } else { "000000" };
    recorder.partner("a wrong PIN", Method::POST, VALIDATE, &prove(wrong)).await;
    let spaced = format!(" {} {} ", &pin[..3], &pin[3..]);
    let pai = recorder.partner("the right PIN", Method::POST, VALIDATE, &prove(&spaced)).await.text("pai");
    recorder.partner("again", Method::POST, VALIDATE, &prove(&pin)).await;
    let unnamed = json!({"msisdn": NOVA, "operator": "nova", "pin": pin});
    recorder.partner("without its id", Method::POST, VALIDATE, &unnamed).await;
    recorder.deliver("what follows").await;
    let body = json!({"pai": pai, "extSubscriptionID": "s-1", "origin": "NEW_ACCOUNT", "plan": "standard"});
    recorder.partner("a subscription", Method::POST, "/partnerSubscription", &body).await;
    let charge = json!({"extTransactionID": "c-1", "pai": pai, "amount": {"value": 1399, "currency": "EUR"},
        "description": "Netflix Estándar", "servicePeriod": {"from": "2026-12-01", "to": "2026-12-31"}});
    recorder.partner("a charge at the CSP API", Method::POST, "/transaction", &charge).await;
    let refund = json!({"extRefundID": "r-1", "reason": "x"});
    recorder.partner("its refund", Method::POST, "/transaction/c-1/refund", &refund).await;
    let message = json!({"pai": pai, "message": "Hola"});
    recorder.partner("a message", Method::POST, "/notification", &message).await;
    recorder.deliver("its SMS names the partner").await;
    recorder.system.advance_seconds(600);
    recorder.partner("the PIN has expired", Method::POST, VALIDATE, &prove(&pin)).await;
}

async fn pin_refusals(recorder: &mut ResponseRecorder) {
    recorder.begin_section("PINs on a device");
    let number = "+34612345602";
    for (label, body) in [
        ("no PIN", json!({"msisdn": number, "operator": "nova"})),
        ("an empty PIN", json!({"msisdn": number, "operator": "nova", "pin": ""})),
        ("none was sent", json!({"msisdn": number, "operator": "nova", "pin": "123456"})),
        ("an unknown id", json!({"msisdn": number, "operator": "nova", "pin": "123456", "pinID": "none"})),
    ] {
        recorder.partner(label, Method::POST, VALIDATE, &body).await;
    }
    for number in ["+34612345605", "+34612345606", "+34612345699", "+34200000001"] {
        let send = json!({"msisdn": number, "operator": "nova"});
        recorder.partner("any number", Method::POST, "/pin", &send).await;
    }
    recorder.deliver("an SMS goes to those that have an account").await;
    let send = json!({"msisdn": number, "operator": "nova"});
    let id = recorder.partner("a PIN", Method::POST, "/pin", &send).await.text("pinID");
    let pin = recorder.nova_pin(number).await;
    let wrong = if pin == "000000" { "111111" } else { "000000" };
    for pin in [wrong, wrong, wrong, wrong, wrong, wrong, &pin] {
        let prove = json!({"msisdn": number, "operator": "nova", "pin": pin, "pinID": id});
        recorder.partner("tries", Method::POST, VALIDATE, &prove).await;
    }
    for _ in 0..10 {
        recorder.partner("as many as there are in a day", Method::POST, "/pin", &send).await;
    }
    for (member, value) in
        [("msisdn", json!("34612345601")), ("operator", json!("none")), ("locale", json!("xx"))]
    {
        let mut body = json!({"msisdn": "+34612345603", "operator": "nova"});
        body[member] = value;
        recorder.partner(&format!("a wrong {member}"), Method::POST, "/pin", &body).await;
    }
}

async fn sim_swaps(recorder: &mut ResponseRecorder) {
    recorder.begin_section("a SIM that was swapped");
    let number = "+12025550107";
    let event = json!({"eventID": "e-1", "type": "sim-swapped", "msisdn": number,
                       "occurredAt": recorder.system.now().to_string()});
    recorder.operator("the event", "/account-events", &event).await;
    recorder.partner("no proof by device", Method::POST, VALIDATE, &device_read(number)).await;
    let body = super::widget::validate_request(number);
    super::widget::record_proof(recorder, &body).await;
}

async fn shared_refusals(recorder: &mut ResponseRecorder) {
    let caller = CallerKind::Partner("netflix");
    refusals::record(recorder, &ScriptedCall::post(caller, "/ott/v1/account/validate", &device_read(GOOD)))
        .await;
    refusals::record(recorder, &ScriptedCall::post(caller, "/ott/v1/pin", &device_read(GOOD))).await;
}
