//! Pages of rows in order, and where the next one begins.

use onbill_domain::timestamp::Timestamp;

/// The last line of a page: the next one goes on after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Its time.
    pub at: Timestamp,
    /// Our id of it.
    pub id: String,
}

/// Some lines, in order.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The lines.
    pub lines: Vec<T>,
    /// Where the next page goes on; `None` when there is none.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// The same page of something else.
    pub fn map<U>(self, into: impl FnMut(T) -> U) -> Page<U> {
        Page { lines: self.lines.into_iter().map(into).collect(), next: self.next }
    }

    /// A page of up to `limit` lines; one that is full may have a next one.
    pub(in crate::store) fn of(lines: Vec<T>, limit: u32, cursor: impl Fn(&T) -> Cursor) -> Self {
        let is_full = lines.len() == limit as usize;
        let next = lines.last().filter(|_| is_full).map(cursor);
        Self { lines, next }
    }
}
