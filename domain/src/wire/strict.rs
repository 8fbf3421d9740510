//! A reader under which a struct is an object and nothing else. serde's derived structs also take
//! an array of their members in order, so that `[1599, "USD"]` would be an amount.
//!
//! [`Strict`] wraps serde's five reading traits, and hands itself down to every value within. It
//! ends where serde buffers: within an enum with `tag` or `untagged`, and under `flatten`, a member
//! that is or holds a struct names [`strict`] in `deserialize_with`.
//!
//! An error notes, on its way out, the members that it passes.

use super::member_path::MemberPath;
use super::members::{Entries, Members};
use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use std::fmt;

/// Reads a value in which every struct is an object. It also serves as `deserialize_with`.
pub fn strict<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    strict_at(deserializer, &MemberPath::default())
}

/// The same; an error notes in `path` which member it is about.
pub(super) fn strict_at<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
    path: &MemberPath,
) -> Result<T, D::Error> {
    T::deserialize(Strict(deserializer, path))
}

/// What it wraps, with the rule for everything within, and where an error is noted.
pub(super) struct Strict<'p, T>(pub(super) T, pub(super) &'p MemberPath);

/// The visitor or the seed of a struct with these members, which takes a map only.
struct ObjectOnly<'p, T> {
    inner: T,
    names: &'static [&'static str],
    path: &'p MemberPath,
}

macro_rules! read_as {
    ($($method:ident($($argument:ident: $type:ty),*);)*) => {
        $(fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method($($argument,)* Strict(visitor, self.1))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<'_, D> {
    type Error = D::Error;

    read_as! {
        deserialize_any(); deserialize_bool(); deserialize_char(); deserialize_str(); deserialize_string();
        deserialize_i8(); deserialize_i16(); deserialize_i32(); deserialize_i64(); deserialize_i128();
        deserialize_u8(); deserialize_u16(); deserialize_u32(); deserialize_u64(); deserialize_u128();
        deserialize_f32(); deserialize_f64(); deserialize_bytes(); deserialize_byte_buf();
        deserialize_option(); deserialize_unit(); deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str); deserialize_seq(); deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize); deserialize_map(); deserialize_identifier();
        deserialize_enum(name: &'static str, variants: &'static [&'static str]); deserialize_ignored_any();
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(ObjectOnly { inner: visitor, names, path: self.1 })
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ObjectOnly<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(Members::new(map, self.names, self.path))
    }
}

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for ObjectOnly<'_, V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

macro_rules! visit_as {
    ($($method:ident($($type:ty)?);)*) => {
        $(visit_as!(@one $method $($type)?);)*
    };
    (@one $method:ident) => {
        fn $method<E: Error>(self) -> Result<V::Value, E> {
            self.0.$method()
        }
    };
    (@one $method:ident $type:ty) => {
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.0.$method(value)
        }
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Strict<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    visit_as! {
        visit_bool(bool); visit_char(char); visit_i8(i8); visit_i16(i16); visit_i32(i32); visit_i64(i64);
        visit_i128(i128); visit_u8(u8); visit_u16(u16); visit_u32(u32); visit_u64(u64); visit_u128(u128);
        visit_f32(f32); visit_f64(f64); visit_str(&str); visit_borrowed_str(&'de str); visit_string(String);
        visit_bytes(&[u8]); visit_borrowed_bytes(&'de [u8]); visit_byte_buf(Vec<u8>); visit_none(); visit_unit();
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Strict(deserializer, self.1))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Strict(deserializer, self.1))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Entries::new(seq, self.1))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Strict(map, self.1))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(Strict(data, self.1))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Strict<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Strict(deserializer, self.1))
    }
}

/// A map whose names are those of the body: an error in it is one of the map.
impl<'de, A: MapAccess<'de>> MapAccess<'de> for Strict<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Strict(seed, self.1))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, 'p, A: EnumAccess<'de>> EnumAccess<'de> for Strict<'p, A> {
    type Error = A::Error;
    type Variant = Strict<'p, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let path = self.1;
        self.0.variant_seed(seed).map(|(name, variant)| (name, Strict(variant, path)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Strict<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.0.newtype_variant_seed(Strict(seed, self.1))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(len, Strict(visitor, self.1))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.newtype_variant_seed(ObjectOnly { inner: visitor, names, path: self.1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountType;
    use crate::wire::{edge, ott, read_object};
    use serde_json::{Value, json};

    #[derive(Deserialize, Debug, PartialEq)]
    struct Point {
        x: i64,
        #[serde(default)]
        y: Option<i64>,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    enum Shape {
        Dot,
        At(Point),
        Line { from: Point, to: Vec<Point> },
        Pair(i64, Point),
    }

    fn read<T: for<'de> Deserialize<'de>>(json: &Value) -> Option<T> {
        let text = json.to_string();
        strict(&mut serde_json::Deserializer::from_str(&text)).ok()
    }

    #[test]
    fn struct_is_an_object_wherever_it_stands() {
        let point = |x| Point { x, y: None };
        assert_eq!(read(&json!({"x": 1, "unknown": [{"x": []}]})), Some(point(1)));
        assert_eq!(read::<Point>(&json!([1, 2])), None);
        assert_eq!(read::<Point>(&json!([])), None);
        assert_eq!(read(&json!([{"x": 1}, {"x": 2}])), Some(vec![point(1), point(2)]));
        assert_eq!(read::<Vec<Point>>(&json!([{"x": 1}, [2, 3]])), None);
        assert_eq!(
            read(&json!({"a": {"x": 1, "y": null}})),
            Some([("a".to_owned(), point(1))].into()) as Option<std::collections::BTreeMap<_, _>>
        );
        assert_eq!(read::<std::collections::BTreeMap<String, Point>>(&json!({"a": [1, 2]})), None);
        assert_eq!(read(&json!(null)), Some(None::<Point>));
        assert_eq!(read::<Option<Point>>(&json!([1, 2])), None);
        assert_eq!(read::<(i64, Point)>(&json!([1, [1, 2]])), None);
        assert_eq!(read(&json!([1, {"x": 1}])), Some((1, point(1))), "a tuple is an array");
    }

    #[test]
    fn struct_within_an_enum_is_an_object() {
        let point = |x| Point { x, y: None };
        assert_eq!(read(&json!("Dot")), Some(Shape::Dot));
        assert_eq!(read(&json!({"At": {"x": 1}})), Some(Shape::At(point(1))));
        assert_eq!(read(&json!({"Pair": [1, {"x": 2}]})), Some(Shape::Pair(1, point(2))));
        let line = json!({"Line": {"from": {"x": 1}, "to": [{"x": 2}]}});
        assert_eq!(read(&line), Some(Shape::Line { from: point(1), to: vec![point(2)] }));
        for bad in [
            json!({"At": [1, 2]}),
            json!({"Pair": [1, [2, 3]]}),
            json!({"Line": [{"x": 1}, [{"x": 2}]]}),
            json!({"Line": {"from": [1, 2], "to": []}}),
            json!({"Line": {"from": {"x": 1}, "to": [[2, 3]]}}),
        ] {
            assert_eq!(read::<Shape>(&bad), None, "{bad}");
        }
    }

    #[test]
    fn array_is_no_charge_and_no_amount() {
        let pai = "01010101-0101-4101-8101-010101010101";
        let days = json!({"from": "2027-01-01", "to": "2027-01-31"});
        let charge = json!({"extTransactionID": "id", "pai": pai, "description": "x", "servicePeriod": days,
                            "amount": {"value": 100, "currency": "USD"}});
        let is_read =
            |json: &Value| read_object::<ott::TransactionRequest>(json.to_string().as_bytes()).is_ok();
        assert!(is_read(&charge));
        let with = |member: &str, value: Value| {
            let mut changed = charge.clone();
            changed[member] = value;
            changed
        };
        for bad in [
            json!(["id", pai, [100, "USD"], "x", ["2027-01-01", "2027-01-31"], null]),
            json!(["id", pai, {"value": 100, "currency": "USD"}, "x", days, null]),
            with("amount", json!([100, "USD"])),
            with("servicePeriod", json!(["2027-01-01", "2027-01-31"])),
            with("tax", json!([0, "USD"])),
        ] {
            assert!(!is_read(&bad), "{bad}");
        }
    }

    /// Steps are read by way of serde's buffer.
    #[test]
    fn array_is_no_offer_of_a_step() {
        let agreement = |rows: Value| {
            json!({"title": "t", "rows": rows, "note": "n", "consent": "c", "links": [], "accept": "a",
                   "price": {"value": 100, "currency": "USD"}})
        };
        let confirm = |offer: Value, agreement: Value| json!({"step": "confirm", "flow": "f", "type": "postpaid", "offer": offer, "agreement": agreement});
        let step = |offer: Value| confirm(offer, agreement(json!([{"label": "l", "text": "t"}])));
        let is_read = |json: &Value| read_object::<edge::FlowStep>(json.to_string().as_bytes()).is_ok();
        let price = json!({"value": 100, "currency": "USD"});
        assert!(is_read(&step(json!({"id": "o", "title": "O", "partner": "p", "price": price}))));
        for bad in [
            step(json!(["o", "O", "p", price])),
            step(json!({"id": "o", "title": "O", "partner": "p", "price": [100, "USD"]})),
            confirm(
                json!({"id": "o", "title": "O", "partner": "p", "price": price}),
                agreement(json!([["l", "t"]])),
            ),
            json!(["confirm", {"flow": "f"}]),
            json!({"step": "account", "flow": "f", "subscriptions": [], "charges": [["p"]]}),
            json!({"step": "account", "flow": "f", "charges": [],
                   "subscriptions": [["s", "p", null, "2027-01-01T00:00:00Z", "ACTIVE", null, null]]}),
        ] {
            assert!(!is_read(&bad), "{bad}");
        }
        let own = json!({"step": "account", "flow": "f", "subscriptions": [], "charges": []});
        assert!(is_read(&own));
    }

    #[test]
    fn word_is_text_and_no_object() {
        assert_eq!(read(&json!("prepaid")), Some(AccountType::Prepaid));
        for bad in [json!({"prepaid": null}), json!(["prepaid"]), json!(1), json!("PREPAID")] {
            assert_eq!(read::<AccountType>(&bad), None, "{bad}");
        }
    }
}
