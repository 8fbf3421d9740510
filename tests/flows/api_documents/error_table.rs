//! `docs/api/errors.md`: the table of status, code, cause and remedy of each call, from the documents.

use super::document::{Document, documents, object};
use super::recorded_page::compare_with_recorded;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const HEADING: &str = "# Statuses and codes\n\nWhat each call can answer, why, and what you do then. A test \
    writes this page from the OpenAPI documents\nbeside it, and compares those with what is really answered. \
    The body of a refusal is\n`{\"code\", \"message\"}`: the code is for your program, the message for your \
    engineers.\n";

const TABLE: &str = "| status | code | cause | what you do |\n|---|---|---|---|\n";

/// One line for each code, in the order of status and code.
fn rows<'a>(responses: impl Iterator<Item = (&'a str, &'a Value)>) -> String {
    let mut rows = BTreeMap::new();
    for (status, response) in responses {
        let status = if status == "default" { "other" } else { status };
        let Some(codes) = response["x-codes"].as_object() else {
            let description = response["description"].as_str().unwrap_or_default();
            rows.insert((status, ""), format!("| {status} | | {description} | |\n"));
            continue;
        };
        for (code, facts) in codes {
            let said = |what: &str| facts[what].as_str().unwrap_or_default();
            let row = format!("| {status} | `{code}` | {} | {} |\n", said("cause"), said("remedy"));
            rows.insert((status, code.as_str()), row);
        }
    }
    rows.into_values().collect()
}

/// What many calls answer alike stands once, with the status of its code.
fn shared_rows(document: &Document) -> String {
    use onbill_domain::reject::ErrorCode;
    let shared = document.shared_responses().map(|response| {
        let code = object(&response["x-codes"]).keys().next().expect("has a code");
        let code = ErrorCode::parse(code).expect("is a code");
        (code, response)
    });
    let mut rows_by_status = BTreeMap::new();
    for (code, response) in shared {
        let status = code.status();
        rows_by_status.insert(status.as_u16(), rows(std::iter::once((status.as_str(), response))));
    }
    rows_by_status.into_values().collect()
}

fn page() -> String {
    let mut page = HEADING.to_owned();
    for document in documents() {
        let name = document.name;
        let _ = write!(page, "\n## {}\n\n[{name}.json]({name}.json)\n", document.title());
        let shared = shared_rows(&document);
        if !shared.is_empty() {
            let _ =
                write!(page, "\n### Every call\n\n413 and 415 are for calls with a body.\n\n{TABLE}{shared}");
        }
        for operation in document.operations() {
            let own = operation.responses().iter().filter(|(_, response)| response["$ref"].is_null());
            let own = rows(own.map(|(status, response)| (status.as_str(), response)));
            let _ = write!(page, "\n### {} {}\n\n{TABLE}{own}", operation.method, operation.pattern);
        }
    }
    page
}

#[test]
fn error_table_is_that_of_the_documents() {
    compare_with_recorded("errors.md", &page());
}
