//! What is wrong with a line of a file that another party has written.

use std::fmt;

onbill_domain::word_enum! {
    /// What is wrong with a line, for the counts.
    pub enum ProblemKind {
        /// It is no line of such a file.
        Unreadable = "unreadable",
        /// A value is missing, or is not of its form.
        Value = "value",
        /// The operator does not sell this partner.
        Partner = "partner",
        /// The operator does not bill in this currency.
        Currency = "currency",
        /// The PAI has the number of its line in it.
        NumberInPai = "number-in-pai",
        /// Another line has the same PAI.
        PaiTwice = "pai-twice",
        /// The line has two open PAIs at one partner.
        TwoOpenPais = "two-open-pais",
        /// The number has open PAIs of two subscribers.
        TwoSubscribers = "two-subscribers",
        /// Another line has the same charge.
        ChargeTwice = "charge-twice",
        /// The PAI is not among those that are brought in.
        PaiUnknown = "pai-unknown",
        /// More was refunded than was charged.
        RefundedAboveCharged = "refunded-above-charged",
        /// It was loaded before with other values, which stay.
        Changed = "changed",
        /// The PAI is one that onbill has issued, or another partner's.
        PaiTaken = "pai-taken",
        /// There is no account, or no subscriber, with the number.
        NumberUnknown = "number-unknown",
        /// The account of the number has ended.
        NumberCeased = "number-ceased",
        /// The number belongs to another subscriber.
        AnotherSubscriber = "another-subscriber",
        /// The partner's id of the subscription is another one's.
        SubscriptionTaken = "subscription-taken",
        /// The partner has posted a charge under this id to onbill.
        ChargeTaken = "charge-taken",
        /// Another line is about the same thing.
        AnotherLine = "another-line",
        /// Another line has a later subscriber of the number.
        EarlierSubscriber = "earlier-subscriber",
        /// Its id belongs to something else that is known already.
        IdTaken = "id-taken",
        /// Its values are well formed, and what it asks for cannot be.
        Refused = "refused",
    }
}

/// What is wrong with a line. It does not repeat a value, which may be a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineProblem {
    /// The number of the line.
    pub line: u64,
    pub kind: ProblemKind,
    /// Line and column, and what is wrong there.
    pub text: String,
}

impl LineProblem {
    /// A problem of a line as a whole.
    pub fn of_line(line: u64, kind: ProblemKind, why: &str) -> Self {
        Self { line, kind, text: format!("line {line}: {why}") }
    }

    /// A problem of the value in a column.
    pub fn of_column(line: u64, column: &str, kind: ProblemKind, why: &str) -> Self {
        Self { line, kind, text: format!("line {line}, column {column}: {why}") }
    }
}

impl fmt::Display for LineProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// How many problems of each kind there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProblemCounts([u64; ProblemKind::ALL.len()]);

impl ProblemCounts {
    /// Counts one more, and returns how many there are of its kind.
    pub fn add(&mut self, kind: ProblemKind) -> u64 {
        let mut of_its_kind = 0;
        for (each, count) in ProblemKind::ALL.iter().zip(&mut self.0) {
            if *each == kind {
                *count += 1;
                of_its_kind = *count;
            }
        }
        of_its_kind
    }

    /// The kinds that there are, with their counts.
    pub fn kinds(&self) -> impl Iterator<Item = (ProblemKind, u64)> {
        ProblemKind::ALL.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_counted_by_kind() {
        let mut counts = ProblemCounts::default();
        let kinds = [ProblemKind::Value, ProblemKind::PaiTwice, ProblemKind::Value];
        assert_eq!(kinds.map(|kind| counts.add(kind)), [1, 1, 2]);
        assert!(counts.kinds().eq([(ProblemKind::Value, 2), (ProblemKind::PaiTwice, 1)]));
    }
}
