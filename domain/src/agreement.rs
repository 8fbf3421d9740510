//! What a customer agrees to in the widget's last step, in words: the origin words it, the widget
//! shows it as it is, and its hash is kept as evidence of what was shown.
//!
//! The words have places for three values that the browser fills in. `{line}` is the number as the
//! customer typed it, and is never hashed: a reader of the words could try all numbers on the hash,
//! which would then give the number away after its erasure. `{price}` and `{date}` are written as
//! the customer's language does it, and hashed in one spelling: `15.99 USD` and `2027-01-01`.

mod summary;

pub use summary::{FirstCharge, SignupSummary, SummaryFacts, word_summary};

use crate::account::AccountType;
use crate::day::Day;
use crate::digest::sha256;
use crate::locale::Locale;
use crate::money::Money;
use crate::words::fill_placeholders;
use crate::words_section;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

crate::wire_enum! {
    /// Whether the price is all that the customer pays.
    pub enum Taxes {
        /// The price has the taxes in it.
        Included = "included",
        /// The operator adds the taxes to the price.
        Added = "added",
    }
}

/// What the words are about.
#[derive(Clone, Copy, Debug)]
pub struct AgreementFacts<'f> {
    /// The operator's display name.
    pub operator: &'f str,
    /// The partner's display name.
    pub partner: &'f str,
    /// The offer's title.
    pub offer: &'f str,
    /// The monthly price.
    pub price: Money,
    /// The text does not mention taxes when it is not known.
    pub taxes: Option<Taxes>,
    /// How the account pays.
    pub account_type: AccountType,
    /// The first day that is charged, if coupons have paid for the days before it.
    pub first_charge: Option<Day>,
    /// The operator's page on which a customer can stop paying on the bill, if it has one.
    pub account_url: Option<&'f str>,
    /// The page with the terms of the offer.
    pub terms_url: Option<&'f str>,
    /// The page that says how personal data are used.
    pub privacy_url: Option<&'f str>,
}

/// What the customer agrees to, as the widget shows it from top to bottom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Agreement {
    /// The heading.
    pub title: String,
    /// The points that are agreed, in order.
    pub rows: Vec<AgreementRow>,
    /// What happens next, and that nothing is charged before it.
    pub note: String,
    /// That to continue is to agree.
    pub consent: String,
    /// Pages to read, such as the terms.
    pub links: Vec<AgreementLink>,
    /// The button by which the customer agrees.
    pub accept: String,
    /// The value of `{price}`.
    pub price: Money,
    /// The value of `{date}`, if a row has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Day>,
}

/// One point that is agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreementRow {
    /// What it is about.
    pub label: String,
    /// What is agreed.
    pub text: String,
}

/// A page to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreementLink {
    /// The words of the link.
    pub label: String,
    /// Where it leads.
    pub url: String,
}

impl Agreement {
    /// The words as one text with a line for each of them, in the order of the widget. No part has
    /// a line break in it: names are plain text, and addresses have no white space.
    pub fn to_text(&self) -> String {
        let (price, date) = (self.price.to_string(), self.date.map(|day| day.to_string()));
        let values = [("price", price.as_str()), ("date", date.as_deref().unwrap_or_default())];
        let rows = self.rows.iter().map(|row| format!("{}: {}", row.label, row.text));
        let links = self.links.iter().map(|link| format!("{}: {}", link.label, link.url));
        let mut parts = vec![self.title.clone()];
        parts.extend(rows);
        parts.extend([self.note.clone(), self.consent.clone()]);
        parts.extend(links);
        parts.push(self.accept.clone());
        fill_placeholders(&parts.join("\n"), &values)
    }
}

/// The SHA-256 of the words that the customer sees, without the number.
pub fn hash_agreement(agreement: &Agreement) -> [u8; 32] {
    sha256(agreement.to_text().as_bytes())
}

/// The words of one language, with placeholders such as `{operator}`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct AgreementWords {
    title: String,
    line: String,
    plan: String,
    price: String,
    price_alone: String,
    price_taxes_included: String,
    price_taxes_added: String,
    payment: String,
    payment_postpaid: String,
    payment_prepaid: String,
    first_charge: String,
    first_charge_soon: String,
    first_charge_later: String,
    first_charge_on: String,
    first_charge_with_bill: String,
    first_charge_from_balance: String,
    first_charge_on_billing_day: String,
    then: String,
    until_cancelled: String,
    cancel: String,
    cancel_at_partner: String,
    cancel_at_both: String,
    note: String,
    consent: String,
    consent_to_terms: String,
    terms: String,
    privacy: String,
    account: String,
    accept: String,
    changed: String,
}

/// In the order of the variants, which is that of `ALL`.
static WORDS: LazyLock<[AgreementWords; Locale::ALL.len()]> = LazyLock::new(|| {
    Locale::ALL.map(|locale| {
        serde_json::from_str(words_section!("agreement", locale))
            .expect("a test parses the words of each language")
    })
});

/// Words an agreement in a language. The words of the widget are the same: it has none of its own
/// for this step.
pub fn word_agreement(locale: Locale, facts: &AgreementFacts<'_>) -> Agreement {
    let words = &WORDS[locale as usize];
    let names = [("operator", facts.operator), ("partner", facts.partner), ("offer", facts.offer)];
    let names = names.map(|(key, name)| (key, isolate_direction(locale, name)));
    let names = names.each_ref().map(|(key, name)| (*key, name.as_str()));
    let fill = |text: &str| fill_placeholders(text, &names);
    let row = |(label, text): (&String, &str)| AgreementRow { label: fill(label), text: fill(text) };
    let link = |(label, url): (&String, Option<&str>)| {
        Some(AgreementLink { label: fill(label), url: url?.to_owned() })
    };
    let consent = if facts.terms_url.is_some() { &words.consent_to_terms } else { &words.consent };
    let links = [
        (&words.terms, facts.terms_url),
        (&words.privacy, facts.privacy_url),
        (&words.account, facts.account_url),
    ];
    Agreement {
        title: fill(&words.title),
        rows: words.select_rows(facts).map(row).into(),
        note: fill(&words.note),
        consent: fill(consent),
        links: links.into_iter().filter_map(link).collect(),
        accept: fill(&words.accept),
        price: facts.price,
        date: facts.first_charge,
    }
}

/// What the customer reads when the words have changed while they were reading.
pub fn word_change(locale: Locale) -> &'static str {
    &WORDS[locale as usize].changed
}

impl AgreementWords {
    /// The label and the text of each row that these facts have.
    fn select_rows(&self, facts: &AgreementFacts<'_>) -> [(&String, &str); 7] {
        let payment = match facts.account_type {
            AccountType::Postpaid => &self.payment_postpaid,
            AccountType::Prepaid => &self.payment_prepaid,
        };
        let first_charge = match facts.first_charge {
            None => &self.first_charge_soon,
            Some(_) => &self.first_charge_later,
        };
        let cancel = match facts.account_url {
            None => &self.cancel_at_partner,
            Some(_) => &self.cancel_at_both,
        };
        [
            (&self.line, "{line}"),
            (&self.plan, "{offer}"),
            (&self.price, self.select_price(facts.taxes)),
            (&self.payment, payment),
            (&self.first_charge, first_charge),
            (&self.then, &self.until_cancelled),
            (&self.cancel, cancel),
        ]
    }

    fn select_price(&self, taxes: Option<Taxes>) -> &str {
        match taxes {
            None => &self.price_alone,
            Some(Taxes::Included) => &self.price_taxes_included,
            Some(Taxes::Added) => &self.price_taxes_added,
        }
    }
}

/// Keeps the direction of a name to itself, as the widget does, where it or the text around it runs
/// from right to left.
fn isolate_direction(locale: Locale, name: &str) -> String {
    // The scripts from right to left, and their presentation forms.
    let runs_left =
        |c| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}');
    if locale.direction() == "rtl" || name.contains(runs_left) {
        format!("\u{2068}{name}\u{2069}")
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency;

    fn facts() -> AgreementFacts<'static> {
        AgreementFacts {
            operator: "Acme Mobile",
            partner: "Netflix",
            offer: "Netflix Standard",
            price: Money { amount_minor: 1599, currency: Currency::parse("USD").expect("is listed") },
            taxes: Some(Taxes::Included),
            account_type: AccountType::Postpaid,
            first_charge: None,
            account_url: Some("https://my.acme.example/account"),
            terms_url: Some("https://acme.example/terms"),
            privacy_url: Some("https://acme.example/privacy"),
        }
    }

    #[test]
    fn agreement_says_all_that_is_agreed() {
        let text = word_agreement(Locale::En, &facts()).to_text();
        assert_eq!(
            text,
            "Check what you agree to\n\
             Your number: {line}\n\
             Plan: Netflix Standard\n\
             Price: 15.99 USD per month, taxes included\n\
             Payment: Added to your Acme Mobile bill\n\
             First charge: Shortly, or on your next billing day if you already pay Netflix\n\
             Then: Every month until you cancel\n\
             How to cancel: At Netflix or on your Acme Mobile page, at any time\n\
             Next, Netflix opens. You can sign up there or log in to the account you have. Nothing is \
             charged before you finish there.\n\
             By continuing, you agree to these monthly charges and to the terms.\n\
             Terms: https://acme.example/terms\n\
             Privacy: https://acme.example/privacy\n\
             Your Acme Mobile page: https://my.acme.example/account\n\
             Agree and continue to Netflix"
        );
    }

    #[test]
    fn agreement_says_nothing_that_is_not_so() {
        let facts = AgreementFacts {
            taxes: None,
            account_type: AccountType::Prepaid,
            first_charge: Day::parse("2027-01-01"),
            account_url: None,
            terms_url: None,
            privacy_url: None,
            ..facts()
        };
        let agreement = word_agreement(Locale::En, &facts);
        let texts: Vec<_> = agreement.rows.iter().map(|row| row.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "{line}",
                "Netflix Standard",
                "{price} per month",
                "Taken from your Acme Mobile balance",
                "On {date}, when your prepaid months are over",
                "Every month until you cancel",
                "At Netflix, at any time",
            ]
        );
        assert!(agreement.to_text().contains("\nFirst charge: On 2027-01-01, when"));
        assert!(agreement.links.is_empty() && !agreement.consent.contains("terms"));
    }

    /// What is not in the hash could be changed afterwards.
    #[test]
    fn hash_changes_with_every_fact() {
        let usual = hash_agreement(&word_agreement(Locale::En, &facts()));
        let price =
            |amount_minor, code| Money { amount_minor, currency: Currency::parse(code).expect("is listed") };
        let others = [
            AgreementFacts { operator: "Acme", ..facts() },
            AgreementFacts { partner: "Tunes", ..facts() },
            AgreementFacts { offer: "Netflix Premium", ..facts() },
            AgreementFacts { price: price(1600, "USD"), ..facts() },
            AgreementFacts { price: price(1599, "EUR"), ..facts() },
            AgreementFacts { taxes: Some(Taxes::Added), ..facts() },
            AgreementFacts { taxes: None, ..facts() },
            AgreementFacts { account_type: AccountType::Prepaid, ..facts() },
            AgreementFacts { first_charge: Day::parse("2027-01-01"), ..facts() },
            AgreementFacts { first_charge: Day::parse("2027-01-02"), ..facts() },
            AgreementFacts { account_url: None, ..facts() },
            AgreementFacts { terms_url: Some("https://acme.example/terms-2"), ..facts() },
            AgreementFacts { privacy_url: None, ..facts() },
        ];
        let mut hashes = vec![usual];
        hashes.extend(others.map(|facts| hash_agreement(&word_agreement(Locale::En, &facts))));
        hashes.extend(
            Locale::ALL
                .into_iter()
                .filter(|locale| *locale != Locale::En)
                .map(|locale| hash_agreement(&word_agreement(locale, &facts()))),
        );
        let count = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), count);
        assert_eq!(usual, hash_agreement(&word_agreement(Locale::En, &facts())));
    }

    #[test]
    fn each_language_leaves_the_three_places_only() {
        for locale in Locale::ALL {
            for first_charge in [None, Day::parse("2027-01-01")] {
                let agreement = word_agreement(locale, &AgreementFacts { first_charge, ..facts() });
                let text = agreement.to_text();
                assert_eq!(text.matches('{').count(), 1, "{locale:?}: {text}");
                for part in ["{line}", "Netflix Standard", "15.99 USD", "Acme Mobile", "https://"] {
                    assert!(text.contains(part), "{locale:?} {part}: {text}");
                }
                assert_eq!(text.contains("2027-01-01"), first_charge.is_some(), "{locale:?}: {text}");
                assert_eq!(text.lines().count(), 14, "{locale:?}: {text}");
            }
        }
    }

    #[test]
    fn name_keeps_its_direction() {
        let plan = |locale| word_agreement(locale, &facts()).rows[1].text.clone();
        assert_eq!(plan(Locale::Ar), "\u{2068}Netflix Standard\u{2069}");
        assert_eq!(plan(Locale::De), "Netflix Standard");
        let offer = "شاهد";
        let arabic = word_agreement(Locale::De, &AgreementFacts { offer, ..facts() });
        assert_eq!(arabic.rows[1].text, format!("\u{2068}{offer}\u{2069}"), "in a text from left to right");
    }
}
