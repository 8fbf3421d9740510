//! What a customer has signed up for, in words: the widget shows it when they are back from the
//! partner. It is in the words of the agreement, and says of the first charge what is known by now.

use super::{AgreementRow, WORDS, isolate_direction};
use crate::account::AccountType;
use crate::agreement::Taxes;
use crate::day::Day;
use crate::locale::Locale;
use crate::money::Money;
use crate::wire::ott::SubscriptionSource;
use crate::words::fill_placeholders;
use serde::{Deserialize, Serialize};

/// When a subscription is charged first, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstCharge {
    /// It was charged on this day, or is charged on it.
    On(Day),
    /// As soon as the partner charges, onto the bill that comes next.
    WithBill,
    /// As soon as the partner charges, from the balance.
    FromBalance,
    /// On a day that only the partner knows.
    OnBillingDay,
}

impl FirstCharge {
    /// What is known before the partner has charged. A new account is charged at once; one that was
    /// paid in another way has been paid for until its next billing day.
    pub fn expect(source: SubscriptionSource, account_type: Option<AccountType>) -> Self {
        match (source, account_type) {
            (SubscriptionSource::NewAccount, Some(AccountType::Postpaid)) => Self::WithBill,
            (SubscriptionSource::NewAccount, Some(AccountType::Prepaid)) => Self::FromBalance,
            (SubscriptionSource::NewAccount, None) | (SubscriptionSource::ExistingAccount, _) => {
                Self::OnBillingDay
            }
        }
    }
}

/// What the words are about.
#[derive(Clone, Copy, Debug)]
pub struct SummaryFacts<'f> {
    /// The operator's display name.
    pub operator: &'f str,
    /// The partner's display name.
    pub partner: &'f str,
    /// The offer's title; `None` where the plan is no offer of the operator's.
    pub offer: Option<&'f str>,
    /// The monthly price, if it is known.
    pub price: Option<Money>,
    /// The text does not mention taxes when it is not known.
    pub taxes: Option<Taxes>,
    /// When it is charged first.
    pub first_charge: FirstCharge,
}

/// What was signed up for. As in an agreement, the browser fills in `{price}` and `{date}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignupSummary {
    /// The points, in order.
    pub rows: Vec<AgreementRow>,
    /// The value of `{price}`, if a row has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// The value of `{date}`, if a row has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Day>,
}

/// Words a summary in a language.
pub fn word_summary(locale: Locale, facts: &SummaryFacts<'_>) -> SignupSummary {
    let words = &WORDS[locale as usize];
    let offer = facts.offer.unwrap_or(facts.partner);
    let names = [("operator", facts.operator), ("partner", facts.partner), ("offer", offer)];
    let names = names.map(|(key, name)| (key, isolate_direction(locale, name)));
    let names = names.each_ref().map(|(key, name)| (*key, name.as_str()));
    let fill = |text: &str| fill_placeholders(text, &names);
    let (first_charge, date) = match facts.first_charge {
        FirstCharge::On(day) => (&words.first_charge_on, Some(day)),
        FirstCharge::WithBill => (&words.first_charge_with_bill, None),
        FirstCharge::FromBalance => (&words.first_charge_from_balance, None),
        FirstCharge::OnBillingDay => (&words.first_charge_on_billing_day, None),
    };
    let rows = [
        facts.offer.map(|_| (&words.plan, "{offer}")),
        facts.price.map(|_| (&words.price, words.select_price(facts.taxes))),
        Some((&words.first_charge, first_charge.as_str())),
    ];
    let row = |(label, text): (&String, &str)| AgreementRow { label: fill(label), text: fill(text) };
    SignupSummary { rows: rows.into_iter().flatten().map(row).collect(), price: facts.price, date }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency;

    fn facts() -> SummaryFacts<'static> {
        SummaryFacts {
            operator: "Acme Mobile",
            partner: "Netflix",
            offer: Some("Netflix Standard"),
            price: Some(Money { amount_minor: 1599, currency: Currency::parse("USD").expect("is listed") }),
            taxes: Some(Taxes::Included),
            first_charge: FirstCharge::WithBill,
        }
    }

    fn texts(facts: &SummaryFacts<'_>) -> Vec<String> {
        let rows = word_summary(Locale::En, facts).rows;
        rows.into_iter().map(|row| format!("{}: {}", row.label, row.text)).collect()
    }

    #[test]
    fn summary_says_what_when_and_how_much() {
        assert_eq!(
            texts(&facts()),
            [
                "Plan: Netflix Standard",
                "Price: {price} per month, taxes included",
                "First charge: Shortly, on your next Acme Mobile bill",
            ]
        );
        let day = Day::parse("2027-01-15").expect("is a day");
        let known = SummaryFacts { first_charge: FirstCharge::On(day), ..facts() };
        assert_eq!(texts(&known)[2], "First charge: On {date}");
        assert_eq!(word_summary(Locale::En, &known).date, Some(day));
        let unknown = SummaryFacts { price: None, first_charge: FirstCharge::OnBillingDay, ..facts() };
        assert_eq!(
            texts(&unknown),
            ["Plan: Netflix Standard", "First charge: On your next billing day at Netflix"]
        );
        let unsold = SummaryFacts { offer: None, ..unknown };
        assert_eq!(texts(&unsold), ["First charge: On your next billing day at Netflix"]);
    }

    #[test]
    fn first_charge_is_promised_to_new_accounts_only() {
        use AccountType::{Postpaid, Prepaid};
        use SubscriptionSource::{ExistingAccount, NewAccount};
        for (source, account_type, expected) in [
            (NewAccount, Some(Postpaid), FirstCharge::WithBill),
            (NewAccount, Some(Prepaid), FirstCharge::FromBalance),
            (NewAccount, None, FirstCharge::OnBillingDay),
            (ExistingAccount, Some(Postpaid), FirstCharge::OnBillingDay),
            (ExistingAccount, Some(Prepaid), FirstCharge::OnBillingDay),
        ] {
            assert_eq!(FirstCharge::expect(source, account_type), expected);
        }
    }

    #[test]
    fn each_language_has_words_for_each_first_charge() {
        let day = Day::parse("2027-01-15").expect("is a day");
        for locale in Locale::ALL {
            for (first_charge, places) in [
                (FirstCharge::On(day), 2),
                (FirstCharge::WithBill, 1),
                (FirstCharge::FromBalance, 1),
                (FirstCharge::OnBillingDay, 1),
            ] {
                let summary = word_summary(locale, &SummaryFacts { first_charge, ..facts() });
                let text: String = summary.rows.iter().map(|row| row.text.as_str()).collect();
                assert_eq!(text.matches('{').count(), places, "{locale:?}: {text}");
                assert!(summary.rows.iter().all(|row| !row.text.is_empty()), "{locale:?}");
            }
        }
    }
}
