//! The reference of the settings, `docs/operate/configuration.md`, held to what the types take: the
//! sections and their settings are found by asking the reader for settings that cannot be, since it
//! answers with those that can.

use super::document::Document;
use super::words::{self, Subject};
use super::{SAMPLE, list_root_settings, read_config};
use crate::config::file::Config;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use toml::{Table, Value};

/// The sections with their settings, by the headings of the reference.
type Sections = BTreeMap<String, BTreeSet<String>>;

/// A name that no setting and no variant has.
const UNKNOWN: &str = "\"?\" = 0";

/// The first error of this text.
fn error_of(text: &str) -> Option<String> {
    let document = Document::parse(text).expect("is TOML");
    document.read_as::<Config>().err().map(|error| error.message().to_owned())
}

/// The settings of the section that has only an unknown one in this text.
fn settings_in(text: &str) -> Option<BTreeSet<String>> {
    let error = error_of(text)?;
    let is_here = words::subject_of(&error) == Subject::UnknownField("?");
    is_here.then(|| words::expected_words(&error).into_iter().map(str::to_owned).collect())
}

/// Finds what is below a setting. `around` gives the text of a file with this value of it.
fn find_sections(path: &str, around: &dyn Fn(&str) -> String, sections: &mut Sections) {
    for is_list in [false, true] {
        let bracket = |inner: &str| {
            around(&if is_list { format!("[{{ {inner} }}]") } else { format!("{{ {inner} }}") })
        };
        let heading = if is_list { format!("`[[{path}]]`") } else { format!("`[{path}]`") };
        if let Some(settings) = settings_in(&bracket(UNKNOWN)) {
            for setting in &settings {
                let inner = |value: &str| bracket(&format!("{setting} = {value}"));
                find_sections(&format!("{path}.{setting}"), &inner, sections);
            }
            sections.insert(heading, settings);
            return;
        }
        // One setting may decide which others there are.
        let error = error_of(&bracket(UNKNOWN)).unwrap_or_default();
        let Subject::MissingField(tag) = words::subject_of(&error) else { continue };
        let error = error_of(&bracket(&format!("{tag} = \"?\""))).unwrap_or_default();
        for variant in words::expected_words(&error) {
            let chosen = format!("{tag} = \"{variant}\"");
            let Some(mut settings) = settings_in(&bracket(&format!("{chosen}, {UNKNOWN}"))) else { continue };
            settings.insert(tag.to_owned());
            sections.insert(format!("{heading} with `{chosen}`"), settings);
        }
    }
}

fn find_all_sections() -> Sections {
    let root = list_root_settings();
    let mut sections = Sections::new();
    for setting in &root {
        find_sections(setting, &|value| format!("{setting} = {value}"), &mut sections);
    }
    sections.insert("The whole origin".to_owned(), root.into_iter().collect());
    sections
}

/// The rows of the reference: heading, setting and default.
fn read_reference() -> Vec<(String, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("is in the repository");
    let text = std::fs::read_to_string(root.join("docs/operate/configuration.md")).expect("can be read");
    let (mut heading, mut rows) = (String::new(), Vec::new());
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            title.clone_into(&mut heading);
        } else if let Some(row) = line.strip_prefix("| `") {
            let cells: Vec<&str> = row.trim_end_matches('|').split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 5, "{line}");
            rows.push((heading.clone(), cells[0].trim_end_matches('`').to_owned(), cells[2].to_owned()));
        }
    }
    rows
}

#[test]
fn reference_has_every_setting_and_no_other() {
    let mut documented = Sections::new();
    for (heading, setting, _) in read_reference() {
        assert!(documented.entry(heading).or_default().insert(setting.clone()), "{setting} is there twice");
    }
    let mut taken = find_all_sections();
    assert!(taken.len() > 10, "the types were not asked: {:?}", taken.keys());
    // The gateway that needs no settings has the section that says so.
    let by = taken.remove("`[sms]` with `by = \"csp\"`").expect("is a gateway");
    taken.insert("`[sms]`".to_owned(), by);
    assert_eq!(documented, taken);
}

/// What is in effect of a section's setting: in the first entry, where it is a list.
fn find_in_effect<'v>(effect: &'v Table, heading: &str, setting: &str) -> Option<&'v Value> {
    let path = heading.trim_matches(['`', '[', ']']);
    let steps = if heading == "The whole origin" { Vec::new() } else { path.split('.').collect() };
    let mut section = effect;
    for step in steps {
        section = match section.get(step)? {
            Value::Array(entries) => entries.first()?.as_table()?,
            value => value.as_table()?,
        };
    }
    section.get(setting)
}

#[test]
fn reference_has_the_defaults_in_effect() {
    let config = read_config(SAMPLE).expect("is sound");
    let effect: Table = config.to_toml().expect("is printable").parse().expect("is TOML");
    let sample: Table = SAMPLE.parse().expect("is TOML");
    let mut compared = 0;
    for (heading, setting, default) in read_reference() {
        let in_sample = || find_in_effect(&sample, &heading, &setting);
        // Of the sections that the sample does not have, nothing is in effect.
        let is_there = effect.contains_key(heading.trim_matches(['`', '[', ']']))
            || heading == "The whole origin"
            || heading == "`[[coupons.plans]]`";
        let in_effect = find_in_effect(&effect, &heading, &setting);
        match (default.as_str(), is_there) {
            ("required", true) => assert!(in_sample().is_some(), "{heading} {setting} is required"),
            ("none", true) => {
                let is_empty = in_effect.and_then(Value::as_table).is_some_and(Table::is_empty);
                let is_absent = in_effect.is_none() || is_empty;
                assert!(is_absent || in_sample().is_some(), "{heading} {setting}: {in_effect:?}");
            }
            (value, true) if value.starts_with('`') => {
                let value = value.trim_matches('`');
                if value.starts_with('[') && value != "[]" {
                    continue;
                }
                let shown = in_effect.map(ToString::to_string).unwrap_or_default();
                let is_empty_list = value == "[]" && in_sample().is_some();
                assert!(shown == value || is_empty_list, "{heading} {setting}: {value}, not {shown}");
                compared += 1;
            }
            _ => {}
        }
    }
    assert!(compared > 15, "only {compared} defaults were compared");
}
