//! `pais.csv`: the PAIs that another system issued, each with its line and subscription.
//!
//! 120 bytes for a line are kept in memory until all files are read, because what is wrong between two
//! lines can be in two files.

use super::fields::{Fields, Wrong};
use super::headers::PAIS_HEADER;
use super::opened_file::{OpenedFile, SoundLines, open_lines};
use super::problem::{Problem, WrongFile};
use super::rules::Rules;
use super::short_hash::{ShortHash, short_hash};
use crate::config::NumberPlan;
use crate::line_problem::ProblemKind;
use crate::store::NumberIndex;
use onbill_domain::day::Day;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::number_in_pai::may_import;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::plain_text::is_plain_line;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::SubscriptionSource;
use std::io::Read;

/// Longest id of a subscriber, and longest word for who took a consent, in characters: the other
/// system's ids have the same bound.
const TEXT_CHARS_MAX: usize = 128;

/// A line of `pais.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedPai {
    pub partner: PartnerId,
    pub pai: Pai,
    /// Whose it is. Only a closed one may be without: its line may be another subscriber's by now.
    pub subscriber: Option<SubscriberOfLine>,
    pub state: PaiState,
    /// When it was issued.
    pub since: Timestamp,
    pub subscription: Option<ImportedSubscription>,
    /// The last day that is paid for.
    pub paid_until: Option<Day>,
    pub consent: Option<Consent>,
}

/// A line, and the operator's own id of its subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriberOfLine {
    pub msisdn: Msisdn,
    pub subscriber_ref: String,
}

/// The subscription that is paid by the PAI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedSubscription {
    pub ext_subscription_id: ExtId,
    pub origin: SubscriptionSource,
    pub plan: ExtId,
    /// The price for a month, if it is known.
    pub price: Option<Money>,
}

/// That the customer agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    pub at: Timestamp,
    /// To whom or where, in the other system's words.
    pub by: String,
}

/// Parses one line.
fn parse_line(fields: Fields<'_>) -> Result<ImportedPai, Wrong> {
    let partner = fields.partner(0)?;
    let pai = fields.pai(1)?;
    let msisdn =
        fields.parsed(2, "is not a telephone number", |text| fields.rules.numbers.parse(text).ok())?;
    let form = "must be plain text of at most 128 characters";
    let subscriber_ref = fields.parsed(3, form, parse_text)?;
    let state = fields.required(4, "must be ACTIVE, SUSPENDED or CLOSED", PaiState::parse)?;
    let subscriber = match (msisdn, subscriber_ref) {
        (Some(msisdn), Some(subscriber_ref)) => Some(SubscriberOfLine { msisdn, subscriber_ref }),
        (None, None) if state == PaiState::Closed => None,
        (None, _) => {
            return Err(Wrong::value(2, "must not be empty for an open PAI, or beside subscriber_ref"));
        }
        (Some(_), None) => return Err(Wrong::value(3, "must not be empty beside msisdn")),
    };
    let number_in_pai = fields.rules.number_in_pai;
    match &subscriber {
        Some(SubscriberOfLine { msisdn, .. }) if !may_import(pai, msisdn, number_in_pai) => {
            return Err(Wrong::new(1, ProblemKind::NumberInPai, "has the number of its line in it"));
        }
        None if !may_import_without_number(pai, fields.rules.numbers, number_in_pai) => {
            return Err(Wrong::new(1, ProblemKind::NumberInPai, "has what may be a number in it"));
        }
        _ => {}
    }
    let since = fields.past(5)?.ok_or_else(|| Wrong::value(5, "must not be empty"))?;
    let subscription = parse_subscription(fields)?;
    let paid_until = fields.day(11)?;
    let consent = match (fields.past(12)?, fields.parsed(13, form, parse_text)?) {
        (Some(at), Some(by)) => Some(Consent { at, by }),
        (None, None) => None,
        (None, Some(_)) => return Err(Wrong::value(12, "must not be empty beside consent_by")),
        (Some(_), None) => return Err(Wrong::value(13, "must not be empty beside consent_at")),
    };
    Ok(ImportedPai { partner, pai, subscriber, state, since, subscription, paid_until, consent })
}

/// As [`may_import`], where the number is not known: the longest run of digits must not be a number of
/// the plan.
fn may_import_without_number(pai: Pai, numbers: NumberPlan, number_in_pai: bool) -> bool {
    let runs = pai.as_str().split(|each: char| !each.is_ascii_digit());
    let longest = runs.max_by_key(|run| run.len()).unwrap_or_default();
    numbers.parse(longest).is_err() || (number_in_pai && pai.random_bytes().is_none())
}

/// Parses the subscription. Without its id all its columns are empty.
fn parse_subscription(fields: Fields<'_>) -> Result<Option<ImportedSubscription>, Wrong> {
    let Some(ext_subscription_id) = fields.ext_id(6)? else {
        for column in 7..=10 {
            if fields.text(column)?.is_some() {
                return Err(Wrong::value(column, "must be empty without ext_subscription_id"));
            }
        }
        return Ok(None);
    };
    let origin = fields.required(7, "must be NEW_ACCOUNT or EXISTING_ACCOUNT", SubscriptionSource::parse)?;
    let plan = fields.ext_id(8)?.ok_or_else(|| Wrong::value(8, "must not be empty"))?;
    let price = match (fields.minor(9, 1)?, fields.currency(10)?) {
        (Some(amount_minor), Some(currency)) => Some(Money { amount_minor, currency }),
        (None, None) => None,
        (None, Some(_)) => return Err(Wrong::value(9, "must not be empty beside currency")),
        (Some(_), None) => return Err(Wrong::value(10, "must not be empty beside price")),
    };
    Ok(Some(ImportedSubscription { ext_subscription_id, origin, plan, price }))
}

fn parse_text(text: &str) -> Option<String> {
    (is_plain_line(text) && text.chars().count() <= TEXT_CHARS_MAX).then(|| text.to_owned())
}

/// Opens a file that was checked, to read its lines again.
pub(super) fn open_pais(
    rules: Rules<'_>,
    file: impl Read,
) -> Result<SoundLines<'_, impl Read, ImportedPai>, WrongFile> {
    Ok(SoundLines::new(rules, open_lines(&PAIS_HEADER, file)?, parse_line))
}

/// What is kept of a line to compare it with others.
struct SeenPai {
    file: usize,
    line: u64,
    partner: usize,
    pai: ShortHash,
    /// The partner and its id of the subscription.
    subscription: Option<ShortHash>,
    /// Number and subscriber, if it is open.
    open: Option<(NumberIndex, ShortHash)>,
}

/// Reads files of PAIs and checks them together.
pub struct PaiCheck<'a> {
    rules: Rules<'a>,
    files: Vec<String>,
    seen: Vec<SeenPai>,
}

/// The PAIs of all files, for the check of their charges.
#[derive(Debug)]
pub struct KnownPais {
    /// In their order.
    pais: Vec<(ShortHash, usize)>,
}

impl KnownPais {
    /// Whether there is such a PAI of the partner with this place in the rules.
    pub(super) fn has(&self, partner: usize, pai: Pai) -> bool {
        self.pais.binary_search(&(short_hash(&[pai.as_str()]), partner)).is_ok()
    }
}

impl<'a> PaiCheck<'a> {
    pub fn new(rules: Rules<'a>) -> Self {
        Self { rules, files: Vec::new(), seen: Vec::new() }
    }

    /// Reads a file. `take` gets each line that is sound by itself, with its number; `complain` what is
    /// wrong with the others, and `progress` the position in bytes.
    pub fn read(
        &mut self,
        name: &str,
        file: impl Read,
        mut take: impl FnMut(u64, ImportedPai),
        mut complain: impl FnMut(Problem),
        progress: impl FnMut(u64),
    ) -> Result<(), WrongFile> {
        let place = self.files.len();
        self.files.push(name.to_owned());
        let (rules, seen) = (&self.rules, &mut self.seen);
        let opened = OpenedFile { name, header: &PAIS_HEADER };
        let take = |line: u64, record: &csv::StringRecord| -> Result<(), Wrong> {
            let imported = parse_line(Fields { record, rules })?;
            seen.push(SeenPai::new(rules, place, line, &imported));
            take(line, imported);
            Ok(())
        };
        opened.read_lines(file, take, &mut complain, progress)
    }

    /// Compares all lines that were sound by themselves. `complain` gets each line that contradicts
    /// another one, with the other; which of them is right is for a person to say.
    pub fn finish(self, mut complain: impl FnMut(Problem)) -> KnownPais {
        let Self { files, mut seen, .. } = self;
        let mut problem = |one: &SeenPai, other: &SeenPai, column: usize, kind: ProblemKind, why: &str| {
            let column = PAIS_HEADER[column];
            let beside =
                if one.file == other.file { String::new() } else { format!("{} ", files[other.file]) };
            let text = format!("line {}, column {column}: {beside}line {} {why}", one.line, other.line);
            complain(Problem { file: files[one.file].clone(), line: one.line, kind, text });
        };
        seen.sort_unstable_by_key(|each| (each.pai, each.place()));
        for same in seen.chunk_by(|one, next| one.pai == next.pai) {
            each_with_another(
                same,
                |one, other| one.place() != other.place(),
                |one, other| {
                    problem(one, other, 1, ProblemKind::PaiTwice, "has the same PAI");
                },
            );
        }
        seen.sort_unstable_by_key(|each| (each.subscription, each.place()));
        for same in seen.chunk_by(|one, next| one.subscription == next.subscription) {
            each_with_another(
                same,
                |one, other| one.subscription.is_some() && one.pai != other.pai,
                |one, other| {
                    problem(one, other, 6, ProblemKind::SubscriptionTaken, "has the same subscription");
                },
            );
        }
        let mut pais: Vec<_> = seen.iter().map(|each| (each.pai, each.partner)).collect();
        pais.sort_unstable();
        pais.dedup();
        seen.retain(|each| each.open.is_some());
        seen.sort_unstable_by_key(|each| (each.number(), each.place()));
        for same in seen.chunk_by(|one, next| one.number() == next.number()) {
            each_with_another(
                same,
                |one, other| one.open != other.open,
                |one, other| {
                    let why = "has an open PAI of another subscriber of this number";
                    problem(one, other, 3, ProblemKind::TwoSubscribers, why);
                },
            );
        }
        seen.sort_unstable_by_key(|each| (each.open, each.partner, each.place()));
        for same in seen.chunk_by(|one, next| one.open == next.open && one.partner == next.partner) {
            each_with_another(
                same,
                |one, other| one.pai != other.pai,
                |one, other| {
                    let why = "has an open PAI of this subscriber at this partner too";
                    problem(one, other, 2, ProblemKind::TwoOpenPais, why);
                },
            );
        }
        KnownPais { pais }
    }
}

impl SeenPai {
    fn new(rules: &Rules<'_>, file: usize, line: u64, imported: &ImportedPai) -> Self {
        let of_line = |subscriber: &SubscriberOfLine| {
            let number = rules.vault.index_number(&subscriber.msisdn);
            (number, short_hash(&[subscriber.subscriber_ref.as_str()]))
        };
        let is_open = imported.state != PaiState::Closed;
        let hash_subscription = |it: &ImportedSubscription| {
            short_hash(&[imported.partner.as_str(), it.ext_subscription_id.as_str()])
        };
        Self {
            subscription: imported.subscription.as_ref().map(hash_subscription),
            file,
            line,
            partner: rules.place_of(&imported.partner),
            pai: short_hash(&[imported.pai.as_str()]),
            open: imported.subscriber.as_ref().filter(|_| is_open).map(of_line),
        }
    }

    /// Where it is.
    fn place(&self) -> (usize, u64) {
        (self.file, self.line)
    }

    fn number(&self) -> Option<NumberIndex> {
        self.open.map(|(number, _)| number)
    }
}

/// Calls `report` with each line of a group and the first one from which it differs, if they are not all
/// alike. It takes one pass: a careless export gives a million lines one number.
fn each_with_another(
    group: &[SeenPai],
    differ: impl Fn(&SeenPai, &SeenPai) -> bool,
    mut report: impl FnMut(&SeenPai, &SeenPai),
) {
    let first = &group[0];
    let Some(second) = group.iter().find(|other| differ(first, other)) else { return };
    for one in group {
        report(one, if differ(first, one) { first } else { second });
    }
}

#[cfg(test)]
mod tests;
