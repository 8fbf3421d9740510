//! An OpenAPI document, as far as the tests ask about it.

use super::word_lists::write_word_lists;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// One of the files in `docs/api`.
pub(super) struct Document {
    pub(super) name: &'static str,
    json: Value,
}

/// One call: a method of a path.
pub(super) struct Operation<'a> {
    /// In upper case.
    pub(super) method: String,
    pub(super) pattern: &'a str,
    pub(super) json: &'a Value,
}

/// All of them. The lists of words are those of the code, so that a page can be written in the same
/// run as the list.
pub(super) fn documents() -> Vec<Document> {
    let parse = |name| serde_json::from_str(&write_word_lists(&read_document(name))).expect("is JSON");
    ["ott", "operator", "csp", "partner"].map(|name| Document { name, json: parse(name) }).into()
}

/// The document as it is written.
pub(super) fn read_document(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api");
    fs::read_to_string(folder.join(format!("{name}.json"))).expect("can be read")
}

/// The document of this name.
pub(super) fn document(name: &str) -> Document {
    documents().into_iter().find(|document| document.name == name).expect("is one of them")
}

impl Document {
    /// All calls, by path and method.
    pub(super) fn operations(&self) -> Vec<Operation<'_>> {
        let mut operations: Vec<Operation<'_>> = object(&self.json["paths"])
            .iter()
            .flat_map(|(pattern, item)| {
                object(item).iter().map(move |(method, json)| Operation {
                    method: method.to_uppercase(),
                    pattern: pattern.as_str(),
                    json,
                })
            })
            .collect();
        operations.sort_by(|a, b| (a.pattern, &a.method).cmp(&(b.pattern, &b.method)));
        operations
    }

    /// The call of this method and path.
    pub(super) fn operation(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        self.operations().into_iter().find(|call| call.method == method && matches(call.pattern, path))
    }

    /// What is meant, if this is a reference.
    pub(super) fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => {
                let pointer = reference.strip_prefix('#').expect("is in this document");
                self.json.pointer(pointer).unwrap_or_else(|| panic!("{reference} is nowhere"))
            }
            None => value,
        }
    }

    pub(super) fn schemas(&self) -> &Map<String, Value> {
        object(&self.json["components"]["schemas"])
    }

    /// The responses that many calls share.
    pub(super) fn shared_responses(&self) -> impl Iterator<Item = &Value> {
        self.json["components"]["responses"].as_object().into_iter().flat_map(Map::values)
    }

    /// The parameters that many calls share.
    pub(super) fn shared_parameters(&self) -> impl Iterator<Item = &Value> {
        self.json["components"]["parameters"].as_object().into_iter().flat_map(Map::values)
    }

    /// Whether it is others who answer these calls, and onbill makes them.
    pub(super) fn is_of_others(&self) -> bool {
        ["csp", "partner"].contains(&self.name)
    }

    /// Whether these words stand anywhere.
    pub(super) fn says(&self, words: &str) -> bool {
        self.json.to_string().contains(words)
    }

    /// What the headers of a signature are.
    pub(super) fn security_schemes(&self) -> BTreeMap<&str, &Value> {
        let schemes = object(&self.json["components"]["securitySchemes"]).iter();
        schemes.map(|(name, scheme)| (name.as_str(), scheme)).collect()
    }

    pub(super) fn introduction(&self) -> &str {
        self.json["info"]["description"].as_str().expect("has one")
    }

    pub(super) fn title(&self) -> &str {
        self.json["info"]["title"].as_str().expect("has a title")
    }

    /// A value with every member of a schema, from the examples of each.
    pub(super) fn sample(&self, schema: &Value) -> Value {
        if let Some(example) = schema["examples"].get(0) {
            return example.clone();
        }
        let schema = self.resolve(schema);
        if let Some(example) = schema["examples"].get(0) {
            return example.clone();
        }
        if schema["type"] == "array" {
            return Value::Array(vec![self.sample(&schema["items"])]);
        }
        let members = object(&schema["properties"]).iter();
        Value::Object(members.map(|(name, member)| (name.clone(), self.sample(member))).collect())
    }
}

impl Operation<'_> {
    /// The responses by status.
    pub(super) fn responses(&self) -> &Map<String, Value> {
        object(&self.json["responses"])
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    let is_match = |(name, part): (&str, &str)| name.starts_with('{') || name == part;
    pattern.split('/').count() == path.split('/').count()
        && pattern.split('/').zip(path.split('/')).all(is_match)
}

/// The members of an object.
pub(super) fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("{value} is no object"))
}
