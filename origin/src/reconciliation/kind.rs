//! The two kinds of lines in ledger, statement and bill.

/// A charge or a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Money taken.
    Charge,
    /// Money given back.
    Refund,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Charge, Self::Refund];

    /// The word in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Refund => "refund",
        }
    }
}
