//! What a deployment says of one operator: an object of the variable `OPERATORS`, or the value at
//! `operator/{id}` of the store `OPERATORS_KV`. A mistake in one entry is that operator's own.
//!
//! Not here: what two entries may not both have. The edge meets them one by one; `cargo xtask
//! operators check` compares them.

use crate::coupon_code::CouponTag;
use crate::deployment::{ALLOWED_ORIGINS, Deployment};
use crate::ids::{FontId, LogoId, OperatorId, PartnerId};
use crate::limits::{KEY_EPOCHS_MAX, OPERATOR_ENTRY_BYTES_MAX};
use crate::plain_text::is_plain_text;
use crate::root_key::KeyEpoch;
use crate::wire::read_object;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::fmt;

/// An entry that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorEntry {
    /// The name in URLs, tokens and keys.
    pub id: OperatorId,
    /// The name that customers know.
    pub name: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// The URL of its origin service: scheme, host and port, without a path.
    pub origin: String,
    /// The site origins of its pages: they alone may frame the widget and be returned to.
    pub dashboards: Vec<String>,
    /// The partners that it sells; all of them when `None`.
    pub partners: Option<Vec<PartnerId>>,
    /// The tag of its coupon codes, if it sells coupons.
    pub coupons: Option<CouponTag>,
    /// Its logo in the widget, if there is one.
    pub logo: Option<LogoId>,
    /// Its font in the widget, if the edge has one.
    pub font: Option<FontId>,
    /// The keys that edge and origin share: all of them verify, the last one signs.
    pub key_epochs: Vec<KeyEpoch>,
    /// Members that mean nothing to this version: those of a later one, or mistakes.
    pub unknown_members: Vec<String>,
}

/// The members of an entry, by the names of [`EntryFields`].
const MEMBERS: [&str; 10] =
    ["id", "name", "country", "origin", "dashboards", "partners", "coupons", "logo", "font", "key_epochs"];

#[derive(Deserialize)]
struct EntryFields {
    id: OperatorId,
    name: String,
    country: String,
    origin: String,
    dashboards: Vec<String>,
    partners: Option<Vec<PartnerId>>,
    coupons: Option<String>,
    logo: Option<LogoId>,
    font: Option<FontId>,
    key_epochs: Vec<KeyEpoch>,
}

/// What is wrong with an entry, in one sentence. Nothing in an entry is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryFault {
    /// The operator, where that can be read.
    pub operator: Option<OperatorId>,
    /// The member and the rule that it breaks.
    pub what: String,
}

impl EntryFault {
    /// A fault of this operator's entry.
    pub fn of(operator: &OperatorId, what: impl Into<String>) -> Self {
        Self { operator: Some(operator.clone()), what: what.into() }
    }
}

impl fmt::Display for EntryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.operator {
            Some(operator) => write!(f, "{operator}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

impl OperatorEntry {
    /// Reads and checks the JSON of an entry.
    pub fn parse(json: &str, deployment: Deployment) -> Result<Self, EntryFault> {
        let fault = |what: String| EntryFault { operator: find_id(json), what };
        if json.len() > OPERATOR_ENTRY_BYTES_MAX {
            return Err(fault(format!("the entry has more than {OPERATOR_ENTRY_BYTES_MAX} bytes")));
        }
        let fields = read_object(json.as_bytes()).map_err(|complaint| fault(complaint.to_string()))?;
        let mut entry = check_entry(fields, deployment).map_err(fault)?;
        let names = read_members(json).into_iter().flatten().map(|(name, _)| name);
        entry.unknown_members = names.filter(|name| !MEMBERS.contains(&name.as_str())).collect();
        Ok(entry)
    }
}

/// The members of an entry, whatever they are.
fn read_members(json: &str) -> Option<Map<String, Value>> {
    read_object(json.as_bytes()).ok()
}

/// The id of an entry that is otherwise wrong.
fn find_id(json: &str) -> Option<OperatorId> {
    // An entry that is far too long is not worth reading for its id.
    let is_readable = json.len() <= OPERATOR_ENTRY_BYTES_MAX.saturating_mul(4);
    let members = is_readable.then(|| read_members(json)).flatten()?;
    OperatorId::parse(members.get("id")?.as_str()?)
}

fn check_entry(fields: EntryFields, deployment: Deployment) -> Result<OperatorEntry, String> {
    if fields.name.chars().count() > NAME_CHARS_MAX || !is_plain_text(&fields.name) {
        return Err("name must be 1 to 60 printable characters".to_owned());
    }
    if fields.country.len() != 2 || !fields.country.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err("country must be two capital letters".to_owned());
    }
    if !deployment.allows(&fields.origin) {
        return Err(format!("origin must be without a path: {ALLOWED_ORIGINS}"));
    }
    if fields.dashboards.is_empty() || !fields.dashboards.iter().all(|url| deployment.allows(url)) {
        return Err(format!("dashboards must be a list without paths: {ALLOWED_ORIGINS}"));
    }
    check_distinct("dashboards", &fields.dashboards)?;
    let coupons = match fields.coupons.as_deref() {
        None => None,
        Some(tag) => Some(CouponTag::parse(tag).ok_or_else(|| {
            "coupons must be two of the symbols 0 to 9 and A to Z without I, L, O and U".to_owned()
        })?),
    };
    if !(1..=KEY_EPOCHS_MAX).contains(&fields.key_epochs.len()) {
        return Err(format!("key_epochs must have 1 to {KEY_EPOCHS_MAX} entries"));
    }
    check_distinct("key_epochs", &fields.key_epochs)?;
    let EntryFields { id, name, country, origin, dashboards, partners, logo, font, key_epochs, .. } = fields;
    Ok(OperatorEntry {
        id,
        name,
        country,
        origin,
        dashboards,
        partners,
        coupons,
        logo,
        font,
        key_epochs,
        unknown_members: Vec::new(),
    })
}

/// What fits beside other words in the title of the widget.
const NAME_CHARS_MAX: usize = 60;

fn check_distinct<T: PartialEq + fmt::Display>(member: &str, values: &[T]) -> Result<(), String> {
    let mut rest = values;
    while let Some((value, after)) = rest.split_first() {
        if after.contains(value) {
            return Err(format!("{member} has {value} twice"));
        }
        rest = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn acme() -> Value {
        json!({"id": "acme", "name": "Acme Mobile", "country": "US", "origin": "https://origin.acme.example",
               "dashboards": ["https://my.acme.example"], "key_epochs": ["r1.1"]})
    }

    fn complaint(change: impl FnOnce(&mut Value)) -> String {
        let mut entry = acme();
        change(&mut entry);
        OperatorEntry::parse(&entry.to_string(), Deployment::Local).expect_err("is refused").to_string()
    }

    #[test]
    fn entry_is_read_with_its_optional_members() {
        let entry = OperatorEntry::parse(&acme().to_string(), Deployment::Public).expect("is sound");
        assert_eq!((entry.partners, entry.coupons), (None, None));
        let mut full = acme();
        full["partners"] = json!(["netflix"]);
        full["coupons"] = json!("AC");
        full["logo"] = json!("acme-2");
        full["font"] = json!("acme-sans");
        full["key_epochs"] = json!(["r1.2", "r1.1"]);
        let entry = OperatorEntry::parse(&full.to_string(), Deployment::Public).expect("is sound");
        assert_eq!(entry.key_epochs.iter().map(KeyEpoch::to_string).collect::<Vec<_>>(), ["r1.2", "r1.1"]);
        assert_eq!(entry.logo.as_ref().map(LogoId::as_str), Some("acme-2"));
        assert_eq!(entry.font.as_ref().map(FontId::as_str), Some("acme-sans"));
        assert!(entry.coupons.is_some() && entry.partners.is_some_and(|partners| partners.len() == 1));
        assert!(entry.unknown_members.is_empty(), "{:?}", entry.unknown_members);
        full["dashboard"] = json!([]);
        let entry = OperatorEntry::parse(&full.to_string(), Deployment::Public).expect("is sound");
        assert_eq!(entry.unknown_members, ["dashboard"], "a version before may meet a new member");
    }

    #[test]
    fn mistake_is_named_with_operator_and_member() {
        type Change = fn(&mut Value);
        let cases: [(Change, &str); 24] = [
            (|e| e["coupons"] = json!("ac"), "acme: coupons must be"),
            (|e| e["name"] = json!(" "), "acme: name must be"),
            (|e| e["name"] = json!("a".repeat(61)), "acme: name must be"),
            (|e| e["country"] = json!("us"), "acme: country must be"),
            (|e| e["country"] = json!("USA"), "acme: country must be"),
            (|e| e["origin"] = json!("http://origin.acme.example"), "acme: origin must be"),
            (|e| e["origin"] = json!("https://origin.acme.example/"), "acme: origin must be"),
            (|e| e["origin"] = json!("https://u@origin.acme.example"), "acme: origin must be"),
            (|e| e["dashboards"] = json!([]), "acme: dashboards must be"),
            (|e| e["dashboards"] = json!(["http://my.acme.example"]), "acme: dashboards must be"),
            (|e| e["dashboards"] = json!(["https://a.example; x"]), "acme: dashboards must be"),
            (|e| e["dashboards"] = json!(["https://a.exampl%65"]), "acme: dashboards must be"),
            (|e| e["dashboards"] = json!(["https://a.example", "https://a.example"]), "acme: dashboards has"),
            (|e| e["key_epochs"] = json!([]), "acme: key_epochs must have 1 to 4"),
            (
                |e| e["key_epochs"] = json!(["r1.1", "r1.2", "r1.3", "r1.4", "r1.5"]),
                "acme: key_epochs must have",
            ),
            (|e| e["key_epochs"] = json!(["r1.1", "r1.1"]), "acme: key_epochs has r1.1 twice"),
            (|e| e["key_epochs"] = json!(["1"]), "acme: not a key epoch"),
            (|e| e["key_epochs"] = Value::Null, "acme: invalid type: null"),
            (|e| e["partners"] = json!(["Netflix"]), "acme: not a partner name"),
            (|e| e["logo"] = json!("../acme.svg"), "acme: not a logo name"),
            (|e| e["font"] = json!("https://acme.example/font"), "acme: not a font name"),
            (|e| e["name"] = json!("a".repeat(6000)), "acme: the entry has more than 4096 bytes"),
            (|e| e["id"] = json!("Acme"), "not an operator name"),
            (|e| *e = json!([]), "not a JSON object"),
        ];
        for (change, expected) in cases {
            let complaint = complaint(change);
            assert!(complaint.starts_with(expected), "{complaint} / {expected}");
        }
        for bad in ["", "{", "null", r#"{"id":"a","id":"a"}"#] {
            assert!(OperatorEntry::parse(bad, Deployment::Local).is_err(), "{bad}");
        }
    }

    #[test]
    fn this_machine_is_for_local_edges() {
        for (member, value) in
            [("origin", json!("http://127.0.0.1:8788")), ("dashboards", json!(["http://localhost:8790"]))]
        {
            let mut entry = acme();
            entry[member] = value;
            assert!(OperatorEntry::parse(&entry.to_string(), Deployment::Local).is_ok());
            let refused =
                OperatorEntry::parse(&entry.to_string(), Deployment::Public).expect_err("is refused");
            assert!(refused.to_string().starts_with(&format!("acme: {member} must be")), "{refused}");
        }
    }
}
