//! Reads the configuration file, and finds everything that is wrong with it at once.
//!
//! The types decide what a file may say, and stop at the first thing that they refuse. So what is
//! refused is noted with its place, taken out or replaced by a sample, and the file is read again,
//! until the types accept the rest; then the checks see it. What follows from something that was
//! replaced is not reported.

mod document;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
mod words;

use super::complaints::Complaint;
use super::file::Config;
use super::setting_path::SettingPath;
use document::{Document, Span};
use onbill_domain::similar_word::find_similar;
use std::fmt;
use words::Subject;

/// More than a person corrects before they look again; it bounds how often a file is read.
const MISTAKES_MAX: usize = 100;

const SAMPLE: &str = include_str!("sample.toml");

/// What is wrong in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Line and column, from 1; `None` for what is missing in the file as a whole.
    pub place: Option<(usize, usize)>,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl fmt::Display for Mistake {
    /// `12:8: …`, which editors jump to when the file's name and a colon are before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{line}:{column}: {}", self.message),
            None => write!(f, " {}", self.message),
        }
    }
}

/// Reads and checks the text of a file; the error is everything that is wrong with it, in the order
/// of the file.
pub(super) fn read_config(text: &str) -> Result<Config, Vec<Mistake>> {
    let document = Document::parse(text).map_err(|errors| {
        let mistake = |error: &toml::de::Error| Mistake {
            place: error.span().map(|span| place_of(text, span.start)),
            message: explain_syntax(error.message()),
        };
        errors.iter().map(mistake).collect::<Vec<_>>()
    })?;
    let mut reading = Reading::of(document);
    let config = reading.read_on();
    if let Some(config) = &config {
        reading.take_complaints(config.list_complaints().into_list());
    }
    let mut found = reading.found;
    match config {
        Some(config) if found.is_empty() => Ok(config),
        _ => {
            found.sort_by_key(|(start, _)| *start);
            let place = |start: Option<usize>| start.map(|start| place_of(text, start));
            Err(found.into_iter().map(|(at, message)| Mistake { place: place(at), message }).collect())
        }
    }
}

/// What the parser says of `billing = "files"` beside `[billing.codes]`, and everything else.
pub(super) fn explain_syntax(message: &str) -> String {
    if message.starts_with("cannot extend value") {
        return format!(
            "{message}: is billing there as a word and as a section? Then write [billing] by = \"files\""
        );
    }
    message.to_owned()
}

/// A file that is being read.
struct Reading<'t> {
    document: Document<'t>,
    sample: Option<Document<'t>>,
    /// What is wrong, by the byte at which it begins.
    found: Vec<(Option<usize>, String)>,
    /// What is not as the file has it any more.
    mended: Vec<SettingPath>,
    /// What an unknown name was probably meant to be. That it is missing is not reported again.
    meant: Vec<SettingPath>,
}

impl<'t> Reading<'t> {
    fn of(document: Document<'t>) -> Self {
        let sample = Document::parse(SAMPLE).ok();
        Self { document, sample, found: Vec::new(), mended: Vec::new(), meant: Vec::new() }
    }

    /// Reads until the types accept what is left; `None` when they accept nothing.
    fn read_on(&mut self) -> Option<Config> {
        // Several mends may follow from one mistake.
        for _ in 0..2 * MISTAKES_MAX {
            match self.document.read_as::<Config>() {
                Ok(config) => return Some(config),
                Err(error) => {
                    let (at, complaint) = self.explain(&error);
                    if !self.is_mended(&at) && !self.meant.contains(&at) {
                        self.found.push((self.start_of(&at), complaint));
                    }
                    if self.found.len() >= MISTAKES_MAX || !self.mend(&at, &error) {
                        return None;
                    }
                }
            }
        }
        None
    }

    /// What an error is about, and what to write instead.
    fn explain(&mut self, error: &toml::de::Error) -> (SettingPath, String) {
        let span = error.span().unwrap_or_default();
        let near = self.document.find_at(&span).unwrap_or_default();
        let message = error.message();
        match words::subject_of(message) {
            Subject::UnknownField(field) => {
                let at = if near.last_key() == Some(field) { near } else { near.key(field) };
                let known = words::expected_words(message);
                let root = list_root_settings();
                let root: Vec<&str> = root.iter().map(String::as_str).collect();
                let meant = find_similar(field, &known);
                let section = at.parent().unwrap_or_default();
                self.meant.extend(meant.map(|meant| section.key(meant)));
                let complaint = words::describe_unknown(&section, field, meant, &known, &root);
                (at, complaint)
            }
            Subject::MissingField(field) => {
                let at = near.key(field);
                let complaint = words::describe_missing(&at);
                (at, complaint)
            }
            Subject::Value => {
                let at = self.find_culprit(near, error);
                let complaint = words::describe_value(&at, message);
                (at, complaint)
            }
        }
    }

    /// The setting within a section or a list without which it would be accepted. A section that is
    /// read as a whole has an error of its own, which does not say where in it. One that the section
    /// needs is the culprit only if no other is: without it there is another error in any case.
    fn find_culprit(&self, near: SettingPath, error: &toml::de::Error) -> SettingPath {
        let within = self.document.list_within(&near);
        let is_culprit = |inner: &&SettingPath, is_needed: bool| {
            let mut without = self.document.clone();
            without.remove(inner);
            let Err(other) = without.read_as::<Config>() else { return !is_needed };
            let names = |key| words::subject_of(other.message()) == Subject::MissingField(key);
            let is_another = other.message() != error.message() || other.span() != error.span();
            if inner.last_key().is_some_and(names) { is_needed } else { !is_needed && is_another }
        };
        let culprit = within.iter().find(|inner| is_culprit(inner, false));
        let culprit = culprit.or_else(|| within.iter().find(|inner| is_culprit(inner, true)));
        culprit.cloned().map_or(near, |inner| self.find_culprit(inner, error))
    }

    /// Takes what is wrong out of the document, or puts a sample there. False when nothing can be
    /// done.
    fn mend(&mut self, at: &SettingPath, error: &toml::de::Error) -> bool {
        let is_there = self.document.find(at).is_some();
        let is_unknown = matches!(words::subject_of(error.message()), Subject::UnknownField(_));
        let is_new = !self.mended.contains(at);
        self.mended.push(at.clone());
        if is_new
            && !is_unknown
            && let Some(sample) = &self.sample
            && self.document.put(at, sample, &at.in_first_entries())
        {
            return true;
        }
        if is_there && !at.is_root() {
            self.document.remove(at);
            return true;
        }
        match at.parent() {
            Some(parent) if !parent.is_root() => self.mend(&parent, error),
            _ => false,
        }
    }

    /// Takes what the checks have found, except for what follows from other mistakes.
    fn take_complaints(&mut self, complaints: Vec<Complaint>) {
        for Complaint { at, beside, message } in complaints {
            if !self.is_mended(&at) && !beside.iter().any(|beside| self.is_mended(beside)) {
                self.found.push((self.start_of(&at), message));
            }
        }
    }

    /// Whether it is within what was replaced, or something that was replaced is within it.
    fn is_mended(&self, path: &SettingPath) -> bool {
        self.mended.iter().any(|mended| path.is_within(mended) || mended.is_within(path))
    }

    /// Where a setting is written, or the section that it is missing in.
    fn start_of(&self, path: &SettingPath) -> Option<usize> {
        if path.is_root() {
            return None;
        }
        let value = self.document.find(path).map(toml::Spanned::span);
        let place: Option<Span> = self.document.find_key(path).or(value);
        place.map(|span| span.start).or_else(|| self.start_of(&path.parent()?))
    }
}

/// The names of the settings of the whole origin, as the types list them.
fn list_root_settings() -> Vec<String> {
    let error = Document::parse("\"?\" = 0").ok().and_then(|unknown| unknown.read_as::<Config>().err());
    let message = error.map(|error| error.message().to_owned()).unwrap_or_default();
    words::expected_words(&message).into_iter().map(str::to_owned).collect()
}

/// Line and column of a byte of the text, from 1. A column counts characters.
fn place_of(text: &str, start: usize) -> (usize, usize) {
    let before = text.get(..start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
