//! The configuration file as TOML, with the place of everything in its text, and without a thing
//! that was found to be wrong.

use crate::config::setting_path::{SettingPath, Step};
use onbill_domain::wire::strict;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Error, ValueDeserializer};

/// Bytes of the text.
pub(super) type Span = Range<usize>;
type Node<'t> = Spanned<DeValue<'t>>;

/// The place of what is not in the text.
const NOWHERE: Span = usize::MAX..usize::MAX;

#[derive(Clone)]
pub(super) struct Document<'t> {
    root: Node<'t>,
}

impl<'t> Document<'t> {
    /// All of its syntax errors, if it has any.
    pub(super) fn parse(text: &'t str) -> Result<Self, Vec<Error>> {
        let (root, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            let span = root.span();
            Ok(Self { root: Spanned::new(span, DeValue::Table(root.into_inner())) })
        } else {
            Err(errors)
        }
    }

    /// Reads it as a type, as far as it can be; the error is the first one.
    pub(super) fn read_as<T: DeserializeOwned>(&self) -> Result<T, Error> {
        strict(ValueDeserializer::from(self.root.clone()))
    }

    pub(super) fn find(&self, path: &SettingPath) -> Option<&Node<'t>> {
        path.steps().iter().try_fold(&self.root, |node, step| match (step, node.get_ref()) {
            (Step::Key(key), DeValue::Table(table)) => table.get(key.as_str()),
            (Step::Index(index), DeValue::Array(array)) => array.get(*index),
            _ => None,
        })
    }

    fn find_mut(&mut self, path: &SettingPath) -> Option<&mut Node<'t>> {
        path.steps().iter().try_fold(&mut self.root, |node, step| match (step, node.get_mut()) {
            (Step::Key(key), DeValue::Table(table)) => table.get_mut(key.as_str()),
            (Step::Index(index), DeValue::Array(array)) => array.get_mut(*index),
            _ => None,
        })
    }

    /// Where the name of a setting is written.
    pub(super) fn find_key(&self, path: &SettingPath) -> Option<Span> {
        let DeValue::Table(table) = self.find(&path.parent()?)?.get_ref() else { return None };
        table.get_key_value(path.last_key()?).map(|(key, _)| key.span())
    }

    /// What is directly in a section or a list.
    pub(super) fn list_within(&self, path: &SettingPath) -> Vec<SettingPath> {
        match self.find(path).map(Spanned::get_ref) {
            Some(DeValue::Table(table)) => table.keys().map(|key| path.key(key.get_ref())).collect(),
            Some(DeValue::Array(array)) => (0..array.len()).map(|index| path.entry(index)).collect(),
            _ => Vec::new(),
        }
    }

    /// The innermost setting whose name or value is at this place of the text.
    pub(super) fn find_at(&self, span: &Span) -> Option<SettingPath> {
        self.find_at_within(&SettingPath::default(), span)
    }

    fn find_at_within(&self, path: &SettingPath, span: &Span) -> Option<SettingPath> {
        let within = self.list_within(path);
        let found = within.into_iter().find_map(|inner| {
            let is_its_name = self.find_key(&inner).as_ref() == Some(span);
            self.find_at_within(&inner, span).or_else(|| is_its_name.then_some(inner))
        });
        let is_here = || self.find(path).is_some_and(|node| node.span() == *span).then(|| path.clone());
        found.or_else(is_here)
    }

    /// Takes a setting, a section or an entry out.
    pub(super) fn remove(&mut self, path: &SettingPath) {
        let Some(parent) = path.parent() else { return };
        match (path.steps().last(), self.find_mut(&parent).map(Spanned::get_mut)) {
            (Some(Step::Key(key)), Some(DeValue::Table(table))) => {
                table.remove(key.as_str());
            }
            (Some(Step::Index(index)), Some(DeValue::Array(array))) => {
                let mut rest = DeArray::new();
                for (n, node) in array.iter().enumerate() {
                    if n != *index {
                        rest.push(node.clone());
                    }
                }
                *array = rest;
            }
            _ => {}
        }
    }

    /// Puts the value that another document has at `from` in the place of what is at `path`, if
    /// anything. False when neither can be.
    pub(super) fn put(&mut self, path: &SettingPath, other: &Document<'t>, from: &SettingPath) -> bool {
        let (Some(value), Some(parent)) = (other.find(from), path.parent()) else { return false };
        let value = value.get_ref().clone();
        // What is put there has the place of what was there. Where nothing was it has none: with that of
        // its section, an error about the section would seem to be about it.
        if let Some(node) = self.find_mut(path) {
            *node.get_mut() = value;
            return true;
        }
        let Some(section) = self.find_mut(&parent) else { return false };
        let span = NOWHERE;
        match (path.last_key(), section.get_mut()) {
            (Some(key), DeValue::Table(table)) => {
                let key = Spanned::new(span.clone(), Cow::Owned(key.to_owned()));
                table.insert(key, Spanned::new(span, value));
                true
            }
            _ => false,
        }
    }
}
