//! What a refusal may say beside its code: the operator's reason, and an address where the customer
//! can do something about it.

use crate::site_origin::parse_site_origin;
use serde::{Deserialize, Serialize, Serializer};

crate::wire_enum! {
    /// Why an account that is in use may not pay on the bill.
    pub enum Ineligibility {
        /// The line belongs to a company.
        BusinessLine = "business-line",
        /// The line is used by a minor.
        Minor = "minor",
        /// The customer has barred such charges.
        BlockedByCustomer = "blocked-by-customer",
        /// The operator has barred such charges.
        BlockedByOperator = "blocked-by-operator",
        /// The operator gives no credit for it.
        Credit = "credit",
        /// The account is too new.
        TooNew = "too-new",
        /// Anything else.
        Other = "other",
    }
}

crate::wire_enum! {
    /// Why an account is suspended.
    pub enum Suspension {
        /// A bill is unpaid.
        NonPayment = "non-payment",
        /// The customer asked for it.
        Voluntary = "voluntary",
        /// The phone or its SIM is lost or stolen.
        LostOrStolen = "lost-or-stolen",
        /// The operator suspects fraud.
        Fraud = "fraud",
    }
}

/// The operator's reason for a refusal, which has a sentence of its own for customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// The account may not pay on the bill.
    Ineligible(Ineligibility),
    /// The account is suspended.
    Suspended(Suspension),
}

impl RefusalReason {
    /// The reason's word. No two have the same.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ineligible(reason) => reason.as_str(),
            Self::Suspended(reason) => reason.as_str(),
        }
    }

    /// The reason as partners read it. That a line is used by a minor is nothing that a partner needs:
    /// it is reported as any other reason.
    #[must_use]
    pub fn for_partner(self) -> Self {
        match self {
            Self::Ineligible(Ineligibility::Minor) => Self::Ineligible(Ineligibility::Other),
            other => other,
        }
    }

    /// The reason with this word.
    pub fn parse(word: &str) -> Option<Self> {
        let suspension = || Suspension::parse(word).map(Self::Suspended);
        Ineligibility::parse(word).map(Self::Ineligible).or_else(suspension)
    }
}

impl Serialize for RefusalReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

crate::wire_enum! {
    /// What the customer can do at the address of a [`WayOn`].
    pub enum WayOnKind {
        /// Top up a prepaid balance.
        TopUp = "top-up",
        /// Pay an open bill.
        PayBill = "pay-bill",
        /// Ask the operator.
        Help = "help",
    }
}

/// A page of the operator's, where the customer can do something about a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WayOn {
    /// What the page is for.
    pub kind: WayOnKind,
    /// Its address.
    pub url: String,
    /// The label of the button that leads there, with placeholders. Only the edge gives it, to its own
    /// widget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl WayOn {
    /// Whether a browser may be sent to the address: it is http or https, and all programs read it
    /// alike.
    pub fn is_openable(&self) -> bool {
        parse_site_origin(&self.url).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn reason_is_found_by_its_word() {
        let ineligible = Ineligibility::ALL.map(RefusalReason::Ineligible);
        let suspended = Suspension::ALL.map(RefusalReason::Suspended);
        let all: Vec<_> = ineligible.into_iter().chain(suspended).collect();
        for reason in &all {
            assert_eq!(RefusalReason::parse(reason.as_str()), Some(*reason));
        }
        let words: BTreeSet<&str> = all.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(words.len(), all.len(), "each has a word of its own");
        assert_eq!(RefusalReason::parse("unheard-of"), None);
    }

    #[test]
    fn minor_is_no_word_for_partners() {
        let minor = RefusalReason::Ineligible(Ineligibility::Minor);
        assert_eq!(minor.for_partner(), RefusalReason::Ineligible(Ineligibility::Other));
        let suspended = Suspension::ALL.map(RefusalReason::Suspended);
        let reasons = Ineligibility::ALL.map(RefusalReason::Ineligible).into_iter().chain(suspended);
        assert!(reasons.filter(|reason| *reason != minor).all(|reason| reason.for_partner() == reason));
    }
}
