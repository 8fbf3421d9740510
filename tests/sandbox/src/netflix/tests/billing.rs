//! The monthly billing run.

use super::{PAI, ask, form, get, json, partner};
use crate::netflix::edge::ATTEMPTS_MAX;
use http::StatusCode;

#[tokio::test]
async fn same_run_repeated_bills_nothing_twice() {
    let partner = partner();
    assert_eq!(partner.run("2026-12").await["charges"], json!([]));
    for (token, email) in [("t", "a%40example.com"), ("u", "b%40example.com")] {
        let page = partner.visit(token).await;
        ask(&partner.router, form(&format!("{page}/new"), &format!("email={email}&password=x&terms=yes")))
            .await;
    }
    let first = partner.run("2026-12").await;
    assert_eq!(
        first["totals"],
        json!({"charges": 2, "new": 2, "alreadyBilled": 0, "approved": 2, "pending": 0, "declined": 0,
               "failed": 0, "paidAhead": 0})
    );
    assert_eq!(
        (&first["charges"][0]["httpStatus"], &first["charges"][0]["status"]),
        (&json!(201), &json!("APPROVED"))
    );
    let again = partner.run("2026-12").await;
    assert_eq!(again["charges"][0]["httpStatus"], 200);
    assert_eq!((&again["totals"]["new"], &again["totals"]["alreadyBilled"]), (&json!(0), &json!(2)));
    assert_eq!(again["charges"][0]["extTransactionID"], first["charges"][0]["extTransactionID"]);
    assert_eq!(partner.edge.lock().expect("is whole").charges.len(), 2);
    let next = partner.run("2027-01").await;
    assert_ne!(next["charges"][0]["extTransactionID"], first["charges"][0]["extTransactionID"]);
    let id = first["charges"][0]["extTransactionID"].as_str().expect("is text").to_owned();
    let charge = partner.edge.lock().expect("is whole").charges[&id].clone();
    assert_eq!(
        charge,
        json!({"extTransactionID": id, "pai": PAI, "amount": {"value": 1599, "currency": "USD"},
               "description": "Netflix Standard", "servicePeriod": {"from": "2026-12-01", "to": "2026-12-31"},
               "tax": {"value": 122, "currency": "USD", "rate": "8.25", "included": true}})
    );
    let page = ask(&partner.router, form("/billing-runs", "month=2026-12")).await;
    assert!(page.status == StatusCode::OK && page.text.contains("200 as before"), "{}", page.text);
    assert!(page.text.contains("0 new, 2 already billed"), "{}", page.text);
    assert_eq!(
        ask(&partner.router, form("/billing-runs", "month=soon")).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn lost_response_is_queried_a_few_times() {
    let partner = partner();
    let page = partner.visit("t").await;
    ask(&partner.router, form(&format!("{page}/new"), "email=a%40example.com&password=x&terms=yes")).await;
    partner.edge.lock().expect("is whole").lost = 2;
    let run = partner.run("2026-12").await;
    assert_eq!(
        (&run["charges"][0]["attempts"], &run["charges"][0]["status"]),
        (&json!(3), &json!("APPROVED"))
    );
    let before = partner.world.http.sent.lock().expect("is whole").len();
    partner.edge.lock().expect("is whole").lost = 99;
    let run = partner.run("2026-12").await;
    assert_eq!(run["totals"]["failed"], 1);
    let made = partner.world.http.sent.lock().expect("is whole").len() - before;
    assert_eq!(made, usize::try_from(ATTEMPTS_MAX).expect("is small"));
}

/// The month with which the form begins.
fn shown_month(page: &str) -> String {
    let (_, field) = page.split_once(r#"id="month""#).expect("has the field");
    let (_, value) = field.split_once(r#"value=""#).expect("has a value");
    value.chars().take(7).collect()
}

#[tokio::test]
async fn form_stands_on_the_next_month_after_an_end() {
    let partner = partner();
    let month = async || shown_month(&ask(&partner.router, get("/billing-runs")).await.text);
    assert_eq!(month().await, "2026-11", "today's");
    let page = partner.visit("t").await;
    ask(&partner.router, form(&format!("{page}/new"), "email=a%40example.com&password=x&terms=yes")).await;
    let run = ask(&partner.router, form("/billing-runs", "month=2026-12")).await.text;
    assert_eq!(shown_month(&run), "2026-12", "a click repeats it");
    assert!(run.contains("1 new, 0 already billed"), "{run}");
    let closed = json!({"pai": PAI, "state": "CLOSED", "reason": "pai-revoked-by-user", "sequence": 2});
    assert_eq!(partner.tell("/account-state", &closed).await.status, StatusCode::OK);
    assert_eq!(month().await, "2027-01", "the end shows there");
    partner.edge.lock().expect("is whole").says = Some("DECLINED");
    let run = ask(&partner.router, form("/billing-runs", "month=2027-01")).await.text;
    assert_eq!(shown_month(&run), "2027-01", "it was declined: there is no other end to see");
}

#[tokio::test]
async fn nothing_is_left_of_a_declined_charge() {
    let partner = partner();
    partner.edge.lock().expect("is whole").says = Some("DECLINED");
    partner.charged().await;
    let charge = partner.charges().await["charges"][0].clone();
    assert_eq!(
        (&charge["reported"]["status"], &charge["remaining"]["value"]),
        (&json!("DECLINED"), &json!(0))
    );
    let page = ask(&partner.router, get("/charges")).await.text;
    assert!(page.contains(">Declined<") && !page.contains("Not refunded"), "{page}");
    assert!(page.contains(">The account has ended<") && page.contains(">Acme &lt;Mobile&gt;<"), "{page}");
}
