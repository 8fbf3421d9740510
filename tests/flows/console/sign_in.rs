//! Signing in, and everything that must not lead in.

use super::issuer::Lie;
use super::{Desk, GOOD};
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
    let browser = desk.sign_in("robin-17", &["g-care"]).await;
    // Those who are in go on without it.
    desk.issuer.set_away(true);
    assert_eq!(browser.get("/care").await.status, 200);
    assert!(!browser.get("/care").await.has(GOOD));
}
