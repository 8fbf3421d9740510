//! The OpenAPI documents: served as they are in the docs, and complete about the partner's calls.

use super::test_edge::TestEdge;
use crate::routes::ROUTES;
use serde_json::Value;
use std::collections::BTreeSet;

#[tokio::test]
async fn documents_are_served_to_every_viewer() {
    let edge = TestEdge::new();
    for name in ["ott", "operator", "csp", "partner"] {
        let response = edge.get(&format!("/api/{name}.json")).await;
        assert_eq!((response.status(), response.header("content-type")), (200, "application/json"), "{name}");
        assert_eq!(response.header("access-control-allow-origin"), "*", "{name}");
        let document: Value = serde_json::from_str(response.text()).expect("is JSON");
        assert_eq!(document["openapi"], "3.1.1", "{name}");
    }
    for name in ["ott", "ott.yaml", "OTT.json", "errors.md"] {
        let refusal = edge.get(&format!("/api/{name}")).await.refusal();
        assert_eq!(refusal, (404, "not-found".to_owned()), "{name}");
    }
}

#[tokio::test]
async fn document_has_the_routes_of_partners() {
    let response = TestEdge::new().get("/api/ott.json").await;
    let document: Value = serde_json::from_str(response.text()).expect("is JSON");
    let documented: BTreeSet<(String, &str)> = document["paths"]
        .as_object()
        .expect("is an object")
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().expect("is an object").keys();
            methods.map(move |method| (method.to_uppercase(), path.as_str()))
        })
        .collect();
    let routes = ROUTES.iter().filter(|route| route.pattern.starts_with("/ott/"));
    let served: BTreeSet<(String, &str)> = routes
        .flat_map(|route| route.methods.iter().map(|method| (method.to_string(), route.pattern)))
        .collect();
    assert_eq!(documented, served);
}
