//! Another system's files, loaded into the ledger of Acme's origin.

use crate::keys::{self, KeyHolder};
use crate::operator::origin_config_with;
use onbill_domain::currency::Currency;
use onbill_domain::ids::PartnerId;
use onbill_domain::timestamp::Timestamp;
use onbill_origin::account::import::{TwoSubscribers, import_accounts};
use onbill_origin::ambient::SystemRandom;
use onbill_origin::config::{AccountSource, Config, NumberPlan};
use onbill_origin::keys::{StableIds, Vault};
use onbill_origin::migration_files::{
    CHARGES_HEADER, Ceilings, Checked, FileCheck, FileLoad, Files, LoadError, LoadedFile, Observer,
    PAIS_HEADER, Problem, Rules, Source,
};
use onbill_origin::store::Store;
use std::io::{Cursor, Read};

/// What Acme's engineer loads with.
pub struct OtherSystem {
    pub config: Config,
    pub vault: Vault,
    pub ids: StableIds,
    pub ceilings: Ceilings,
    pub number_in_pai: bool,
    pub now: Timestamp,
    numbers: NumberPlan,
    partners: Vec<PartnerId>,
    currencies: Vec<Currency>,
}

/// Collects what is wrong.
#[derive(Default)]
struct Complaints(Vec<String>);

impl Observer for Complaints {
    fn begin(&mut self, _: &str) {}

    fn advance(&mut self, _: u64) {}

    fn complain(&mut self, problem: &Problem) {
        self.0.push(format!("{} {}: {}", problem.file, problem.kind.as_str(), problem.text));
    }
}

impl OtherSystem {
    /// Any line may be bad, until a test sets other ceilings.
    pub fn of_acme(now: Timestamp) -> Self {
        let config = origin_config_with("acme", AccountSource::Table);
        let ring = keys::keyring(&KeyHolder::Origin("acme"));
        let partners = ["netflix", "tunes"].map(|id| PartnerId::parse(id).expect("is a slug"));
        Self {
            vault: Vault::new(&ring).expect("has its key"),
            ids: StableIds::new(&ring, &config.operator).expect("has its key"),
            ceilings: Ceilings { bad_percent: 100, bad_in_a_row: 1_000_000 },
            number_in_pai: false,
            now,
            numbers: NumberPlan::for_country(&config.country).expect("is a country"),
            partners: partners.to_vec(),
            currencies: config.billed_currencies(),
            config,
        }
    }

    /// Imports lines of accounts.
    pub async fn import_accounts(&self, store: &Store, lines: &[&str]) {
        let csv = format!("msisdn,status,type,balance,currency,activated_on\n{}\n", lines.join("\n"));
        let complain = |complaint| panic!("{complaint}");
        let two = TwoSubscribers::Refused;
        let imported =
            import_accounts(store, &self.vault, self.numbers, two, csv.as_bytes(), complain, |_| {});
        imported.await.expect("imports");
    }

    /// Checks files; returns also what is wrong with their lines.
    pub async fn check(
        &self,
        store: &Store,
        pais: &[&str],
        charges: Option<&str>,
    ) -> (Result<Checked, LoadError>, Vec<String>) {
        let mut complaints = Complaints::default();
        let checked = self.file_check(store).check(&to_files(pais, charges), &mut complaints).await;
        (checked, complaints.0)
    }

    /// Loads files; returns also what is wrong with their lines.
    pub async fn load(
        &self,
        store: &Store,
        pais: &[&str],
        charges: Option<&str>,
    ) -> (Result<Vec<LoadedFile>, LoadError>, Vec<String>) {
        let mut complaints = Complaints::default();
        let load = FileLoad { check: self.file_check(store), ceilings: self.ceilings };
        let loaded = load.load(&to_files(pais, charges), &mut complaints).await;
        (loaded.map(|(_, files)| files), complaints.0)
    }

    /// Loads files in which nothing is wrong.
    pub async fn load_sound(&self, store: &Store, pais: &str, charges: Option<&str>) -> Vec<LoadedFile> {
        let (loaded, complaints) = self.load(store, &[pais], charges).await;
        assert_eq!(complaints, Vec::<String>::new());
        loaded.expect("loads")
    }

    fn file_check<'a>(&'a self, store: &'a Store) -> FileCheck<'a> {
        FileCheck {
            store,
            config: &self.config,
            vault: &self.vault,
            ids: &self.ids,
            random: &SystemRandom,
            rules: Rules {
                vault: &self.vault,
                numbers: self.numbers,
                partners: &self.partners,
                currencies: &self.currencies,
                number_in_pai: self.number_in_pai,
                now: self.now,
            },
        }
    }
}

/// A file of PAIs with these lines.
pub fn pais_csv(lines: &[impl AsRef<str>]) -> String {
    with_header(&PAIS_HEADER, lines)
}

/// A file of charges with these lines.
pub fn charges_csv(lines: &[impl AsRef<str>]) -> String {
    with_header(&CHARGES_HEADER, lines)
}

fn with_header(header: &[&str], lines: &[impl AsRef<str>]) -> String {
    let lines: Vec<&str> = lines.iter().map(AsRef::as_ref).collect();
    format!("{}\n{}\n", header.join(","), lines.join("\n"))
}

fn to_files<'f>(pais: &[&'f str], charges: Option<&'f str>) -> Files<'f> {
    let names = (0..).map(|n| if n == 0 { "pais.csv".to_owned() } else { format!("pais-{n}.csv") });
    let pais = names.zip(pais.iter().copied()).map(|(name, text)| to_source(name, text)).collect();
    Files { pais, charges: charges.map(|text| to_source("charges.csv".to_owned(), text)) }
}

fn to_source(name: String, text: &str) -> Source<'_> {
    let open = move || Ok(Box::new(Cursor::new(text.as_bytes().to_vec())) as Box<dyn Read>);
    Source { name, open: Box::new(open) }
}
