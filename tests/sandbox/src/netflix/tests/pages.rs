//! What people read where there is no page.

use super::{StatusCode, ask, get, partner};
use http::Request;

#[tokio::test]
async fn menu_marks_the_page_that_is_shown() {
    let partner = partner();
    for (path, name) in [("/redeem", "Redeem a code"), ("/member", "Your account")] {
        let page = ask(&partner.router, get(path)).await.text;
        assert!(page.contains(&format!("aria-current=\"page\">{name}</a>")), "{path}: {page}");
        assert_eq!(page.matches("aria-current").count(), 1, "{path}: {page}");
    }
    assert!(!ask(&partner.router, get("/charges")).await.text.contains("aria-current"));
}

#[tokio::test]
async fn people_get_a_page_where_programs_get_a_refusal() {
    let partner = partner();
    let open = |path: &str| {
        Request::get(path)
            .header("accept", "text/html,*/*;q=0.8")
            .body(bytes::Bytes::new())
            .expect("is a request")
    };
    let page = ask(&partner.router, open("/nothing")).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(
        page.text.contains("There is no such page.") && page.text.contains("Partner sandbox"),
        "{}",
        page.text
    );
    let refusal = ask(&partner.router, get("/nothing")).await;
    assert_eq!((refusal.status, refusal.code().as_str()), (StatusCode::NOT_FOUND, "not-found"));
    let over = ask(&partner.router, open("/signup/nobody")).await;
    assert!(over.text.contains("visit-over"), "a page of its own stays: {}", over.text);
}
