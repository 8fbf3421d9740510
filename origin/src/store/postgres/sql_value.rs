//! The values of statements, with their types in SQL: a statement that names the types of its values
//! needs no preparation.

use tokio_postgres::types::{ToSql, Type};

/// A Rust type that is stored as one SQL type.
pub(in crate::store) trait TypedValue: ToSql + Sync {
    const TYPE: Type;
}

/// Any [`TypedValue`].
pub(in crate::store) trait SqlValue: Sync {
    fn as_parameter(&self) -> (&(dyn ToSql + Sync), Type);
}

impl<T: TypedValue> SqlValue for T {
    fn as_parameter(&self) -> (&(dyn ToSql + Sync), Type) {
        (self, T::TYPE)
    }
}

macro_rules! typed {
    ($($rust:ty => $sql:ident),+ $(,)?) => {
        $(impl TypedValue for $rust {
            const TYPE: Type = Type::$sql;
        })+
    };
}

typed! {
    i64 => INT8,
    bool => BOOL,
    &str => TEXT,
    String => TEXT,
    &[u8] => BYTEA,
    Vec<u8> => BYTEA,
    &[&str] => TEXT_ARRAY,
    Vec<&str> => TEXT_ARRAY,
    Vec<String> => TEXT_ARRAY,
    Vec<Option<&str>> => TEXT_ARRAY,
    Vec<Option<String>> => TEXT_ARRAY,
    Vec<i64> => INT8_ARRAY,
    Vec<Option<i64>> => INT8_ARRAY,
    Vec<&[u8]> => BYTEA_ARRAY,
    Vec<Vec<u8>> => BYTEA_ARRAY,
}

impl<T: TypedValue> TypedValue for &T {
    const TYPE: Type = T::TYPE;
}

impl<T: TypedValue> TypedValue for Option<T> {
    const TYPE: Type = T::TYPE;
}
