//! Pages of rows in order, and where the next one begins.

use onbill_domain::timestamp::Timestamp;

/// The last line of a page: the next page continues after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub at: Timestamp,
    pub id: String,
}

#[derive(Clone, Debug)]
pub struct Page<T> {
    pub lines: Vec<T>,
    /// Where the next page continues; `None` when this is the last one.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    pub fn map<U>(self, into: impl FnMut(T) -> U) -> Page<U> {
        Page { lines: self.lines.into_iter().map(into).collect(), next: self.next }
    }

    /// A page of up to `limit` lines. After a full page there may be another.
    pub(in crate::store) fn of(lines: Vec<T>, limit: u32, cursor: impl Fn(&T) -> Cursor) -> Self {
        let is_full = lines.len() == limit as usize;
        let next = lines.last().filter(|_| is_full).map(cursor);
        Self { lines, next }
    }
}
