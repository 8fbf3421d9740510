//! The OpenAPI documents in `docs/api`, compared with what they describe: the tables of routes, the
//! wire types, and the recorded transcripts. They are written by hand, so that the wire types stay
//! readable, but for the lists of words in `word_lists`; these tests find what is missing, wrong or too
//! much. The edge compares its own table in
//! `worker/src/tests/api_documents.rs`.

mod desk_references;
mod document;
mod error_table;
mod limits;
mod members;
mod recorded_page;
mod reference;
mod schemas;
mod transcripts;
mod word_lists;

use document::{Document, document};
use onbill_domain::wire::partner::{
    ACCOUNT_STATE_PATH, DISPUTE_STATE_PATH, REFUND_STATE_PATH, TRANSACTION_STATE_PATH,
};
use onbill_origin::routes::{OTHER_ROUTES, PARTNER_ROUTES};
use std::collections::BTreeSet;

/// The pattern with nameless variables: the programs name them in their own way.
fn nameless(pattern: &str) -> String {
    let parts = pattern.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn documented(document: &Document) -> BTreeSet<(String, String)> {
    let calls = document.operations().into_iter();
    calls.map(|call| (call.method, nameless(call.pattern))).collect()
}

fn of_routes<'a>(routes: impl Iterator<Item = &'a (&'a str, &'a str)>) -> BTreeSet<(String, String)> {
    routes.map(|(method, pattern)| (method.to_uppercase(), nameless(pattern))).collect()
}

#[test]
fn documents_have_the_routes_of_the_origin() {
    assert_eq!(documented(&document("ott")), of_routes(PARTNER_ROUTES.iter()));
    let operator = OTHER_ROUTES.iter().filter(|(_, pattern)| pattern.starts_with("/operator/"));
    assert_eq!(documented(&document("operator")), of_routes(operator));
}

#[test]
fn partner_is_called_at_the_documented_paths() {
    let paths = [
        ACCOUNT_STATE_PATH,
        DISPUTE_STATE_PATH,
        REFUND_STATE_PATH,
        "/signup-sessions",
        TRANSACTION_STATE_PATH,
    ];
    let calls = paths.map(|path| ("POST".to_owned(), path.to_owned()));
    assert_eq!(documented(&document("partner")), BTreeSet::from(calls));
}
