//! The command line. `cargo xtask bench` gives the paths; what a person may add is above them.

use std::path::PathBuf;

#[derive(clap::Parser)]
#[command(
    about = "Measures onbill beside yardsticks; run it by `cargo xtask bench`, which builds everything first"
)]
pub(crate) struct Arguments {
    /// Only this row; may be repeated. The document is then left as it is.
    #[arg(long)]
    pub(crate) row: Vec<String>,
    /// Short rounds: everything in less than three minutes, and with more noise.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Also the rows of ten million accounts and charges, which take an hour and 40 GB of disk.
    #[arg(long, conflicts_with = "quick")]
    pub(crate) large: bool,
    /// Shows with perf where the subject of the one row spends its time, instead of measuring it.
    #[arg(long)]
    pub(crate) profile: bool,
    /// The repository.
    #[arg(long)]
    pub(crate) root: PathBuf,
    /// A folder for everything that a run writes.
    #[arg(long)]
    pub(crate) folder: PathBuf,
    /// The key sets of the operator `acme` and the partner `netflix`.
    #[arg(long)]
    pub(crate) keys: PathBuf,
    /// The folder of the edge's release build.
    #[arg(long)]
    pub(crate) edge: PathBuf,
    /// The folder of the bare worker's release build.
    #[arg(long)]
    pub(crate) bare_worker: PathBuf,
    /// The folder of the bundled yardsticks in JavaScript.
    #[arg(long)]
    pub(crate) yardsticks: PathBuf,
    /// The release build of the origin.
    #[arg(long)]
    pub(crate) origin: PathBuf,
    /// The runtime of the edge.
    #[arg(long)]
    pub(crate) workerd: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn every_argument_is_explained() {
        assert_eq!(onbill_help_check::find_unexplained(&Arguments::command()), Vec::<String>::new());
    }
}
