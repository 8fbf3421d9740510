//! Responses that no origin has signed, or that belong to another call or another operator: the
//! partner acts on none of them.

use super::{NetflixUnderTest, PAI, ask, form, json, partner, session};
use bytes::Bytes;
use http::{Response, StatusCode};

type ResponseTampering = fn(&mut Response<Bytes>);

fn tamper(partner: &NetflixUnderTest, tampering: Option<ResponseTampering>) {
    partner.edge.lock().expect("is whole").tampers = tampering;
}

fn replace(response: &mut Response<Bytes>, from: &str, to: &str) {
    let text = String::from_utf8_lossy(response.body()).replace(from, to);
    *response.body_mut() = Bytes::from(text);
}

#[tokio::test]
async fn token_altered_by_the_edge_opens_nothing() {
    const WAYS: [(&str, ResponseTampering); 5] = [
        ("another's PAI", |response| replace(response, PAI, "08080808-0808-4808-8808-080808080808")),
        ("a PAI with a digest that fits it", |response| {
            replace(response, PAI, "08080808-0808-4808-8808-080808080808");
            let digest = onbill_domain::digest::content_digest(response.body());
            response.headers_mut().insert("content-digest", digest.parse().expect("is a value"));
        }),
        ("no signature", |response| drop(response.headers_mut().remove("signature"))),
        ("another status", |response| *response.status_mut() = StatusCode::CREATED),
        ("another type", |response| {
            response.headers_mut().insert("content-type", "text/json".parse().expect("is a value"));
        }),
    ];
    let partner = partner();
    for (way, tampering) in WAYS {
        tamper(&partner, Some(tampering));
        let answer = partner.announce(&session(way)).await;
        assert_eq!((answer.status, way), (StatusCode::SERVICE_UNAVAILABLE, way));
    }
    tamper(&partner, None);
    partner.visit("t").await;
}

#[tokio::test]
async fn one_operator_does_not_answer_for_another() {
    let partner = partner();
    partner.edge.lock().expect("is whole").speaks_as = Some("nova");
    assert_eq!(
        partner.announce(&session("other")).await.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "by its own word"
    );
    partner.edge.lock().expect("is whole").speaks_as = None;
    let page = partner.visit("t").await;

    // This response does not name its operator; the partner knows whose subscriber was charged.
    ask(&partner.router, form(&format!("{page}/new"), "email=a%40example.com&password=x&terms=yes")).await;
    partner.edge.lock().expect("is whole").speaks_as = Some("nova");
    let run = partner.run("2026-12").await;
    assert_eq!((&run["totals"]["failed"], &run["totals"]["approved"]), (&json!(1), &json!(0)));
    partner.edge.lock().expect("is whole").speaks_as = None;
    assert_eq!(partner.run("2026-12").await["totals"]["approved"], 1);
}

#[tokio::test]
async fn pending_charge_is_not_approved_by_the_edge() {
    let partner = partner();
    let page = partner.visit("t").await;
    ask(&partner.router, form(&format!("{page}/new"), "email=a%40example.com&password=x&terms=yes")).await;
    partner.edge.lock().expect("is whole").says = Some("PENDING");
    tamper(&partner, Some(|response| replace(response, "PENDING", "APPROVED")));
    let run = partner.run("2026-12").await;
    assert_eq!((&run["totals"]["failed"], &run["totals"]["approved"]), (&json!(1), &json!(0)));
}
