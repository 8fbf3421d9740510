//! `switch`: takes over the customers of another system.

mod back;
mod cohort;
mod compare;
mod cut_over;
mod loads;
mod off;
mod opening;
mod partner;

use super::files::open_file;
use super::opening::{database_failed, open_origin};
use super::output::print_line;
use super::problems::{ProblemArguments, ProblemSink};
use super::verb_outcome::VerbOutcome;
use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use onbill_domain::currency::Currency;
use onbill_domain::ids::PartnerId;
use onbill_origin::ambient::{Clock as _, SystemClock, SystemRandom};
use onbill_origin::config::{Config, NumberPlan};
use onbill_origin::keys::{StableIds, Vault};
use onbill_origin::line_problem::LineProblem;
use onbill_origin::migration_files::{
    Ceilings, Checked, FileCheck, FileLoad, Files, LoadError, LoadedFile, Observer, Problem, Rules, Source,
};
use onbill_origin::store::{OpenMode, Store};
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Take over the customers of another system.
///
/// A system that bills for the partners today exports its PAIs and the charges of the last months. check says
/// everything that is wrong with the files, and load brings them in. A PAI that is loaded is dark: it follows
/// account events, no one is informed of it, and its charges get 503 until it is cut over.
///
/// Then compare lays it beside what you and the partner have, cut-over turns it on, off turns it off again, and back
/// writes the files for the way back. The page docs/switching.md walks through the night. (To bring the schema of the
/// database up to date, see migrate.)
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Say what is wrong with the files, by line and column. Nothing in the ledger is changed.
    ///
    /// The lines are checked by themselves, beside each other, and beside the ledger, with its accounts if these are in
    /// onbill's table. The CSP API is not asked: see compare. The first problems of each kind are listed, then all are
    /// counted by kind. Exit code 0 when all is sound, 1 when something is wrong, 2 when a file is none of its kind or
    /// cannot be read.
    Check {
        #[command(flatten)]
        files: FileArguments,
    },
    /// Load what is sound in the files.
    ///
    /// First all is checked, and nothing is loaded when more lines are bad than the ceilings allow. It may be
    /// interrupted at any moment, beside the serving origin, and run again: it goes on after the last batch. The same
    /// files again change nothing. A line that has changed is named; its new state is taken over while the PAI is dark.
    Load {
        #[command(flatten)]
        files: FileArguments,
        /// Load nothing when more lines of a file are bad, in percent.
        #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=100))]
        bad_percent: u8,
        /// Load nothing when so many lines of a file are bad one after the other.
        #[arg(long, value_name = "LINES", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
        bad_in_a_row: u64,
    },
    Compare(compare::Arguments),
    CutOver(cut_over::Arguments),
    Off(off::Arguments),
    Back(back::Arguments),
}

/// The files of a check or a load.
#[derive(Args)]
struct FileArguments {
    /// The PAIs (CSV, UTF-8).
    pais: PathBuf,
    /// The charges of the months of which refunds and repeats may still come.
    charges: Option<PathBuf>,
    /// Another file of PAIs, which is checked together with the first.
    #[arg(long, value_name = "FILE")]
    also: Vec<PathBuf>,
    /// Bring in PAIs that have the number of their line in them.
    ///
    /// The partner can read the number in such a PAI. It is never shown in a log.
    #[arg(long)]
    number_in_pai: bool,
    #[command(flatten)]
    problems: ProblemArguments,
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        match self.action {
            Action::Check { files } => {
                let opened = OpenedOrigin::open(config, OpenMode::ReadOnly).await?;
                let sources = files.list()?;
                let mut bars = files.begin(&sources)?;
                let checked = opened.check(files.number_in_pai).check(&sources, &mut bars).await;
                bars.finish()?;
                Ok(summarize_check(&checked.map_err(explain)?))
            }
            Action::Load { files, bad_percent, bad_in_a_row } => {
                let opened = OpenedOrigin::open(config, OpenMode::Migrate).await?;
                let sources = files.list()?;
                let mut bars = files.begin(&sources)?;
                let ceilings = Ceilings { bad_percent, bad_in_a_row };
                let load = FileLoad { check: opened.check(files.number_in_pai), ceilings };
                let loaded = load.load(&sources, &mut bars).await;
                bars.finish()?;
                let (checked, reports) = loaded.map_err(explain)?;
                reports.iter().for_each(print_loaded);
                let is_clean = checked.is_clean() && reports.iter().all(|report| report.refused == 0);
                Ok(VerbOutcome::findings_if(!is_clean))
            }
            Action::Compare(arguments) => arguments.run(config).await,
            Action::CutOver(arguments) => arguments.run(config).await,
            Action::Off(arguments) => arguments.run(config).await,
            Action::Back(arguments) => arguments.run(config).await,
        }
    }
}

impl FileArguments {
    fn list(&self) -> anyhow::Result<Files<'_>> {
        let paths: Vec<&PathBuf> = std::iter::once(&self.pais).chain(&self.also).collect();
        let mut seen = HashSet::new();
        // Each of its lines would be named twice, as bad.
        if let Some(twice) = paths.iter().find(|path| !seen.insert(**path)) {
            anyhow::bail!("{} is given twice", twice.display());
        }
        let pais = paths.into_iter().map(|path| source(path)).collect();
        Ok(Files { pais, charges: self.charges.as_deref().map(source) })
    }

    /// Begins the file of problems when each of the others can be opened.
    fn begin(&self, sources: &Files<'_>) -> anyhow::Result<Bars> {
        for Source { name, open } in sources.pais.iter().chain(&sources.charges) {
            open().with_context(|| format!("{name} cannot be opened"))?;
        }
        Ok(Bars { bar: None, problems: self.problems.open()? })
    }
}

fn source(path: &Path) -> Source<'_> {
    let open = move || -> io::Result<Box<dyn Read>> {
        let file = File::open(path)?;
        // A folder can be opened, and its bytes would be taken for those of another kind of file.
        if file.metadata()?.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        Ok(Box::new(file))
    };
    Source { name: path.display().to_string(), open: Box::new(open) }
}

/// What a check needs.
struct OpenedOrigin {
    config: Config,
    store: std::sync::Arc<Store>,
    vault: Vault,
    ids: StableIds,
    numbers: NumberPlan,
    partners: Vec<PartnerId>,
    currencies: Vec<Currency>,
}

impl OpenedOrigin {
    async fn open(config: &Path, mode: OpenMode) -> anyhow::Result<Self> {
        let (config, keys, store) = open_origin(config, mode).await?;
        let vault = Vault::new(&keys).map_err(anyhow::Error::msg)?;
        let ids = StableIds::new(&keys, &config.operator).map_err(anyhow::Error::msg)?;
        let numbers = NumberPlan::for_country(&config.country).context("country has no numbering plan")?;
        let partners = config.partner_ids().into_iter().cloned().collect();
        let currencies = config.billed_currencies();
        Ok(Self { config, store, vault, ids, numbers, partners, currencies })
    }

    fn check(&self, number_in_pai: bool) -> FileCheck<'_> {
        FileCheck {
            store: &self.store,
            config: &self.config,
            vault: &self.vault,
            ids: &self.ids,
            random: &SystemRandom,
            rules: Rules {
                vault: &self.vault,
                numbers: self.numbers,
                partners: &self.partners,
                currencies: &self.currencies,
                number_in_pai,
                now: SystemClock.now(),
            },
        }
    }
}

/// A progress bar for each reading of a file, and what is wrong with its lines.
struct Bars {
    bar: Option<ProgressBar>,
    problems: ProblemSink,
}

impl Bars {
    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn finish(mut self) -> anyhow::Result<()> {
        self.clear();
        self.problems.finish()
    }
}

impl Observer for Bars {
    fn begin(&mut self, name: &str) {
        self.clear();
        self.bar = open_file(Path::new(name)).ok().map(|(_, bar)| bar);
    }

    fn advance(&mut self, position: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(position);
        }
    }

    fn complain(&mut self, problem: &Problem) {
        let Problem { file, line, kind, text } = problem;
        let of_line = LineProblem { line: *line, kind: *kind, text: text.clone() };
        self.problems.complain(self.bar.as_ref(), Path::new(file), &of_line);
    }
}

fn summarize_check(checked: &Checked) -> VerbOutcome {
    for file in &checked.files {
        let (lines, bad) = (file.lines, file.bad.len());
        print_line!("{}: {lines} lines, {} of them sound, {bad} bad.", file.name, file.sound());
    }
    for (kind, count) in checked.counts.kinds() {
        print_line!("{kind}: {count}", kind = kind.as_str());
    }
    VerbOutcome::findings_if(!checked.is_clean())
}

fn print_loaded(report: &LoadedFile) {
    let LoadedFile { name, loaded, unchanged, updated, refused, resumed_after } = report;
    if *resumed_after > 0 {
        print_line!("{name}: continued after line {resumed_after}.");
    }
    print_line!(
        "{name}: {loaded} lines loaded, {updated} updated, {unchanged} unchanged, {refused} refused."
    );
}

fn explain(error: LoadError) -> anyhow::Error {
    match error {
        LoadError::WrongFile { name, why } => anyhow!("{name}: {why}"),
        LoadError::AboveCeiling(why) => anyhow!(
            "{why}. Nothing more is loaded: mend the lines that are named, or allow more of them with --bad-percent \
             and --bad-in-a-row"
        ),
        LoadError::FileChanged(name) => anyhow!("{name} was changed while it was loaded: run it again"),
        LoadError::Store(error) => database_failed(error),
        LoadError::Fault(fault) => anyhow!("a number could not be sealed: {fault:?}"),
    }
}
