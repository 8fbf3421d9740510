//! The app on a device: what leaves it, and what each response leads to.

use super::{FakeEdge, NetflixUnderTest, PAI, WholeResponse, ask, form, get, partner};
use crate::testing::NOW;
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

mod trust;

const NUMBER: &str = "+12025550101";
const VALIDATE: &str = "/ott/v1/account/validate";
const PIN: &str = "/ott/v1/pin";
const NEW_ACCOUNT: &str = "email=ana%40example.com&password=x&terms=yes";

fn refusal(status: u16, code: &str) -> (u16, Value) {
    (status, json!({"code": code, "message": "x"}))
}

fn active() -> Value {
    json!({"status": "ACTIVE", "type": "postpaid", "pai": PAI, "operator": "acme"})
}

fn pin_sent() -> (u16, Value) {
    (202, json!({"pinID": "pin-1", "expiresAt": "2026-11-18T11:16:40Z"}))
}

impl FakeEdge {
    pub(super) fn say(&mut self, path: &str, body: Value) -> (u16, Value) {
        self.asked.push((path.to_owned(), body));
        self.answers.pop_front().unwrap_or((200, active()))
    }
}

/// A device, and what its screen shows.
struct DeviceUnderTest<'p> {
    partner: &'p NetflixUnderTest,
    path: String,
}

impl NetflixUnderTest {
    async fn put_in(&self, sim: &str) -> DeviceUnderTest<'_> {
        let answer = ask(&self.router, form("/app", sim)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let path = answer.headers["location"].to_str().expect("is text").to_owned();
        DeviceUnderTest { partner: self, path }
    }

    fn will_answer(&self, answers: impl IntoIterator<Item = (u16, Value)>) {
        self.edge.lock().expect("is whole").answers.extend(answers);
    }

    fn asked(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.edge.lock().expect("is whole").asked)
    }

    fn lose(&self, answers: u32) {
        self.edge.lock().expect("is whole").lost = answers;
    }
}

impl DeviceUnderTest<'_> {
    async fn look(&self) -> String {
        let answer = ask(&self.partner.router, get(&self.path)).await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.text
    }

    async fn turn(&self) -> String {
        between(&self.look().await, r#"name="turn" value=""#, "\"").to_owned()
    }

    async fn send(&self, act: &str, turn: &str, fields: &str) -> WholeResponse {
        let body = format!("turn={turn}&{fields}");
        ask(&self.partner.router, form(&format!("{}/{act}", self.path), &body)).await
    }

    /// A tap on the present screen; returns the screen that follows.
    async fn tap(&self, act: &str, fields: &str) -> String {
        let answer = self.send(act, &self.turn().await, fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        assert_eq!(answer.headers["location"], self.path);
        self.look().await
    }
}

fn between<'t>(text: &'t str, begin: &str, end: &str) -> &'t str {
    let (_, rest) = text.split_once(begin).unwrap_or_else(|| panic!("there is no {begin} in {text}"));
    rest.split(end).next().unwrap_or_default()
}

/// The name of the screen, and of a screen that stops, the reason.
fn screen(page: &str) -> &str {
    match page.split_once("data-stop=\"") {
        Some((_, rest)) => rest.split('"').next().unwrap_or_default(),
        None => between(page, "data-screen=\"", "\""),
    }
}

#[tokio::test]
async fn operators_reason_is_shown_with_its_page() {
    let partner = partner();
    let url = "https://acme.example/help";
    for (code, reason, text) in [
        ("account-not-eligible", "minor", "It is a minor’s."),
        ("account-not-eligible", "unheard-of", "lets some lines pay for nothing but calls"),
        ("suspended-non-payment", "lost-or-stolen", "lost or stolen"),
    ] {
        let device = partner.put_in("sim=acme-1").await;
        let body =
            json!({"code": code, "message": "x", "reason": reason, "wayOn": {"kind": "help", "url": url}});
        partner.will_answer([(400, body)]);
        let page = device.tap("validate", "").await;
        assert_eq!(screen(&page), code);
        assert!(page.contains(text) && page.contains(&format!("href=\"{url}\"")), "{page}");
    }
    // A reason for another code is not the contract's.
    let device = partner.put_in("sim=acme-1").await;
    let body = json!({"code": "account-not-eligible", "message": "x", "reason": "fraud"});
    partner.will_answer([(400, body)]);
    assert_eq!(screen(&device.tap("validate", "").await), "service-unavailable");
}

#[tokio::test]
async fn tap_sends_number_to_its_network_operator_only() {
    let partner = partner();
    let device = partner.put_in("sim=acme-1").await;
    assert_eq!(screen(&device.look().await), "offer");
    assert_eq!(partner.asked(), []);
    assert_eq!(screen(&device.tap("validate", "").await), "account");
    let question =
        json!({"msisdn": NUMBER, "operator": "acme", "offer": "netflix-standard", "channel": "app"});
    assert_eq!(partner.asked(), [(VALIDATE.to_owned(), question)]);

    for sim in ["msisdn=%2B12025550101&network=001-99", "msisdn=&network=00101"] {
        let device = partner.put_in(sim).await;
        assert_eq!(screen(&device.look().await), "other-ways", "{sim}");
        device.send("validate", "0", "").await;
        device.send("new-code", "1", "").await;
        assert_eq!(partner.asked(), [], "{sim}");
    }
    assert_eq!(partner.accounts().await["leaks"], json!([]));
}

#[tokio::test]
async fn new_account_is_recognized_by_its_sim() {
    let partner = partner();
    let device = partner.put_in("sim=acme-1").await;
    device.tap("validate", "").await;
    let done = device.tap("new", NEW_ACCOUNT).await;
    assert_eq!(screen(&done), "done");
    assert!(done.contains("You’re all set") && done.contains("ana@example.com") && done.contains("$15.99"));
    assert_eq!(device.look().await, done, "opened again");

    let accounts = partner.accounts().await;
    assert_eq!(accounts["leaks"], json!([]));
    assert!(!accounts.to_string().contains("2025550101"), "{accounts}");
    assert_eq!(accounts["accounts"][3]["pays"]["pai"], PAI);
    let subscription = partner.edge.lock().expect("is whole").subscriptions[0].clone();
    assert_eq!((&subscription["pai"], &subscription["origin"]), (&json!(PAI), &json!("NEW_ACCOUNT")));
    assert_eq!(partner.run("2026-12").await["totals"]["approved"], 1);
    assert_eq!(partner.charges().await["charges"][0]["pai"], PAI);

    let another = partner.put_in("msisdn=%2B1%20(202)%20555-0101&network=00101").await;
    let known = another.tap("validate", "").await;
    assert_eq!(screen(&known), "done");
    assert!(known.contains("Already paid") && known.contains("a•••@example.com") && !known.contains("ana@"));
    assert_eq!(partner.edge.lock().expect("is whole").subscriptions.len(), 1);
}

#[tokio::test]
async fn account_moves_from_card_and_form_shows_mistakes() {
    let partner = partner();
    partner
        .will_answer([(200, json!({"status": "ACTIVE", "type": "prepaid", "pai": PAI, "operator": "acme"}))]);
    let device = partner.put_in("sim=acme-1").await;
    assert!(device.tap("validate", "").await.contains("from your balance"));
    for (act, fields, says) in [
        ("new", "email=ana&password=x&terms=yes", "Enter an e-mail address"),
        ("new", "email=ana%40example.com&password=x", "Please agree"),
        ("existing", "email=dana%40example.com&password=wrong&terms=yes", "do not match"),
    ] {
        let page = device.tap(act, fields).await;
        assert_eq!(screen(&page), "account");
        let at_form = between(&page, &format!("id=\"{act}-form\""), "</form>");
        assert!(at_form.contains(says), "{act}: {at_form}");
    }
    let done = device.tap("existing", "email=dana%40example.com&password=demo&terms=yes").await;
    assert!(done.contains("You’re all set") && done.contains("from your Acme &lt;Mobile&gt; balance"));
    assert_eq!(partner.edge.lock().expect("is whole").subscriptions[0]["origin"], "EXISTING_ACCOUNT");
    assert_eq!(partner.accounts().await["accounts"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn refusals_have_their_own_screens_and_retry() {
    let partner = partner();
    let device = partner.put_in("sim=acme-1").await;
    partner.will_answer([refusal(404, "account-not-found")]);
    assert_eq!(screen(&device.tap("validate", "").await), "account-not-found");
    for (status, code, says) in [
        (400, "suspended-non-payment", "Once it is paid"),
        (400, "insufficient-balance", "A month costs $15.99"),
        (400, "account-not-eligible", "or pay in another way"),
        (400, "invalid-request", "did not accept"),
        (401, "authorization-failure", "did not accept"),
        (503, "service-unavailable", "does not answer"),
        (500, "internal-error", "does not answer"),
        (
            429,
            "too-many-requests",
            "wait 2 hours. You can try again from 18\u{a0}November\u{a0}2026, 13:06\u{a0}UTC.",
        ),
        (404, "account-not-found", "does not know this number"),
    ] {
        partner.will_answer([refusal(status, code)]);
        let page = device.tap("again", "").await;
        let named = if code == "internal-error" { "service-unavailable" } else { code };
        assert_eq!(screen(&page), named);
        assert!(page.contains(says) && page.contains("<title>Error: "), "{page}");
        assert_eq!(partner.asked().len(), if code == "suspended-non-payment" { 2 } else { 1 });
    }
    assert_eq!(screen(&device.tap("again", "").await), "account");
    assert_eq!(partner.accounts().await["leaks"], json!([]));
}

#[tokio::test]
async fn code_is_sent_entered_and_sent_again() {
    let partner = partner();
    let device = partner.put_in("sim=acme-1").await;
    partner.will_answer([refusal(400, "pin-invalid"), pin_sent()]);
    let page = device.tap("validate", "").await;
    assert_eq!(screen(&page), "code");
    assert!(page.contains("until 11:16\u{a0}UTC") && !page.contains("code-problem"));
    let asked = partner.asked();
    assert_eq!(asked[1], (PIN.to_owned(), json!({"msisdn": NUMBER, "operator": "acme", "locale": "en"})));

    assert!(device.tap("code", "code=%20").await.contains("Enter the digits"));
    assert_eq!(partner.asked(), []);
    for (code, says) in [("pin-invalid", "This is not the code"), ("pin-expired", "has expired")] {
        partner.will_answer([refusal(400, code)]);
        let page = device.tap("code", "code=000000").await;
        assert!(screen(&page) == "code" && page.contains(says), "{page}");
        let (path, body) = partner.asked().remove(0);
        assert_eq!(
            (path.as_str(), &body["pin"], &body["pinID"]),
            (VALIDATE, &json!("000000"), &json!("pin-1"))
        );
    }
    partner.will_answer([refusal(429, "too-many-requests"), pin_sent()]);
    assert_eq!(screen(&device.tap("code", "code=000000").await), "code-used-up");
    assert_eq!(screen(&device.tap("again", "").await), "code");
    partner.will_answer([refusal(429, "too-many-requests"), pin_sent()]);
    assert_eq!(screen(&device.tap("new-code", "").await), "too-many-requests");
    assert_eq!(screen(&device.tap("again", "").await), "code");
    partner.asked();
    partner.will_answer([refusal(400, "insufficient-balance")]);
    assert_eq!(screen(&device.tap("code", "code=123456").await), "insufficient-balance");
    assert_eq!(screen(&device.tap("again", "").await), "account", "who has topped up needs no other code");
    let asked = partner.asked();
    assert_eq!((&asked[0].1["pin"], &asked[0]), (&json!("123456"), &asked[1]));
}

#[tokio::test]
async fn input_survives_a_lost_response() {
    let partner = partner();
    let device = partner.put_in("sim=acme-1").await;
    partner.will_answer([refusal(400, "pin-invalid"), pin_sent()]);
    device.tap("validate", "").await;
    partner.lose(1);
    assert_eq!(screen(&device.tap("code", "code=123456").await), "service-unavailable");
    assert_eq!(screen(&device.tap("again", "").await), "account");
    let asked = partner.asked();
    assert_eq!((asked.len(), &asked[2]), (4, &asked[3]), "the same question, with the code");

    partner.lose(99);
    assert_eq!(screen(&device.tap("new", NEW_ACCOUNT).await), "service-unavailable");
    assert_eq!(partner.accounts().await["accounts"].as_array().map(Vec::len), Some(3));
    partner.lose(0);
    assert_eq!(screen(&device.tap("again", "").await), "done");
    let subscriptions = partner.edge.lock().expect("is whole").subscriptions.clone();
    assert!(subscriptions.len() > 1 && subscriptions.iter().all(|each| *each == subscriptions[0]));
    assert_eq!(partner.accounts().await["accounts"].as_array().map(Vec::len), Some(4));
}

#[tokio::test]
async fn two_clicks_and_old_pages_act_once() {
    let partner = partner();
    let device = partner.put_in("sim=acme-1").await;
    partner.will_answer([refusal(400, "pin-invalid"), pin_sent(), pin_sent()]);
    device.tap("validate", "").await;
    partner.asked();
    let turn = device.turn().await;
    let (one, other) = tokio::join!(device.send("new-code", &turn, ""), device.send("new-code", &turn, ""));
    assert_eq!((one.status, other.status), (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER));
    assert_eq!(partner.asked().len(), 1, "one text message");
    device.tap("code", "code=123456").await;
    partner.asked();
    let turn = device.turn().await;
    device.send("new", &turn, NEW_ACCOUNT).await;
    device.send("new", &turn, "email=b%40example.com&password=x&terms=yes").await;
    device.send("validate", "0", "").await;
    device.send("again", "3", "").await;
    assert_eq!(screen(&device.look().await), "done");
    assert_eq!(partner.edge.lock().expect("is whole").subscriptions.len(), 1);
    assert_eq!(partner.asked(), []);
}

#[tokio::test]
async fn tap_completes_after_the_browser_has_gone() {
    let partner = partner();
    let device = partner.put_in("sim=acme-1").await;
    let turn = device.turn().await;
    let on_its_way = async {
        while partner.world.http.sent.lock().expect("is whole").is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = on_its_way => {}
        _ = device.send("validate", &turn, "") => panic!("no one waits for the edge"),
    }
    assert_eq!(partner.asked(), [], "the question is on its way");
    assert_eq!(screen(&device.look().await), "account");
    assert_eq!(partner.asked().len(), 1);
}

#[tokio::test]
async fn devices_with_one_sim_share_one_account() {
    let partner = partner();
    let (one, other) = (partner.put_in("sim=acme-1").await, partner.put_in("sim=acme-1").await);
    one.tap("validate", "").await;
    other.tap("validate", "").await;
    assert!(one.tap("new", NEW_ACCOUNT).await.contains("You’re all set"));
    let late = other.tap("existing", "email=dana%40example.com&password=demo&terms=yes").await;
    assert!(screen(&late) == "done" && late.contains("a•••@example.com"), "{late}");
    assert_eq!(partner.edge.lock().expect("is whole").subscriptions.len(), 1);
    assert_eq!(partner.accounts().await["accounts"][0]["pays"]["how"], "card");
}

#[tokio::test]
async fn device_is_put_away_after_a_day() {
    let partner = partner();
    let device = partner.put_in("sim=acme-1").await;
    assert_eq!(ask(&partner.router, get("/app/nobody")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(device.send("explode", "0", "").await.status, StatusCode::NOT_FOUND);
    partner.world.clock.0.store(NOW + 24 * 3600, Ordering::SeqCst);
    assert_eq!(ask(&partner.router, get(&device.path)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(device.send("validate", "0", "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(partner.asked(), []);
}
