//! The operator's people: one at each desk, two of those whose refunds a second person has to approve, and
//! one who has no desk.

/// A person who works for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// The id of the person, which is in the audit.
    pub subject: &'static str,
    pub name: &'static str,
    /// What they do, for the page.
    pub desk: &'static str,
    pub groups: &'static [&'static str],
}

/// Everybody who can sign in.
pub const PEOPLE: &[Person] = &[
    Person { subject: "care-1", name: "Robin", desk: "Care", groups: &["onbill-care"] },
    Person {
        subject: "lead-1",
        name: "Kim",
        desk: "Supervisor",
        groups: &["onbill-care", "onbill-supervisor"],
    },
    Person {
        subject: "lead-2",
        name: "Sasha",
        desk: "Supervisor, a second one",
        groups: &["onbill-supervisor"],
    },
    Person { subject: "billing-1", name: "Noa", desk: "Billing", groups: &["onbill-billing"] },
    Person { subject: "finance-1", name: "Alex", desk: "Finance", groups: &["onbill-finance"] },
    Person { subject: "fraud-1", name: "Jo", desk: "Fraud", groups: &["onbill-fraud"] },
    Person { subject: "product-1", name: "Mika", desk: "Product", groups: &["onbill-product"] },
    Person { subject: "auditor-1", name: "Dana", desk: "Auditor", groups: &["onbill-auditor"] },
    Person { subject: "admin-1", name: "Toni", desk: "Administrator", groups: &["onbill-admin"] },
    Person { subject: "shop-1", name: "Lou", desk: "No role: works in a shop", groups: &["shop"] },
];

/// The person with this id.
pub(super) fn find_person(subject: &str) -> Option<&'static Person> {
    PEOPLE.iter().find(|person| person.subject == subject)
}
