//! The members that a wire type reads. serde's derive names them to the deserializer, so they can be
//! listed without a value.

use serde::de::{self, DeserializeOwned, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};
use std::cell::Cell;

/// Takes note of the members that a struct asks for, and reads nothing.
struct MemberList<'a>(&'a Cell<Option<&'static [&'static str]>>);

impl<'de> Deserializer<'de> for MemberList<'_> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom("no struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.set(Some(fields));
        Err(de::Error::custom("only the members were asked for"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The names in JSON; `None` for a type with `#[serde(flatten)]`, which is read as a map.
pub(super) fn members_of<T: DeserializeOwned>() -> Option<&'static [&'static str]> {
    let members = Cell::new(None);
    let read = T::deserialize(MemberList(&members));
    assert!(read.is_err(), "nothing was there to read");
    members.get()
}
