//! The rules that compare a PAI of the ledger with its line in a list. Pure.

use super::listed_line::ListedLine;
use crate::store::{LinkRow, LinkedSubscription};
use onbill_domain::pai::PaiState;

onbill_domain::word_enum! {
    /// Whose list it is.
    #[derive(PartialOrd, Ord)]
    pub enum ListSide {
        /// The partner's.
        Partner = "partner",
        /// That of the operator's BSS.
        Bss = "bss",
    }
}

onbill_domain::word_enum! {
    /// How a list differs from the ledger.
    #[derive(PartialOrd, Ord)]
    pub enum Class {
        /// A subscription of the ledger is not in the list.
        Missing = "missing",
        /// The list has one that the ledger does not have.
        Extra = "extra",
        /// The PAI has another state there.
        State = "state",
        /// It is for another plan.
        Plan = "plan",
        /// It has another price.
        Price = "price",
        /// It is the subscription of another subscriber, or another one of the partner's.
        Subscriber = "subscriber",
    }
}

impl Class {
    /// What it means, for a person.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Missing => "live here, and not in the list",
            Self::Extra => "in the list, and not live here",
            Self::State => "the PAI has another state there",
            Self::Plan => "the plan is another one there",
            Self::Price => "the price is another one there",
            Self::Subscriber => "it is another subscription or subscriber there",
        }
    }
}

/// Compares a PAI with its line. `say` gets each class in which they differ, and both values where
/// they identify no one.
pub(super) fn compare(
    side: ListSide,
    own: &LinkRow,
    line: Option<&ListedLine>,
    mut say: impl FnMut(Class, String, String),
) {
    let Some(line) = line else {
        if own.is_live() {
            say(Class::Missing, own.state.as_str().to_owned(), String::new());
        }
        return;
    };
    if own.state == PaiState::Closed || line.state == PaiState::Closed {
        // What has ended on both sides needs no further comparison.
        if own.state != line.state && (own.is_live() || own.state == PaiState::Closed) {
            say(Class::State, own.state.as_str().to_owned(), line.state.as_str().to_owned());
        }
        return;
    }
    let Some(subscription) = &own.subscription else {
        return say(Class::Extra, String::new(), line.state.as_str().to_owned());
    };
    if own.state != line.state {
        say(Class::State, own.state.as_str().to_owned(), line.state.as_str().to_owned());
    }
    compare_terms(subscription, line, &mut say);
    let is_same = match side {
        ListSide::Partner => {
            line.owner.as_deref().is_none_or(|id| id == subscription.ext_subscription_id.as_str())
        }
        ListSide::Bss => line
            .owner
            .as_deref()
            .is_none_or(|id| own.subscriber.as_ref().is_some_and(|(_, subscriber_ref)| subscriber_ref == id)),
    };
    if !is_same {
        say(Class::Subscriber, String::new(), String::new());
    }
}

/// An empty value in the list is not compared, nor a price that the ledger does not know.
fn compare_terms(own: &LinkedSubscription, line: &ListedLine, mut say: impl FnMut(Class, String, String)) {
    if let Some(plan) = line.plan.as_deref().filter(|plan| *plan != own.plan.as_str()) {
        say(Class::Plan, own.plan.as_str().to_owned(), plan.to_owned());
    }
    if let Some((ours, theirs)) = own.price.zip(line.price).filter(|(ours, theirs)| ours != theirs) {
        let [ours, theirs] = [ours, theirs].map(|price| format!("{} {}", price.amount_minor, price.currency));
        say(Class::Price, ours, theirs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::NumberIndex;
    use onbill_domain::currency::Currency;
    use onbill_domain::ids::ExtId;
    use onbill_domain::money::Money;
    use onbill_domain::pai::Pai;

    fn usd(amount_minor: i64) -> Money {
        Money { amount_minor, currency: Currency::parse("USD").expect("is listed") }
    }

    fn own(state: PaiState, is_subscribed: bool) -> LinkRow {
        let id = |text| ExtId::parse(text).expect("is an id");
        LinkRow {
            pai: Pai::from_random([1; 16]),
            state,
            is_dark: false,
            subscriber: Some((NumberIndex([1; 32]), "a-1".to_owned())),
            subscription: is_subscribed.then(|| LinkedSubscription {
                ext_subscription_id: id("s-1"),
                plan: id("standard"),
                price: Some(usd(1599)),
            }),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "a line may be missing from a list")]
    fn line(change: impl FnOnce(&mut ListedLine)) -> Option<ListedLine> {
        let plan = Some("standard".into());
        let mut line =
            ListedLine { number: 2, state: PaiState::Active, plan, price: Some(usd(1599)), owner: None };
        change(&mut line);
        Some(line)
    }

    fn classes(side: ListSide, own: &LinkRow, line: Option<&ListedLine>) -> Vec<Class> {
        let mut found = Vec::new();
        compare(side, own, line, |class, _, _| found.push(class));
        found
    }

    #[test]
    fn each_difference_has_its_class() {
        use PaiState::{Active, Closed, Suspended};
        let live = own(Active, true);
        let closed_line = || line(|l| l.state = Closed);
        for (own, line, expected) in [
            (&live, line(|_| {}), vec![]),
            (&live, None, vec![Class::Missing]),
            (&own(Suspended, true), None, vec![Class::Missing]),
            (&own(Active, false), None, vec![]),
            (&own(Closed, false), None, vec![]),
            (&own(Active, false), line(|_| {}), vec![Class::Extra]),
            (&own(Active, false), closed_line(), vec![]),
            (&own(Closed, false), closed_line(), vec![]),
            (&own(Closed, false), line(|_| {}), vec![Class::State]),
            (&live, closed_line(), vec![Class::State]),
            (&own(Suspended, true), line(|_| {}), vec![Class::State]),
            (&live, line(|l| l.plan = Some("premium".into())), vec![Class::Plan]),
            (&live, line(|l| l.plan = None), vec![]),
            (&live, line(|l| l.price = Some(usd(1))), vec![Class::Price]),
            (&live, line(|l| l.price = None), vec![]),
            (&live, line(|l| l.owner = Some("s-2".into())), vec![Class::Subscriber]),
            (&live, line(|l| l.owner = Some("s-1".into())), vec![]),
        ] {
            assert_eq!(classes(ListSide::Partner, own, line.as_ref()), expected, "{own:?} {line:?}");
        }
        let of = |id: &str| line(|l| l.owner = Some(id.into()));
        assert_eq!(classes(ListSide::Bss, &live, of("a-1").as_ref()), []);
        assert_eq!(classes(ListSide::Bss, &live, of("a-2").as_ref()), [Class::Subscriber]);
        let unknown = LinkRow { subscriber: None, ..live };
        assert_eq!(classes(ListSide::Bss, &unknown, of("a-1").as_ref()), [Class::Subscriber]);
    }
}
