//! The help texts: those of clap are the docs of the arguments in the sources, and that of xtask is its usage. That each
//! argument has one is tested with each program.

use super::page::{collect_files, name_of, repository};
use super::sentences::{Measure, complain_of_long};
use super::snippets::usage;
use std::collections::BTreeSet;
use std::fs;

/// Where clap takes help texts from.
const SOURCES: [&str; 4] =
    ["origin/src/cli", "tool/src", "tests/sandbox/src/main.rs", "tests/bench/src/arguments.rs"];

/// The paragraphs of docs in a source, each with its first line. Each row of an indented table is one of its own.
fn docs_of(source: &str) -> Vec<(usize, String)> {
    let mut docs: Vec<(usize, String)> = Vec::new();
    let mut is_open = false;
    for (at, line) in source.lines().enumerate() {
        let doc = line.trim_start().strip_prefix("///").unwrap_or_default();
        let words = doc.trim();
        let is_row = doc.starts_with("   ") || words.contains("   ");
        match docs.last_mut() {
            _ if words.is_empty() => {}
            Some((_, text)) if is_open && !is_row => {
                text.push(' ');
                text.push_str(words);
            }
            _ => docs.push((at + 1, words.to_owned())),
        }
        is_open = !words.is_empty();
    }
    docs
}

#[test]
fn docs_are_read_in_paragraphs() {
    let source = "/// One\n/// two.\n///\n///   a   row\n///   another\nstruct S;\n    /// Three.\n";
    let wanted = [(1, "One two."), (4, "a   row"), (5, "another"), (7, "Three.")];
    assert_eq!(docs_of(source), wanted.map(|(line, text)| (line, text.to_owned())));
}

#[test]
fn help_texts_are_plain() {
    let mut read = 0;
    let mut measure = Measure::default();
    let mut complaints = Vec::new();
    let mut take = |file: &std::path::Path| {
        for (line, text) in docs_of(&fs::read_to_string(file).expect("can be read")) {
            read += 1;
            measure.count(&text);
            complaints.extend(complain_of_long(&format!("{}:{line}", name_of(file)), &text));
        }
    };
    for source in SOURCES.map(|source| repository().join(source)) {
        if source.is_dir() { collect_files(&source, &mut take) } else { take(&source) }
    }
    complaints.extend(measure.complain("the help texts"));
    assert!(read > 150, "{read} texts were read");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// The entries of the usage: the command, and what it does.
fn entries(usage: &str) -> Vec<(String, String)> {
    let mut entries: Vec<(String, String)> = Vec::new();
    for line in usage.lines().skip(2) {
        let (command, text) = line.split_at_checked(32).unwrap_or((line, ""));
        if command.starts_with("  ") && !command.starts_with("   ") {
            let (command, text) = if command.ends_with("  ") { (command, text) } else { (line, "") };
            entries.push((command.trim().to_owned(), text.to_owned()));
        } else if let Some((_, entry)) = entries.last_mut() {
            entry.push(' ');
            entry.push_str(line.trim());
        }
    }
    entries
}

#[test]
fn usage_of_xtask_explains_each_verb() {
    let usage = usage();
    let entries = entries(&usage);
    assert!(entries.len() > 12, "{} entries", entries.len());
    for (command, text) in &entries {
        assert!(text.split_whitespace().count() >= 4, "{command} is not explained: {text:?}");
        let complaints = complain_of_long(command, text);
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }
}

#[test]
fn usage_of_xtask_has_each_flag() {
    let usage = usage();
    let mut flags = BTreeSet::new();
    collect_files(&repository().join("xtask/src/arguments"), &mut |file| {
        let source = fs::read_to_string(file).expect("can be read");
        flags.extend(source.split('"').filter(|text| is_flag(text)).map(str::to_owned));
    });
    assert!(flags.len() > 12, "{flags:?}");
    for flag in flags {
        assert!(usage.contains(&flag), "{flag} is not in the usage");
    }
}

fn is_flag(text: &str) -> bool {
    text.strip_prefix("--").is_some_and(|name| {
        name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c == '-')
    })
}
