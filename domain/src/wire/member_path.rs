//! Which member of a body an error is about. [`Strict`](super::strict) notes it on the way out of the
//! member, from the innermost.

use std::cell::RefCell;
use std::fmt;

/// The way to a member, such as `amount.value` or `mappings[2].pai`. Its names are those of onbill's own
/// types, and never a text of the body, which may be a number.
#[derive(Default)]
pub(super) struct MemberPath(RefCell<Vec<Step>>);

#[derive(Clone, Copy)]
enum Step {
    Member(&'static str),
    Entry(usize),
}

impl MemberPath {
    /// What failed is in this member.
    #[cold]
    pub(super) fn note_member(&self, name: &'static str) {
        self.0.borrow_mut().push(Step::Member(name));
    }

    /// What failed is in this entry of a list.
    #[cold]
    pub(super) fn note_entry(&self, index: usize) {
        self.0.borrow_mut().push(Step::Entry(index));
    }
}

impl fmt::Display for MemberPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.borrow().iter().rev().enumerate().try_for_each(|(depth, step)| match step {
            Step::Member(name) if depth == 0 => f.write_str(name),
            Step::Member(name) => write!(f, ".{name}"),
            Step::Entry(index) => write!(f, "[{index}]"),
        })
    }
}
