//! Input files with a progress bar, and output files.

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Opens a file to be read. A folder can be opened too, and its bytes would be taken for those of
/// another kind of file.
pub(super) fn open_input(path: &Path) -> anyhow::Result<File> {
    let file = File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    anyhow::ensure!(!file.metadata()?.is_dir(), "{} is a folder", path.display());
    Ok(file)
}

/// A progress bar over the bytes of a file, of which nothing has been read yet.
pub(super) fn begin_bar(file: &File) -> anyhow::Result<ProgressBar> {
    Ok(ProgressBar::new(file.metadata()?.len()).with_style(ProgressStyle::with_template(
        "{bar:40} {percent:>3}% {bytes}/{total_bytes} {bytes_per_sec} {eta} left",
    )?))
}

/// Opens a file that is read at once, with a progress bar over its bytes.
pub(super) fn open_file(path: &Path) -> anyhow::Result<(File, ProgressBar)> {
    let file = open_input(path)?;
    let bar = begin_bar(&file)?;
    Ok((file, bar))
}

/// Creates a CSV file. An existing file is not overwritten, so that nothing in it is lost.
pub(super) fn new_csv(path: &Path) -> anyhow::Result<csv::Writer<File>> {
    create_csv(path, File::options().write(true).create_new(true))
}

/// Creates a CSV file as [`new_csv`] does, which only the user of this program can read.
pub(super) fn new_private_csv(path: &Path) -> anyhow::Result<csv::Writer<File>> {
    create_csv(path, File::options().write(true).create_new(true).mode(0o600))
}

fn create_csv(path: &Path, options: &OpenOptions) -> anyhow::Result<csv::Writer<File>> {
    let file = options.open(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => anyhow::anyhow!("{} is there already: name another file", path.display()),
        _ => anyhow::anyhow!("{} cannot be written: {error}", path.display()),
    })?;
    Ok(csv::Writer::from_writer(file))
}
