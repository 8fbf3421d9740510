//! `switch back`: writes the files for the way back.

use super::partner::check_partner;
use crate::cli::opening::{database_failed, open_app};
use crate::cli::output::{print_error_line, print_line};
use crate::cli::verb_outcome::VerbOutcome;
use anyhow::{Context as _, anyhow};
use clap::Args;
use indicatif::ProgressBar;
use onbill_domain::ids::PartnerId;
use onbill_origin::cut_over::{WayBack, WayBackError, Written};
use onbill_origin::store::OpenMode;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Write pais.csv and charges.csv with everything that has changed since it was loaded, for the way back.
///
/// They have the columns of the files that switch load takes, so that another system, or another onbill, can go on
/// with them. What is new here is in them too: customers who have signed up, and charges. A charge of onbill's has
/// its id in billing as billing_ref. Nothing is changed, and it may be run beside the serving origin.
///
/// The files have the numbers of customers: only you may read them. An existing file is not overwritten. Both have
/// other names (.part) until they are whole.
///
/// PAIs that are on are counted on stderr: what is charged of them meanwhile may not be in the files.
///
/// Exit code 0 when both are written, 1 when charges in them or refunds of these are PENDING: their result is not
/// known yet.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// The partner, such as netflix.
    #[arg(long, value_parser = crate::cli::arguments::parse_partner)]
    partner: PartnerId,
    /// The folder for the two files, which is made if it is missing.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    to: PathBuf,
    /// Also what is as it was loaded.
    #[arg(long)]
    all: bool,
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let app = open_app(config, OpenMode::ReadOnly).await?;
        check_partner(&app.config, &self.partner)?;
        let on = app.store.count_pais_that_are_on(self.partner.clone()).await.map_err(database_failed)?;
        if on > 0 {
            print_error_line!(
                "{on} PAIs of this partner are on: what is charged from now on may not be in the files. Turn them \
                 off before, or let the partner stop its calls."
            );
        }
        let mut pais = PrivateFile::create(&self.to, "pais.csv")?;
        let mut charges = PrivateFile::create(&self.to, "charges.csv")?;
        let way_back = WayBack {
            store: &app.store,
            vault: &app.vault,
            partner: self.partner.clone(),
            today: app.config.time_zone.day_of(app.clock.now()),
            with_unchanged: self.all,
        };
        let bar = ProgressBar::no_length();
        let progress = |written: &Written| bar.set_position(written.pais + written.charges);
        let outcome = way_back.write(&mut pais.writer, &mut charges.writer, progress).await;
        bar.finish_and_clear();
        let written = outcome.map_err(|error| match error {
            WayBackError::Store(error) => database_failed(error),
            WayBackError::Number(fault) => {
                anyhow!("a number cannot be read with the keys of the ring: {fault:?}")
            }
            WayBackError::File(error) => anyhow!("the files cannot be written: {error}"),
        })?;
        for file in [&mut pais, &mut charges] {
            file.sync()?;
        }
        pais.keep()?;
        charges.keep().inspect_err(|_| {
            let _ = fs::remove_file(&pais.whole);
        })?;
        File::open(&self.to).and_then(|folder| folder.sync_all()).context("the files cannot be written")?;
        print_line!("{} PAIs and {} charges are written.", written.pais, written.charges);
        if written.pending > 0 {
            print_error_line!(
                "{} of the charges, or refunds of them, are PENDING: write the files again, into another folder, when billing has answered for them.",
                written.pending
            );
        }
        Ok(VerbOutcome::findings_if(written.pending > 0))
    }
}

/// A file that only its owner may read. It has its name once it is whole; until then it is another one,
/// which is removed if it is not completed.
struct PrivateFile {
    writer: csv::Writer<File>,
    part: PathBuf,
    whole: PathBuf,
}

impl PrivateFile {
    fn create(folder: &Path, name: &str) -> anyhow::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        let whole = folder.join(name);
        anyhow::ensure!(!whole.exists(), "{} is there already: name another folder", whole.display());
        let part = folder.join(format!("{name}.part"));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part);
        let file = file.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => anyhow!(
                "{} is there already: another run writes it, or was killed. Name another folder",
                part.display()
            ),
            _ => anyhow!("{} cannot be written: {error}", part.display()),
        })?;
        Ok(Self { writer: csv::Writer::from_writer(file), part, whole })
    }

    fn sync(&mut self) -> anyhow::Result<()> {
        self.writer.flush().context("the files cannot be written")?;
        self.writer.get_ref().sync_all().context("the files cannot be written")
    }

    /// Gives it its name. A link does not replace a file that has come meanwhile, as a rename would; a file
    /// system without links, such as that of a memory stick, renames.
    fn keep(&self) -> anyhow::Result<()> {
        let named = match fs::hard_link(&self.part, &self.whole) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => fs::rename(&self.part, &self.whole),
            named => named,
        };
        named.with_context(|| format!("{} cannot be written", self.whole.display()))
    }
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        // Nothing else knows it, and the next run names it if it stays.
        let _ = fs::remove_file(&self.part);
    }
}
