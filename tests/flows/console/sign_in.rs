//! Signing in, and everything that must not lead in.

use super::issuer::Lie;
use super::{Desk, GOOD, ISSUER};
use futures_util::future::join_all;
use onbill_test_harness::TestSystem;
use serde_json::json;

fn desk() -> Desk {
    Desk::open(TestSystem::start())
}

#[tokio::test]
async fn person_signs_in_and_out() {
    let desk = desk();
    let browser = desk.browser();
    let away = browser.get("/care").await;
    assert_eq!((away.status, away.location()), (303, "/sign-in"));
    let callback = browser.begin_sign_in(&desk.issuer, "robin-17", &["g-care", "g-unknown"]).await;
    let arrived = browser.get(&callback).await;
    assert_eq!((arrived.status, arrived.location()), (303, "/"), "{}", arrived.body);
    assert_eq!(browser.get("/").await.location(), "/care");
    let page = browser.get("/care").await;
    assert_eq!(page.status, 200);
    assert!(page.has("Ms robin-17") && page.has("care"), "{}", page.body);
    let policy = page.headers["content-security-policy"].to_str().expect("is text");
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers["cache-control"], "no-store");
    let before = browser.cookies.lock().expect("is whole").clone();
    let out = browser.post("/sign-out", &[("csrf", &page.csrf())]).await;
    assert_eq!((out.status, out.location()), (303, "/signed-out"), "{}", out.body);
    assert_eq!(out.headers["clear-site-data"], "\"cache\"", "Back shows no customer");
    assert_eq!(browser.get("/signed-out").await.status, 200);
    // A copy of the cookie is worth nothing either.
    *browser.cookies.lock().expect("is whole") = before;
    assert_eq!(browser.get("/care").await.location(), "/sign-in");
}

#[tokio::test]
async fn callback_of_another_browser_is_refused() {
    let desk = desk();
    let (mine, thief) = (desk.browser(), desk.browser());
    let callback = mine.begin_sign_in(&desk.issuer, "robin-17", &["g-care"]).await;
    // Without a sign-in of its own, and with one: the state is another, and so is the verifier.
    assert_eq!(thief.get(&callback).await.status, 400);
    let own = thief.begin_sign_in(&desk.issuer, "mallory", &["g-care"]).await;
    let state_of = |callback: &str| callback.split("state=").nth(1).expect("has one").to_owned();
    assert_eq!(thief.get(&callback).await.status, 400, "the state is not of this browser");
    let _ = thief.begin_sign_in(&desk.issuer, "mallory", &["g-care"]).await;
    assert_eq!(thief.get(&own).await.status, 400, "nor is that of an earlier sign-in");
    let own = thief.begin_sign_in(&desk.issuer, "mallory", &["g-care"]).await;
    let stolen = format!("/sign-in/callback?code=code-1&state={}", state_of(&own));
    assert_eq!(thief.get(&stolen).await.status, 400, "the code needs the verifier");
    assert_eq!(thief.get("/care").await.location(), "/sign-in");
    for forged in
        ["/sign-in/callback", "/sign-in/callback?code=code-1", "/sign-in/callback?code=a&code=b&state=x"]
    {
        assert_eq!(desk.browser().get(forged).await.status, 400, "{forged}");
    }
}

#[tokio::test]
async fn code_leads_in_once() {
    let desk = desk();
    for lie in [Lie::None, Lie::CodesForever] {
        desk.issuer.tell(lie.clone());
        let browser = desk.browser();
        let callback = browser.begin_sign_in(&desk.issuer, "robin-17", &["g-care"]).await;
        let attempt = browser.cookies.lock().expect("is whole").clone();
        assert_eq!(browser.get(&callback).await.status, 303);
        let again = desk.browser();
        *again.cookies.lock().expect("is whole") = attempt;
        let refused = again.get(&callback).await;
        assert_eq!(refused.status, 400, "{lie:?}: {}", refused.body);
        assert_eq!(again.get("/care").await.location(), "/sign-in");
    }
}

#[tokio::test]
async fn token_that_is_not_for_this_sign_in_is_refused() {
    let desk = desk();
    let now = desk.system.now().unix_seconds();
    for lie in [
        Lie::Claim("iss", json!("http://127.0.0.1:9467")),
        Lie::Claim("aud", json!("another")),
        Lie::Claim("aud", json!(["onbill", "another"])),
        Lie::Claim("azp", json!("another")),
        Lie::Claim("nonce", json!("another")),
        Lie::Claim("exp", json!(now - 120)),
        Lie::Claim("iat", json!(now - 3_600)),
        Lie::Unsigned,
        Lie::PublicKeyAsSecret,
        Lie::ForeignKey,
    ] {
        desk.issuer.tell(lie.clone());
        let browser = desk.browser();
        let page = browser.sign_in(&desk.issuer, "robin-17", &["g-admin"]).await;
        assert_eq!(page.status, 400, "{lie:?}: {}", page.body);
        assert_eq!(browser.get("/care").await.location(), "/sign-in", "{lie:?}");
    }
    desk.issuer.tell(Lie::None);
    desk.sign_in("robin-17", &["g-admin"]).await;
}

#[tokio::test]
async fn person_without_a_role_stays_outside() {
    let desk = desk();
    for groups in [&[][..], &["g-unknown"], &["care"]] {
        let browser = desk.browser();
        let page = browser.sign_in(&desk.issuer, "robin-17", groups).await;
        assert_eq!(page.status, 403, "{groups:?}");
        assert_eq!(browser.get("/care").await.location(), "/sign-in");
    }
    // An id that the audit cannot name.
    assert_eq!(desk.browser().sign_in(&desk.issuer, "two words", &["g-care"]).await.status, 403);
}

#[tokio::test]
async fn identity_provider_that_is_away_is_no_way_in() {
    let desk = desk();
    desk.issuer.set_away(true);
    let page = desk.browser().get("/sign-in").await;
    assert_eq!(page.status, 503, "{}", page.body);
    desk.issuer.set_away(false);
    desk.advance_seconds(5);
    let browser = desk.sign_in("robin-17", &["g-care"]).await;
    // Those who are in go on without it.
    desk.issuer.set_away(true);
    assert_eq!(browser.get("/care").await.status, 200);
    assert!(!browser.get("/care").await.has(GOOD));
}

#[tokio::test]
async fn browser_that_has_had_a_session_is_asked_who_sits_there() {
    let desk = desk();
    let browser = desk.browser();
    let asks = async || browser.get("/sign-in").await.location().contains("&prompt=login");
    assert!(!asks().await, "the session at the identity provider is enough at first");
    assert_eq!(browser.sign_in(&desk.issuer, "robin-17", &["g-care"]).await.status, 303);
    desk.advance_seconds(15 * 60);
    assert_eq!(browser.get("/care").await.location(), "/sign-in", "the desk was left");
    assert!(asks().await);
    assert_eq!(browser.sign_in(&desk.issuer, "robin-17", &["g-care"]).await.status, 303);
    let csrf = browser.get("/care").await.csrf();
    assert_eq!(browser.post("/sign-out", &[("csrf", &csrf)]).await.location(), "/signed-out");
    assert!(asks().await, "also of whoever opens the page after a person has signed out");
}

#[tokio::test]
async fn callback_of_another_issuer_or_without_a_code_leads_nowhere() {
    let desk = desk();
    let ours = format!("&iss=http%3A%2F%2F{ISSUER}");
    for (from, to, status) in [
        (ours.as_str(), "&iss=https%3A%2F%2Flogin.evil.example", 400),
        ("?code=", "?error=access_denied&was=", 403),
        ("?code=", "?error=access_denied&code=", 403),
    ] {
        let browser = desk.browser();
        let callback = browser.begin_sign_in(&desk.issuer, "robin-17", &["g-care"]).await;
        assert!(callback.contains(from), "{callback}");
        let page = browser.get(&callback.replace(from, to)).await;
        assert_eq!(page.status, status, "{to}: {}", page.body);
        assert_eq!(browser.get("/care").await.location(), "/sign-in", "{to}");
        assert_eq!(browser.get(&callback).await.status, 400, "the attempt has ended");
    }
    // RFC 9207 is for those who support it.
    let browser = desk.browser();
    let callback = browser.begin_sign_in(&desk.issuer, "robin-17", &["g-care"]).await;
    assert_eq!(browser.get(&callback.replace(&ours, "")).await.status, 303);
}

#[tokio::test]
async fn discovery_document_is_the_issuers_own_and_keeps_to_tls() {
    for lie in [Lie::OtherDocumentIssuer, Lie::HttpEndpoint] {
        let desk = desk();
        desk.issuer.tell(lie.clone());
        let page = desk.browser().get("/sign-in").await;
        assert_eq!(page.status, 503, "{lie:?}: {}", page.body);
        desk.issuer.tell(Lie::None);
        desk.advance_seconds(5);
        desk.sign_in("robin-17", &["g-care"]).await;
    }
}

#[tokio::test]
async fn issuer_may_have_a_new_key_and_take_the_secret_in_the_form() {
    let desk = desk();
    desk.sign_in("robin-17", &["g-care"]).await;
    desk.issuer.tell(Lie::NewKey);
    let early = desk.browser().sign_in(&desk.issuer, "robin-17", &["g-care"]).await;
    assert_eq!((early.status, desk.issuer.count_documents()), (400, 1), "keys were read a moment ago");
    desk.advance_seconds(60);
    desk.sign_in("robin-17", &["g-care"]).await;
    assert_eq!(desk.issuer.count_documents(), 2);
    desk.sign_in("robin-17", &["g-care"]).await;
    assert_eq!(desk.issuer.count_documents(), 2, "they are kept");
    let other = Desk::open(TestSystem::start());
    other.issuer.tell(Lie::PostOnly);
    other.sign_in("robin-17", &["g-care"]).await;
}

#[tokio::test]
async fn strangers_do_not_make_the_console_ask_without_end() {
    let desk = desk();
    desk.issuer.set_away(true);
    let browsers: Vec<_> = (0..8).map(|_| desk.browser()).collect();
    let asked_at_once = async || {
        let pages = join_all(browsers.iter().map(|browser| browser.get("/sign-in"))).await;
        pages.into_iter().map(|page| page.status).collect::<Vec<_>>()
    };
    assert_eq!(asked_at_once().await, [503; 8]);
    assert_eq!(desk.issuer.count_documents(), 1, "one failure is enough");
    desk.advance_seconds(4);
    assert_eq!((asked_at_once().await, desk.issuer.count_documents()), (vec![503; 8], 1));
    desk.issuer.set_away(false);
    desk.advance_seconds(1);
    assert_eq!((asked_at_once().await, desk.issuer.count_documents()), (vec![303; 8], 2));
}
