//! The members of an object and the entries of a list, one by one. Each is read strictly, and one that fails
//! is noted in the path of the error.

use super::member_path::MemberPath;
use super::strict::Strict;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The members of an object that is read as a struct.
pub(super) struct Members<'p, A> {
    map: A,
    /// The names that the struct has.
    names: &'static [&'static str],
    /// The name of the member whose value comes next; `None` for one that the struct does not have.
    next: Option<&'static str>,
    path: &'p MemberPath,
}

impl<'p, A> Members<'p, A> {
    pub(super) fn new(map: A, names: &'static [&'static str], path: &'p MemberPath) -> Self {
        Self { map, names, next: None, path }
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.map.next_key_seed(Name { seed, names: self.names, found: &mut self.next })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let read = self.map.next_value_seed(Strict(seed, self.path));
        if let (Err(_), Some(name)) = (&read, self.next) {
            self.path.note_member(name);
        }
        read
    }

    fn size_hint(&self) -> Option<usize> {
        self.map.size_hint()
    }
}

/// The seed of a member's name, which also finds it among the struct's own.
struct Name<'n, S> {
    seed: S,
    names: &'static [&'static str],
    found: &'n mut Option<&'static str>,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Name<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Name<'_, S> {
    type Value = S::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<S::Value, E> {
        *self.found = self.names.iter().copied().find(|name| *name == text);
        self.seed.deserialize(StrDeserializer::new(text))
    }
}

/// The entries of a list.
pub(super) struct Entries<'p, A> {
    list: A,
    /// The index of the entry that comes next.
    next: usize,
    path: &'p MemberPath,
}

impl<'p, A> Entries<'p, A> {
    pub(super) fn new(list: A, path: &'p MemberPath) -> Self {
        Self { list, next: 0, path }
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Entries<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let read = self.list.next_element_seed(Strict(seed, self.path));
        if read.is_err() {
            self.path.note_entry(self.next);
        }
        self.next += 1;
        read
    }

    fn size_hint(&self) -> Option<usize> {
        self.list.size_hint()
    }
}
