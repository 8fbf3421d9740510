//! Refunds, by the form and by JSON.

use super::{NetflixUnderTest, ask, form, get, json, json_post, partner};
use http::StatusCode;
use serde_json::Value;

/// The value of a hidden or empty field in the form on the page.
fn field(page: &str, name: &str) -> String {
    let at = page.find(&format!(r#"name="{name}""#)).expect("is there");
    let (_, rest) = page[at..].split_once(r#"value=""#).expect("has a value");
    rest.split('"').next().expect("ends").to_owned()
}

async fn page(partner: &NetflixUnderTest) -> String {
    ask(&partner.router, get("/charges")).await.text
}

/// The body that the form on the page would send.
fn filled(page: &str, amount: &str, reason: &str) -> String {
    let names =
        ["operator", "extTransactionID", "extRefundID"].map(|name| format!("{name}={}", field(page, name)));
    format!("{}&amount={amount}&reason={reason}", names.join("&"))
}

#[tokio::test]
async fn refund_form_refunds_once_however_often_sent() {
    let partner = partner();
    let charge = partner.charged().await;
    let shown = page(&partner).await;
    let sent = filled(&shown, "8.00", "Half+a+month");
    for _ in 0..2 {
        let answer = ask(&partner.router, form("/refunds", &sent)).await;
        let name = field(&shown, "extRefundID");
        assert_eq!(answer.headers["location"], format!("/charges#refund-{name}"), "{}", answer.text);
    }
    assert_eq!(partner.edge.lock().expect("is whole").refunds.len(), 1);
    let charge_known = &partner.charges().await["charges"][0];
    assert_eq!(
        (&charge_known["extTransactionID"], &charge_known["remaining"]["value"]),
        (&json!(charge), &json!(799))
    );
    let refund = &charge_known["refunds"][0];
    assert_eq!((&refund["reported"]["status"], &refund["by"]), (&json!("APPROVED"), &json!("response")));
    assert_eq!((&refund["reason"], &refund["asked"]["value"]), (&json!("Half a month"), &json!(800)));
    let now = page(&partner).await;
    assert!(now.contains("$8.00 back") && now.contains("Half a month") && now.contains("$7.99"), "{now}");
    assert_ne!(field(&now, "extRefundID"), field(&shown, "extRefundID"), "the next refund is another one");
}

#[tokio::test]
async fn empty_amount_refunds_everything_left() {
    let partner = partner();
    partner.charged().await;
    let shown = page(&partner).await;
    ask(&partner.router, form("/refunds", &filled(&shown, "", "Ended"))).await;
    assert_eq!(partner.charges().await["charges"][0]["remaining"]["value"], 0);
    assert!(!page(&partner).await.contains("Give back"), "there is nothing left to give back");
}

#[tokio::test]
async fn invalid_refund_is_explained_beside_the_form() {
    let partner = partner();
    partner.charged().await;
    let shown = page(&partner).await;
    for (amount, reason) in [("much", "x"), ("8.005", "x"), ("-1", "x"), ("0", "x"), ("8", ""), ("8", "+")] {
        let answer = ask(&partner.router, form("/refunds", &filled(&shown, amount, reason))).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{amount} {reason}");
        assert!(
            answer.text.contains(r#"role="alert""#) && answer.text.contains("<details class=\"fold\" open")
        );
    }
    let evil = filled(&shown, "%22%3E%3Cscript%3E", "%3Cb%3E");
    let answer = ask(&partner.router, form("/refunds", &evil)).await;
    assert!(answer.text.contains("&quot;&gt;&lt;script&gt;") && !answer.text.contains("<script>"));
    let nobodys = filled(&shown, "8", "x").replace("operator=acme", "operator=nova");
    assert_eq!(ask(&partner.router, form("/refunds", &nobodys)).await.code(), "transaction-not-found");
    assert!(partner.edge.lock().expect("is whole").refunds.is_empty());
}

#[tokio::test]
async fn refusal_and_timeout_are_shown_beside_the_charge() {
    let partner = partner();
    let charge = partner.charged().await;
    let ask_for = async |body: Value| ask(&partner.router, json_post("/refunds", &body)).await;
    let more = json!({"extTransactionID": charge, "extRefundID": "r-1", "reason": "x",
                      "amount": {"value": 1600, "currency": "USD"}});
    let answer = ask_for(more).await.json();
    assert_eq!((&answer["httpStatus"], &answer["code"]), (&json!(400), &json!("invalid-request")));
    assert_eq!(partner.charges().await["charges"][0]["refunds"][0]["code"], "invalid-request");
    let shown = page(&partner).await;
    assert!(shown.contains(r#"data-status="refused""#) && !shown.contains("Ask again"), "{shown}");
    partner.edge.lock().expect("is whole").lost = 99;
    let silent = json!({"extTransactionID": charge, "extRefundID": "r-2", "reason": "x"});
    assert_eq!(ask_for(silent.clone()).await.json()["answer"], Value::Null);
    assert!(page(&partner).await.contains("Ask again"));
    partner.edge.lock().expect("is whole").lost = 0;
    let answer = ask_for(silent).await.json();
    assert_eq!((&answer["httpStatus"], &answer["answer"]["status"]), (&json!(200), &json!("APPROVED")));
    let unknown = json!({"extTransactionID": "nobodys", "reason": "x"});
    assert_eq!(ask_for(unknown).await.code(), "transaction-not-found");
    assert_eq!(ask_for(json!({"extTransactionID": charge, "reason": ""})).await.code(), "invalid-request");
}
