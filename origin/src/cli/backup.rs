//! `backup`: copies the database of a serving origin.

use super::opening::load_config;
use super::output::{print_error_line, print_line};
use super::verb_outcome::VerbOutcome;
use clap::Args;
use onbill_origin::ambient::{Clock as _, SystemClock};
use onbill_origin::app::backup::{back_up, back_up_into};
use onbill_origin::keys::Vault;
use std::path::{Path, PathBuf};

/// Copy the database into a new file, while the origin continues to serve.
///
/// The copy is complete, and of one moment. It is checked against this configuration and its keys, and is on the
/// disk before the file gets its name. An existing file is not overwritten. Keep the copy as safe as the database,
/// and apart from the keys. It is marked as a copy: an origin that starts on it behaves as with `--recovering`, until
/// you run `recovered`.
///
/// A database on a PostgreSQL server is backed up by the server's own tools: exit code 2.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// The new file.
    #[arg(required_unless_present = "into", conflicts_with = "into")]
    file: Option<PathBuf>,
    /// Make a file in this folder instead, named OPERATOR-MOMENT.sqlite, and remove the oldest of them.
    #[arg(long, value_name = "DIR", requires = "keep")]
    into: Option<PathBuf>,
    /// How many files of that kind the folder has in the end, the new one included.
    #[arg(long, value_name = "COUNT", requires = "into", value_parser = clap::value_parser!(u16).range(1..))]
    keep: Option<u16>,
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let (config, keys) = load_config(config)?;
        let vault = Vault::new(&keys).map_err(anyhow::Error::msg)?;
        let now = SystemClock.now();
        let (file, length) = match (self.into, self.keep, self.file) {
            (Some(folder), Some(keep), _) => {
                let complain = |complaint: String| print_error_line!("{complaint}");
                let kept = back_up_into(&config, &vault, &folder, keep.into(), now, complain).await;
                let kept = kept.map_err(anyhow::Error::msg)?;
                for removed in &kept.removed {
                    print_line!("{}: removed, as the oldest.", removed.display());
                }
                (kept.file, kept.bytes)
            }
            (_, _, Some(file)) => {
                let length = back_up(&config, &vault, &file, now).await.map_err(anyhow::Error::msg)?;
                (file, length)
            }
            _ => anyhow::bail!("name a file, or a folder and how many files to keep in it"),
        };
        print_line!("{}: {length} bytes, the database as it was at {now}.", file.display());
        Ok(VerbOutcome::Clean)
    }
}
