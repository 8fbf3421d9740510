//! A reference with a telephone number in it is refused, and the document says so at each member and each call
//! that has one.

use super::document::document;

/// The members that the audit keeps as a reference.
const REFERENCES: [&str; 2] = ["ref", "resendID"];

#[test]
fn reference_is_documented_to_have_no_telephone_number() {
    let operator = document("operator");
    let mut found = Vec::new();
    for operation in operator.operations() {
        let body = &operation.json["requestBody"]["content"]["application/json"]["schema"];
        let members = &operator.resolve(body)["properties"];
        for name in REFERENCES.into_iter().filter(|name| !members[name].is_null()) {
            let at_member = &members[name]["description"];
            let at_call =
                &operator.resolve(&operation.responses()["400"])["x-codes"]["invalid-request"]["cause"];
            for said in [at_member, at_call] {
                let said = said.as_str().unwrap_or_default();
                assert!(said.contains("telephone number"), "{} {name}: {said}", operation.pattern);
            }
            found.push((operation.pattern, name));
        }
    }
    // Those of `reference_is_never_a_number`, which calls each of them.
    assert_eq!(found.len(), 9, "{found:?}");
}
