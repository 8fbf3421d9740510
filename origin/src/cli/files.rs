//! Input files with a progress bar, and output files.

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

/// Opens a file, with a progress bar over its bytes.
pub(super) fn open_file(path: &Path) -> anyhow::Result<(File, ProgressBar)> {
    let file = File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    let bar = ProgressBar::new(file.metadata()?.len()).with_style(ProgressStyle::with_template(
        "{bar:40} {percent:>3}% {bytes}/{total_bytes} {bytes_per_sec} {eta} left",
    )?);
    Ok((file, bar))
}

/// Creates a CSV file. An existing file is not overwritten, so that nothing in it is lost.
pub(super) fn new_csv(path: &Path) -> anyhow::Result<csv::Writer<File>> {
    let file = File::create_new(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => anyhow::anyhow!("{} is there already: name another file", path.display()),
        _ => anyhow::anyhow!("{} cannot be written: {error}", path.display()),
    })?;
    Ok(csv::Writer::from_writer(file))
}
