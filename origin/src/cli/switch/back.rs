//! `switch back`: writes the files for the way back.

use super::check_partner;
use crate::cli::opening::{database_failed, open_app};
use crate::cli::output::{print_error_line, print_line};
use crate::cli::verb_outcome::VerbOutcome;
use anyhow::{Context as _, anyhow};
use clap::Args;
use indicatif::ProgressBar;
use onbill_domain::ids::PartnerId;
use onbill_origin::cut_over::{WayBack, WayBackError, Written};
use onbill_origin::store::OpenMode;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Write pais.csv and charges.csv with everything that has changed since it was loaded, for the way back.
///
/// They have the columns of the files that switch load takes, so that another system, or another onbill, can go on
/// with them. What is new here is in them too: customers who have signed up, and charges. A charge of onbill's has
/// its id in billing as billing_ref. Nothing is changed, and it may be run beside the serving origin.
///
/// The files have the numbers of customers: only you may read them. An existing file is not overwritten.
///
/// Exit code 0 when both are written, 1 when charges in them are PENDING: their result is not known yet.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// The partner, such as netflix.
    #[arg(long, value_parser = crate::cli::arguments::parse_partner)]
    partner: PartnerId,
    /// The folder for the two files.
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
        let mut pais = create_private(&self.to.join("pais.csv"))?;
        let mut charges = create_private(&self.to.join("charges.csv"))?;
        let way_back = WayBack {
            store: &app.store,
            vault: &app.vault,
            partner: self.partner.clone(),
            today: app.config.time_zone.day_of(app.clock.now()),
            with_unchanged: self.all,
        };
        let bar = ProgressBar::no_length();
        let progress = |written: &Written| bar.set_position(written.pais + written.charges);
        let outcome = way_back.write(&mut pais, &mut charges, progress).await;
        bar.finish_and_clear();
        let written = outcome.map_err(|error| match error {
            WayBackError::Store(error) => database_failed(error),
            WayBackError::Number(fault) => {
                anyhow!("a number cannot be read with the keys of the ring: {fault:?}")
            }
            WayBackError::File(error) => anyhow!("the files cannot be written: {error}"),
        })?;
        for file in [pais, charges] {
            let file = file.into_inner().map_err(|error| anyhow!("the files cannot be written: {error}"))?;
            file.sync_all().context("the files cannot be written")?;
        }
        print_line!("{} PAIs and {} charges are written.", written.pais, written.charges);
        if written.pending > 0 {
            print_error_line!(
                "{} of the charges are PENDING: write the files again when billing has answered for them.",
                written.pending
            );
        }
        Ok(VerbOutcome::findings_if(written.pending > 0))
    }
}

/// Creates a file that only its owner may read.
fn create_private(path: &Path) -> anyhow::Result<csv::Writer<File>> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file = file.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => anyhow!("{} is there already: name another folder", path.display()),
        _ => anyhow!("{} cannot be written: {error}", path.display()),
    })?;
    Ok(csv::Writer::from_writer(file))
}
