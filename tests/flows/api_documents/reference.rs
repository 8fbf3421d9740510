//! `docs/api/NAME.md`: a document as a page that people read, without a viewer.

use super::document::{Document, Operation, documents};
use super::recorded_page::compare_with_recorded;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// `#/components/schemas/Money` as a link to its heading on the page.
fn link(reference: &str) -> String {
    let name = reference.rsplit('/').next().unwrap_or_default();
    format!("[{name}](#{})", name.to_lowercase())
}

/// The type of a value, as a link where it has a name.
fn type_of(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return link(reference);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return choices.iter().map(type_of).collect::<Vec<_>>().join(" or ");
    }
    match (text(&schema["type"]), text(&schema["format"])) {
        ("array", _) => format!("list of {}", type_of(&schema["items"])),
        (name, "") => name.to_owned(),
        (name, format) => format!("{name} ({format})"),
    }
}

/// The bounds that a schema states in figures.
fn bounds_of(schema: &Value) -> String {
    let between = |least: &str, most: &str| {
        let (least, most) = (&schema[least], &schema[most]);
        match (least.is_null(), most.is_null()) {
            (true, true) => None,
            (false, true) => Some(format!("at least {least}")),
            (true, false) => Some(format!("at most {most}")),
            (false, false) => Some(format!("{least} to {most}")),
        }
    };
    let length = between("minLength", "maxLength").map(|length| format!("{length} characters"));
    let items = between("minItems", "maxItems").map(|items| format!("{items} entries"));
    let pattern = schema["pattern"].as_str().map(|pattern| format!("`{}`", pattern.replace('|', "\\|")));
    let bounds = [between("minimum", "maximum"), length, items, pattern];
    bounds.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What a property says itself, or what its schema says.
fn meaning_of<'a>(document: &'a Document, schema: &'a Value) -> &'a str {
    let own = text(&schema["description"]);
    if own.is_empty() { text(&document.resolve(schema)["description"]) } else { own }
}

fn write_schema(page: &mut String, document: &Document, name: &str, schema: &Value) {
    let _ = write!(page, "\n### {name}\n\n{}\n", text(&schema["description"]));
    let Some(properties) = schema["properties"].as_object() else {
        let bounds = bounds_of(schema);
        let bounds = if bounds.is_empty() { bounds } else { format!(": {bounds}") };
        let _ = write!(page, "\nA {}{bounds}.\n", type_of(schema));
        return;
    };
    if properties.is_empty() {
        return;
    }
    page.push_str("\n| member | type | bounds | |\n|---|---|---|---|\n");
    let required = schema["required"].as_array();
    for (member, property) in properties.iter().collect::<BTreeMap<_, _>>() {
        let is_required = required.is_some_and(|required| required.iter().any(|name| name == member));
        let optional = if is_required { "" } else { "?" };
        let (kind, bounds) = (type_of(property), bounds_of(property));
        let meaning = meaning_of(document, property);
        let _ = writeln!(page, "| `{member}`{optional} | {kind} | {bounds} | {meaning} |");
    }
}

/// The first example of a body.
fn write_example(page: &mut String, what: &str, content: &Value) {
    let examples = content["application/json"]["examples"].as_object();
    let first = examples.into_iter().flatten().collect::<BTreeMap<_, _>>().into_values().next();
    if let Some(example) = first {
        let _ = write!(page, "\n{what}:\n\n```json\n{}\n```\n", example["value"]);
    }
}

fn write_operation(page: &mut String, document: &Document, operation: &Operation<'_>) {
    let json = operation.json;
    let _ = write!(page, "\n### {} {}\n\n", operation.method, operation.pattern);
    let _ = writeln!(page, "{}. {}", text(&json["summary"]), text(&json["description"]));
    let parameters = json["parameters"].as_array().into_iter().flatten();
    let parameters = parameters.map(|parameter| document.resolve(parameter));
    let own: Vec<&Value> = parameters.filter(|parameter| parameter["in"] != "header").collect();
    if !own.is_empty() {
        page.push_str("\n| parameter | in | |\n|---|---|---|\n");
    }
    for parameter in own {
        let optional = if parameter["required"] == true { "" } else { "?" };
        let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
        let _ = writeln!(page, "| `{name}`{optional} | {place} | {} |", text(&parameter["description"]));
    }
    let request = &json["requestBody"]["content"];
    let request_schema = &request["application/json"]["schema"];
    if !request_schema.is_null() {
        let _ = write!(page, "\nBody: {}.\n", type_of(request_schema));
    }
    write_example(page, "For example", request);
    let responses = operation.responses().iter().collect::<BTreeMap<_, _>>();
    for (status, response) in responses.into_iter().filter(|(status, _)| status.starts_with('2')) {
        let schema = &response["content"]["application/json"]["schema"];
        let with = if schema.is_null() { String::new() } else { format!(" {}", type_of(schema)) };
        let _ = write!(page, "\n**{status}**{with} {}\n", text(&response["description"]));
        write_example(page, "For example", &response["content"]);
    }
}

/// The header fields that every call has, where onbill makes the calls.
fn write_header_fields(page: &mut String, document: &Document) {
    let fields = document.shared_parameters().filter(|field| field["in"] == "header");
    page.push_str("\n## Header fields\n\n| field | bounds | |\n|---|---|---|\n");
    for field in fields {
        let optional = if field["required"] == true { "" } else { "?" };
        let (name, bounds) = (text(&field["name"]), bounds_of(&field["schema"]));
        let _ = writeln!(page, "| `{name}`{optional} | {bounds} | {} |", text(&field["description"]));
    }
}

/// The other statuses, where you are the one who answers: [`errors.md`](error_table) has those of onbill.
fn write_refusals(page: &mut String, operation: &Operation<'_>) {
    for (status, response) in operation.responses().iter().collect::<BTreeMap<_, _>>() {
        if status.starts_with('2') {
            continue;
        }
        // The description of the default begins with what it is of.
        let status = if status == "default" { String::new() } else { format!("**{status}** ") };
        let _ = write!(page, "\n{status}{}\n", text(&response["description"]));
        write_example(page, "For example", &response["content"]);
    }
}

fn page(document: &Document) -> String {
    let name = document.name;
    let mut page = format!("# {}\n\n{}\n", document.title(), document.introduction());
    let _ = write!(
        page,
        "\nThe document is [{name}.json]({name}.json), from which a test writes this page. What is refused, \
         and why:\n[statuses and codes](errors.md). A `?` marks what may be absent.\n\n## Signature\n"
    );
    for (scheme, facts) in document.security_schemes() {
        let _ =
            write!(page, "\n**{scheme}**, in `{}`: {}\n", text(&facts["name"]), text(&facts["description"]));
    }
    if document.is_of_others() {
        write_header_fields(&mut page, document);
    }
    page.push_str("\n## Calls\n");
    for operation in document.operations() {
        write_operation(&mut page, document, &operation);
        if document.is_of_others() {
            write_refusals(&mut page, &operation);
        }
    }
    page.push_str("\n## Types\n");
    for (name, schema) in document.schemas().iter().collect::<BTreeMap<_, _>>() {
        write_schema(&mut page, document, name, schema);
    }
    page
}

#[test]
fn reference_is_that_of_the_documents() {
    for document in documents() {
        compare_with_recorded(&format!("{}.md", document.name), &page(&document));
    }
}

/// A link of a page leads to a heading: each type that is named is there.
#[test]
fn every_reference_is_to_something() {
    fn check(document: &Document, value: &Value) {
        document.resolve(value);
        match value {
            Value::Object(members) => {
                for member in members.values() {
                    check(document, member);
                }
            }
            Value::Array(items) => {
                for item in items {
                    check(document, item);
                }
            }
            _ => {}
        }
    }
    for document in documents() {
        for operation in document.operations() {
            check(&document, operation.json);
        }
        for schema in document.schemas().values() {
            check(&document, schema);
        }
    }
}
