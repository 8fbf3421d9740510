//! Messages to subscribers, by the form on the page of accounts.

use super::{NetflixUnderTest, PAI, ask, form, get, partner};
use crate::testing::WholeResponse;
use http::StatusCode;

/// The id of the message in the form on the page.
fn name(page: &str) -> String {
    let (_, rest) = page.split_once(r#"name="extNotificationID" value=""#).expect("has the form");
    rest.split('"').next().expect("ends").to_owned()
}

impl NetflixUnderTest {
    async fn page_of_accounts(&self) -> String {
        ask(&self.router, get("/accounts")).await.text
    }

    async fn says(&self, name: &str, message: &str) -> WholeResponse {
        let body = format!("pai={PAI}&extNotificationID={name}&message={message}");
        ask(&self.router, form("/messages", &body)).await
    }

    fn messages(&self) -> Vec<String> {
        let edge = self.edge.lock().expect("is whole");
        let entered = edge.messages.values().map(|message| {
            assert_eq!(message["pai"], PAI);
            message["message"].as_str().expect("is text").to_owned()
        });
        entered.collect()
    }
}

#[tokio::test]
async fn message_form_sends_once_however_often_sent() {
    let partner = partner();
    assert!(!partner.page_of_accounts().await.contains("/messages"), "no one pays on the bill");
    partner.charged().await;
    let shown = partner.page_of_accounts().await;
    for _ in 0..2 {
        let answer = partner.says(&name(&shown), "+Your+plan+%3Cchanges%3E+").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.text.contains("is on its way"), "{}", answer.text);
        assert_ne!(name(&answer.text), name(&shown), "the next message is another one");
    }
    assert_eq!(partner.messages(), ["Your plan <changes>"]);
    assert_eq!(partner.accounts().await["leaks"], serde_json::json!([]));
}

#[tokio::test]
async fn refused_message_is_shown_and_retry_keeps_id() {
    let partner = partner();
    partner.charged().await;
    let shown = name(&partner.page_of_accounts().await);
    for (refusal, why, keeps) in [
        ((404, "pai-not-found"), "the operator does not know this customer any more", false),
        ((429, "too-many-requests"), "too many were asked for, so wait a while", true),
        ((400, "invalid-request"), "onbill gives the code invalid-request", false),
    ] {
        partner.edge.lock().expect("is whole").refuse_message = Some(refusal);
        let answer = partner.says(&shown, "Hello").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.text.contains(&format!("Not sent: {why}.")), "{}", answer.text);
        assert!(answer.text.contains(r#"value="Hello""#), "it need not be typed again");
        assert_eq!(name(&answer.text) == shown, keeps, "{refusal:?}");
    }
    partner.edge.lock().expect("is whole").refuse_message = None;
    partner.edge.lock().expect("is whole").lost = 99;
    let answer = partner.says(&shown, "Hello").await;
    assert!(answer.text.contains("it is the same message"), "{}", answer.text);
    assert_eq!(name(&answer.text), shown);
}

#[tokio::test]
async fn sms_goes_to_no_other_subscriber() {
    let partner = partner();
    assert_eq!(partner.says("m-1", "Hello").await.status, StatusCode::NOT_FOUND);
    let answer = ask(&partner.router, form("/messages", "pai=%2B12025550101&message=Hello")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(partner.messages().is_empty());
}
