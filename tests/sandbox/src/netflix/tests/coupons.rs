//! Codes redeemed by members and by persons who become members, and the days that are paid by them.

use super::{NOW, NetflixUnderTest, PAI, WholeResponse, ask, form, get, json, json_post, partner};
use crate::netflix::Timestamp;
use http::StatusCode;
use onbill_domain::day::{Day, ServicePeriod};
use serde_json::Value;
use std::sync::atomic::Ordering;

const CODE: &str = "AC00-0G40-R4ZB-XZSZ-FYRJ";
const OTHER_CODE: &str = "AC00-0000-0000-0000-0001";

/// The edge's response to a code: six months, after `before` coupons.
pub(super) fn coupon(reference: &str, before: usize) -> Value {
    let today = Day::of_timestamp(Timestamp::from_unix_seconds(NOW));
    let from = today.plus_months(6 * u8::try_from(before).expect("is small")).expect("is a day");
    let period = ServicePeriod::from_months(from, 6).expect("is short");
    json!({"status": "REDEEMED", "plan": "6M", "months": 6, "offer": "netflix-standard", "pai": PAI,
           "operator": "acme", "amount": {"value": 8994, "currency": "USD"}, "servicePeriod": period,
           "extTransactionID": format!("onbill-coupon-{reference}")})
}

impl NetflixUnderTest {
    /// Redeems without being logged in.
    async fn redeem(&self, code: &str, reference: &str, email: &str) -> WholeResponse {
        let body = format!("code={code}&extReference={reference}&email={email}&password=demo");
        ask(&self.router, form("/redeem", &body)).await
    }

    /// A page as the receiver of this response sees it from then on.
    async fn page_of(&self, logged_in: &WholeResponse, path: &str) -> String {
        let cookie = logged_in.headers["set-cookie"].to_str().expect("is text");
        let cookie = cookie.split(';').next().expect("has a first part");
        let mut request = get(path);
        request.headers_mut().insert("cookie", cookie.parse().expect("is a value"));
        ask(&self.router, request).await.text
    }

    async fn account(&self, email: &str) -> Value {
        let accounts = self.accounts().await["accounts"].clone();
        let found =
            accounts.as_array().expect("is a list").iter().find(|account| account["email"] == email).cloned();
        found.unwrap_or_default()
    }

    fn redemptions(&self) -> usize {
        self.edge.lock().expect("is whole").redemptions.len()
    }

    async fn is_content(&self) {
        let (accounts, charges) = (self.accounts().await, self.charges().await);
        assert_eq!((&accounts["leaks"], &charges["contradictions"]), (&json!([]), &json!([])));
    }
}

#[tokio::test]
async fn code_creates_account_paid_until_its_months_end() {
    let partner = partner();
    let redeemed = partner.redeem(&CODE.to_lowercase().replace('-', "+"), "r-1", "new%40example.com").await;
    assert_eq!(
        (redeemed.status, &redeemed.headers["location"]),
        (StatusCode::SEE_OTHER, &"/member".parse().expect("is a value"))
    );
    let page = partner.page_of(&redeemed, "/member").await;
    assert!(page.contains("Paid until 17 May 2027") && page.contains("Then it ends by itself"), "{page}");
    let account = partner.account("new@example.com").await;
    assert_eq!(
        (&account["pays"], &account["paidUntil"], &account["coupons"][0]["months"]),
        (&json!({"how": "coupons"}), &json!("2027-05-17"), &json!(6))
    );
    // The charge can be refunded like any other.
    let charges = partner.charges().await;
    assert_eq!(
        (&charges["charges"][0]["extTransactionID"], &charges["charges"][0]["reported"]["status"]),
        (&json!("onbill-coupon-r-1"), &json!("APPROVED"))
    );
    partner.is_content().await;
}

#[tokio::test]
async fn redeem_form_redeems_once_however_often_sent() {
    let partner = partner();
    for _ in 0..3 {
        let redeemed = partner.redeem(CODE, "r-1", "new%40example.com").await;
        assert!(partner.page_of(&redeemed, "/member").await.contains("new@example.com"));
    }
    assert_eq!(partner.redemptions(), 1);
    assert_eq!(partner.account("new@example.com").await["coupons"].as_array().map(Vec::len), Some(1));

    // A lost response is requested again, by the page itself and then by the customer.
    partner.edge.lock().expect("is whole").lost = 99;
    let silent = partner.redeem(OTHER_CODE, "r-2", "dana%40example.com").await;
    assert_eq!(silent.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        silent.text.contains("Nothing is lost") && silent.text.contains(r#"value="r-2""#),
        "{}",
        silent.text
    );
    partner.edge.lock().expect("is whole").lost = 0;
    let redeemed = partner.redeem(OTHER_CODE, "r-2", "dana%40example.com").await;
    assert!(partner.page_of(&redeemed, "/member").await.contains("your card •••• 4242 is charged again"));
    assert_eq!(partner.redemptions(), 2);
    partner.is_content().await;
}

#[tokio::test]
async fn refusals_say_what_to_do_and_restart() {
    let partner = partner();
    for (status, code, says) in [
        (400, "invalid-request", "The code is mistyped"),
        (400, "token-invalid", "use the code from the newest one"),
        (400, "token-expired", "has expired"),
        (409, "token-already-used", "works only once"),
        (400, "suspended-non-payment", "does not accept it at the moment"),
        (400, "insufficient-balance", "does not accept it at the moment"),
        (400, "account-not-eligible", "does not accept it at the moment"),
        (404, "account-not-found", "does not accept it at the moment"),
        (429, "too-many-requests", "Wait a minute"),
        (422, "idempotency-violation", "Look at your account"),
        (404, "pai-not-found", "(pai-not-found)"),
    ] {
        partner.edge.lock().expect("is whole").refuse_coupon = Some((status, code));
        let refused = partner.redeem("ac00%200g40", "r-1", "dana%40example.com").await;
        assert!(!refused.status.is_success() && refused.text.contains(says), "{code}: {}", refused.text);
        assert!(refused.text.contains(r#"value="AC00-0G40""#), "what was typed is there, in groups");
        assert!(!refused.text.contains(r#"value="r-1""#), "{code} ends this redemption");
    }
    partner.edge.lock().expect("is whole").refuse_coupon = Some((503, "service-unavailable"));
    assert!(partner.redeem(CODE, "r-1", "dana%40example.com").await.text.contains(r#"value="r-1""#));
    assert_eq!(
        (partner.redemptions(), &partner.account("dana@example.com").await["coupons"]),
        (0, &json!([]))
    );
    partner.is_content().await;
}

#[tokio::test]
async fn redemption_needs_the_own_account() {
    let partner = partner();
    for (body, says) in [
        ("code=&extReference=r-1&email=a%40example.com&password=x", "Enter the code"),
        ("code=AC&extReference=r-1&email=a&password=x", "Enter an e-mail address"),
        ("code=AC&extReference=r-1&email=a%40example.com&password=", "Enter a password"),
        ("code=AC&extReference=r-1&email=dana%40example.com&password=x", "its password is another"),
        ("code=AC&extReference=&email=a%40example.com&password=x", "The page had expired"),
        ("code=%3Cscript%3E&extReference=r-1&email=%22%3E%3Cscript%3E%40x.y&password=", "Enter a password"),
    ] {
        let answer = ask(&partner.router, form("/redeem", body)).await;
        assert!(
            answer.status == StatusCode::BAD_REQUEST && answer.text.contains(says),
            "{body}: {}",
            answer.text
        );
        assert!(!answer.text.contains("<script>"));
    }
    let wrong = ask(&partner.router, form("/log-in", "email=dana%40example.com&password=x")).await;
    assert!(wrong.status == StatusCode::BAD_REQUEST && !wrong.headers.contains_key("set-cookie"));
    assert!(ask(&partner.router, get("/member")).await.text.contains("Log in"));
    assert_eq!(partner.redemptions(), 0);
    let right = ask(&partner.router, form("/log-in", "email=dana%40example.com&password=demo")).await;
    assert!(partner.page_of(&right, "/redeem").await.contains("For your account <strong>dana@example.com"));
}

#[tokio::test]
async fn days_that_are_paid_are_not_charged() {
    let partner = partner();
    // On the bill, and charged for December, before the code comes.
    let page = partner.visit("t").await;
    ask(&partner.router, form(&format!("{page}/new"), "email=a%40example.com&password=x&terms=yes")).await;
    partner.redeem(CODE, "r-1", "a%40example.com").await;
    let sent = partner.edge.lock().expect("is whole").redemptions["r-1"].0.clone();
    assert_eq!(sent["pai"], PAI, "the months are for the subscriber whose account it is");
    for (month, paid_ahead) in [("2026-12", 1), ("2027-04", 1)] {
        let run = partner.run(month).await;
        assert_eq!((&run["charges"], &run["totals"]["paidAhead"]), (&json!([]), &json!(paid_ahead)));
    }
    let may = partner.run("2027-05").await;
    assert_eq!(may["charges"][0]["amount"]["value"], 722, "14 of 31 days");
    let charges = partner.edge.lock().expect("is whole").charges.clone();
    let charge = charges.values().next().expect("is there");
    assert_eq!(charge["servicePeriod"], json!({"from": "2027-05-18", "to": "2027-05-31"}));
    assert_eq!(partner.run("2027-05").await["charges"][0]["httpStatus"], 200);
    assert_eq!(partner.run("2027-06").await["charges"][0]["amount"]["value"], 1599);
    partner.is_content().await;
}

#[tokio::test]
async fn gift_does_not_speak_for_its_giver() {
    let partner = partner();
    let sent =
        |reference: &str| partner.edge.lock().expect("is whole").redemptions[reference].0["pai"].clone();
    partner.redeem(CODE, "r-1", "sam%40example.com").await;
    partner.redeem(OTHER_CODE, "r-2", "sam%40example.com").await;
    assert_eq!((sent("r-1"), sent("r-2")), (Value::Null, json!(PAI)), "the second one follows the first");
    assert_eq!(partner.account("sam@example.com").await["paidUntil"], "2027-11-17");

    // The subscriber who is charged turns out to be another, and pays for their own account as
    // before.
    let page = partner.visit("t").await;
    ask(&partner.router, form(&format!("{page}/new"), "email=a%40example.com&password=x&terms=yes")).await;
    partner.edge.lock().expect("is whole").tells = Some(coupon("r-3", 0));
    partner.redeem("AC00-0000-0000-0000-0002", "r-3", "sam%40example.com").await;
    assert_eq!(sent("r-3"), Value::Null);
    let account = partner.account("sam@example.com").await;
    assert_eq!(account["paidUntil"], "2028-05-17", "six months more, whichever days were reported");
    assert_eq!(partner.run("2026-12").await["charges"][0]["amount"]["value"], 1599);
    // When the response names no subscriber, none is named the next time.
    let mut reported = coupon("r-4", 0);
    reported.as_object_mut().expect("is an object").remove("pai");
    partner.edge.lock().expect("is whole").tells = Some(reported);
    partner.redeem("AC00-0000-0000-0000-0003", "r-4", "lee%40example.com").await;
    partner.edge.lock().expect("is whole").tells = Some(coupon("r-5", 0));
    partner.redeem("AC00-0000-0000-0000-0004", "r-5", "lee%40example.com").await;
    assert_eq!(sent("r-5"), Value::Null);
    assert_eq!(partner.account("lee@example.com").await["paidUntil"], "2027-11-17");
    partner.is_content().await;
}

#[tokio::test]
async fn signup_continues_after_the_paid_days() {
    let partner = partner();
    let redeemed = partner.redeem(CODE, "r-1", "dana%40example.com").await;
    let on = async |day: &str| partner.page_of(&redeemed, &format!("/member?on={day}")).await;
    assert!(!on("2027-05-02").await.contains("Continue with your phone bill"));
    for day in ["2027-05-03", "2027-05-17", "2027-05-18"] {
        let page = on(day).await;
        assert!(
            page.contains("Continue with your phone bill")
                && page.contains(r#"href="http://127.0.0.1:8790""#),
            "{day}"
        );
        assert_eq!(page.contains("without a gap"), day <= "2027-05-17", "{day}");
    }
    // The token has it as well, for an account that has no code itself.
    partner.edge.lock().expect("is whole").paid_until = Some("2027-05-17");
    let page = partner.visit("t").await;
    ask(&partner.router, form(&format!("{page}/new"), "email=b%40example.com&password=x&terms=yes")).await;
    assert_eq!(partner.account("b@example.com").await["paidUntil"], "2027-05-17");
    assert_eq!(partner.run("2027-01").await["totals"]["paidAhead"], 1);
    let page = partner.visit("u").await;
    ask(
        &partner.router,
        form(&format!("{page}/existing"), "email=dana%40example.com&password=demo&terms=yes"),
    )
    .await;
    let page = on("2027-05-10").await;
    assert!(
        page.contains("From the day after, your Acme &lt;Mobile&gt; bill pays")
            && !page.contains("Continue with")
    );
    partner.world.clock.0.store(NOW + 10, Ordering::SeqCst);
    partner.is_content().await;
}

#[tokio::test]
async fn days_of_refunded_coupon_are_free_again() {
    let partner = partner();
    partner.redeem(OTHER_CODE, "r-1", "dana%40example.com").await;
    let refund =
        json!({"extTransactionID": "onbill-coupon-r-1", "extRefundID": "f-1", "reason": "Wrong plan"});
    assert!(ask(&partner.router, json_post("/refunds", &refund)).await.status.is_success());
    partner.edge.lock().expect("is whole").tells = Some(coupon("r-2", 0));
    partner.redeem(CODE, "r-2", "dana%40example.com").await;
    assert_eq!(partner.redemptions(), 2);
    partner.is_content().await;
}

#[tokio::test]
async fn forbidden_coupon_field_is_noticed() {
    type Change = fn(&mut Value);
    let wrong: [(Change, &str); 10] = [
        (|reported| reported["status"] = json!("PENDING"), "neither redeemed nor refused"),
        (|reported| reported["amount"]["value"] = json!(0), "for nothing"),
        (|reported| reported["months"] = json!(12), "other days"),
        (|reported| reported["pai"] = Value::Null, "another subscriber than asked for"),
        (
            |reported| reported["servicePeriod"] = json!({"from": "2026-01-01", "to": "2026-06-30"}),
            "other days",
        ),
        (|reported| reported["extTransactionID"] = json!("sub-1"), "named as one of ours"),
        (|reported| reported["extTransactionID"] = json!("onbill-coupon-r-0"), "under another reference"),
        (|_| {}, "something else pays for"),
        (|reported| reported["msisdn"] = json!("x"), "the member msisdn"),
        (|reported| reported["bill"] = json!("+1 202 555 0101"), "the demo number"),
    ];
    for (change, says) in wrong {
        let partner = partner();
        partner.redeem(OTHER_CODE, "r-0", "dana%40example.com").await;
        partner.is_content().await;
        let mut reported = coupon("r-1", usize::from(!says.contains("something else")));
        change(&mut reported);
        partner.edge.lock().expect("is whole").tells = Some(reported);
        partner.redeem(CODE, "r-1", "dana%40example.com").await;
        let found = [
            partner.accounts().await["leaks"].to_string(),
            partner.charges().await["contradictions"].to_string(),
        ];
        assert!(found.concat().contains(says), "{says}: {found:?}");
    }

    let partner = partner();
    partner.redeem(CODE, "r-1", "dana%40example.com").await;
    partner.redeem(CODE, "r-2", "lee%40example.com").await;
    let found = partner.charges().await["contradictions"].to_string();
    assert!(found.contains("under another reference"), "one code was redeemed twice: {found}");
    assert_eq!(partner.account("lee@example.com").await["coupons"], json!([]));
}
