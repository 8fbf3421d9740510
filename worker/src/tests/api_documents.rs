//! The OpenAPI document of partners is complete about their calls.

use crate::routes::ROUTES;
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn document_has_the_routes_of_partners() {
    let document: Value = serde_json::from_str(include_str!("../../../docs/api/ott.json")).expect("is JSON");
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
