//! Checks files: each line by itself, the lines beside each other, and the sound ones beside the ledger.
//! Nothing is written.

use super::charges::{ChargeCheck, open_charges};
use super::checked::{Checked, Observer};
use super::headers::{CHARGES_HEADER, PAIS_HEADER};
use super::lines::RowMaker;
use super::load_error::LoadError;
use super::pais::{ImportedPai, ImportedSubscription, KnownPais, PaiCheck, open_pais};
use super::problem::Problem;
use super::reading::Reading;
use super::rules::Rules;
use super::short_hash::{ShortHash, short_hash};
use super::source::{Files, Source};
use crate::ambient::Random;
use crate::config::{AccountSource, ChargeNeeds, Config};
use crate::fault::Fault;
use crate::keys::{StableIds, Vault};
use crate::line_problem::ProblemKind;
use crate::store::{AccountsAre, Claim, DarkPai, LoadOutcome, LoadRefusal, MigrationFileKind, Store};
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use std::collections::HashSet;

/// Lines of one transaction: enough to make the fsync cheap, and so few that a charge waits for some tens
/// of milliseconds behind them.
pub(super) const BATCH: usize = 500;

/// Checks files beside a ledger.
pub struct FileCheck<'a> {
    pub store: &'a Store,
    pub config: &'a Config,
    pub vault: &'a Vault,
    pub ids: &'a StableIds,
    pub random: &'a dyn Random,
    /// Numbers, partners and currencies of the operator, the time, and whether a PAI may have its number in it.
    pub rules: Rules<'a>,
}

impl FileCheck<'_> {
    /// 1. Checks the files by themselves.
    /// 2. Checks the lines that are sound so far beside the ledger.
    pub async fn check(&self, files: &Files<'_>, observer: &mut dyn Observer) -> Result<Checked, LoadError> {
        // 1.
        let mut checked = Checked::default();
        let known = self.check_pais(&files.pais, &mut checked, observer)?;
        if let Some(charges) = &files.charges {
            self.check_charges(charges, &known, &mut checked, observer)?;
        }

        // 2.
        let mut taken = TakenPais::default();
        for file in &files.pais {
            self.compare_pais(file, &mut taken, &mut checked, observer).await?;
        }
        if let Some(charges) = &files.charges {
            self.compare_charges(charges, &taken, &mut checked, observer).await?;
        }
        Ok(checked)
    }

    pub(super) fn row_maker(&self) -> RowMaker<'_> {
        let Self { config, vault, ids, random, rules, .. } = *self;
        RowMaker { config, vault, ids, random, now: rules.now }
    }

    pub(super) fn accounts(&self) -> AccountsAre {
        match self.config.accounts {
            AccountSource::Table => AccountsAre::Embedded,
            AccountSource::Csp => AccountsAre::Elsewhere,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.rules.now
    }

    fn check_pais(
        &self,
        files: &[Source<'_>],
        checked: &mut Checked,
        observer: &mut dyn Observer,
    ) -> Result<KnownPais, LoadError> {
        let mut check = PaiCheck::new(self.rules);
        for source in files {
            let mut reading = Reading::begin(MigrationFileKind::Pais, source, checked, observer);
            let file = source.open_hashed()?;
            let hash = file.hash();
            let (lines, events) = reading.split();
            let complain = |problem: Problem| events.borrow_mut().note(&problem);
            let progress = |position| events.borrow_mut().observer.advance(position);
            let read = check.read(&source.name, file, |_, _| *lines += 1, complain, progress);
            read.map_err(|why| source.is_not(why))?;
            reading.finish(source, hash.finish())?;
        }
        Ok(check.finish(|problem| checked.note(observer, &problem)))
    }

    fn check_charges(
        &self,
        source: &Source<'_>,
        known: &KnownPais,
        checked: &mut Checked,
        observer: &mut dyn Observer,
    ) -> Result<(), LoadError> {
        let mut check = ChargeCheck::new(self.rules, known);
        let mut reading = Reading::begin(MigrationFileKind::Charges, source, checked, observer);
        let file = source.open_hashed()?;
        let hash = file.hash();
        let (lines, events) = reading.split();
        let complain = |problem: Problem| events.borrow_mut().note(&problem);
        let progress = |position| events.borrow_mut().observer.advance(position);
        let read = check.read(&source.name, file, |_, _| *lines += 1, complain, progress);
        read.map_err(|why| source.is_not(why))?;
        reading.finish(source, hash.finish())?;
        check.finish(|problem| checked.note(observer, &problem));
        Ok(())
    }

    async fn compare_pais(
        &self,
        source: &Source<'_>,
        taken: &mut TakenPais,
        checked: &mut Checked,
        observer: &mut dyn Observer,
    ) -> Result<(), LoadError> {
        let rows = self.row_maker();
        let mut lines = open_pais(self.rules, source.open_hashed()?).map_err(|why| source.is_not(why))?;
        observer.begin(&source.name);
        loop {
            let batch = lines.next_batch(BATCH);
            if batch.is_empty() {
                return Ok(());
            }
            let mut batch = checked.sound_of(source, batch);
            batch.retain(|(line, imported)| {
                let lack = self.find_lack(imported);
                if let Some((column, why)) = lack {
                    let text = format!("line {line}, column {}: {why}", PAIS_HEADER[column]);
                    let (file, kind) = (source.name.clone(), ProblemKind::Value);
                    checked.note(observer, &Problem { file, line: *line, kind, text });
                }
                lack.is_none()
            });
            let pais: Result<Vec<DarkPai>, Fault> =
                batch.into_iter().map(|(line, imported)| rows.make_pai(line, imported)).collect();
            let pais = pais.map_err(LoadError::Fault)?;
            let lines_and_pais: Vec<(i64, ShortHash)> =
                pais.iter().map(|pai| (pai.line, hash_pai(&pai.partner, pai.pai))).collect();
            let outcomes =
                self.store.check_dark_pais(self.accounts(), pais).await.map_err(LoadError::Store)?;
            for ((line, pai), outcome) in lines_and_pais.into_iter().zip(outcomes) {
                match problem_of(source, MigrationFileKind::Pais, line, outcome) {
                    Some(problem) => checked.note(observer, &problem),
                    None => taken.0.extend([pai]),
                }
            }
            observer.advance(lines.position());
        }
    }

    /// Column of what an open PAI lacks, and why that is wrong: its charges would be declined after the cut-over.
    fn find_lack(&self, imported: &ImportedPai) -> Option<(usize, &'static str)> {
        if imported.state == PaiState::Closed {
            return None;
        }
        match (self.config.charge_needs(&imported.partner), &imported.subscription) {
            (ChargeNeeds::Subscription | ChargeNeeds::Mandate, None) => {
                Some((6, "must not be empty: by charge_needs, charges of an open PAI need a subscription"))
            }
            (ChargeNeeds::Mandate, Some(ImportedSubscription { price: None, .. })) => {
                Some((9, "must not be empty: by charge_needs, charges of an open PAI need an agreed price"))
            }
            (ChargeNeeds::Pai, _) | (ChargeNeeds::Subscription | ChargeNeeds::Mandate, Some(_)) => None,
        }
    }

    async fn compare_charges(
        &self,
        source: &Source<'_>,
        taken: &TakenPais,
        checked: &mut Checked,
        observer: &mut dyn Observer,
    ) -> Result<(), LoadError> {
        let rows = self.row_maker();
        let mut lines = open_charges(self.rules, source.open_hashed()?).map_err(|why| source.is_not(why))?;
        observer.begin(&source.name);
        loop {
            let batch = lines.next_batch(BATCH);
            if batch.is_empty() {
                return Ok(());
            }
            let batch = checked.sound_of(source, batch);
            let claims: Vec<Claim> =
                batch.into_iter().map(|(line, imported)| rows.make_claim(line, imported)).collect();
            let lines_and_pais: Vec<(i64, ShortHash)> =
                claims.iter().map(|claim| (claim.line, hash_pai(&claim.partner, claim.pai))).collect();
            let outcomes = self.store.check_claims(claims).await.map_err(LoadError::Store)?;
            for ((line, pai), outcome) in lines_and_pais.into_iter().zip(outcomes) {
                let is_coming =
                    outcome == LoadOutcome::Refused(LoadRefusal::PaiUnknown) && taken.0.contains(&pai);
                let outcome = if is_coming { LoadOutcome::Loaded } else { outcome };
                if let Some(problem) = problem_of(source, MigrationFileKind::Charges, line, outcome) {
                    checked.note(observer, &problem);
                }
            }
            observer.advance(lines.position());
        }
    }
}

/// The PAIs whose lines are sound: besides those that the ledger has, a charge needs one of them.
#[derive(Default)]
struct TakenPais(HashSet<ShortHash>);

fn hash_pai(partner: &PartnerId, pai: Pai) -> ShortHash {
    short_hash(&[partner.as_str(), pai.as_str()])
}

/// What is wrong with a line beside the ledger, if anything is.
pub(super) fn problem_of(
    source: &Source<'_>,
    file: MigrationFileKind,
    line: i64,
    outcome: LoadOutcome,
) -> Option<Problem> {
    let LoadOutcome::Refused(refusal) = outcome else { return None };
    let (kind, column, why) = match refusal {
        LoadRefusal::Changed => (ProblemKind::Changed, 1, "was loaded before with other values"),
        LoadRefusal::PaiTaken => {
            (ProblemKind::PaiTaken, 1, "is a PAI that onbill issued, or one of another partner")
        }
        LoadRefusal::NumberUnknown => (ProblemKind::NumberUnknown, 2, "has no account"),
        LoadRefusal::NumberCeased => (ProblemKind::NumberCeased, 2, "has an account that has ended"),
        LoadRefusal::AnotherSubscriber => {
            (ProblemKind::AnotherSubscriber, 3, "is not the present subscriber of this number")
        }
        LoadRefusal::TwoOpenPais => {
            let why = "has an open PAI at this partner in the ledger: end that by close-pai, if its sign-up was left";
            (ProblemKind::TwoOpenPais, 2, why)
        }
        LoadRefusal::SubscriptionTaken => {
            (ProblemKind::SubscriptionTaken, 6, "is the id of another subscription in the ledger")
        }
        LoadRefusal::OtherSubscription => {
            let why = "is not the subscription that onbill has, or its plan or price is not: report it after the cut-over";
            (ProblemKind::Changed, 6, why)
        }
        LoadRefusal::PaiUnknown => (ProblemKind::PaiUnknown, 2, "is not among the PAIs that were loaded"),
        LoadRefusal::ChargeTaken => (ProblemKind::ChargeTaken, 1, "was posted to onbill"),
        LoadRefusal::RefundedAboveCharged => {
            (ProblemKind::RefundedAboveCharged, 5, "is more than the amount, with what onbill has refunded")
        }
    };
    let header: &[&str] = match file {
        MigrationFileKind::Pais => &PAIS_HEADER,
        MigrationFileKind::Charges => &CHARGES_HEADER,
    };
    let text = format!("line {line}, column {}: {why}", header[column]);
    Some(Problem { file: source.name.clone(), line: u64::try_from(line).unwrap_or_default(), kind, text })
}
