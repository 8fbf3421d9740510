//! What every row is given: the programs, the keys, a folder of its own, and how long to measure.

use crate::arguments::Arguments;
use crate::profile::Profile;
use crate::programs::keys::Keys;
use anyhow::{Context as _, Result};
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

/// How much of a row is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// At least five, for a median.
    pub(crate) rounds: usize,
    /// The length of a round.
    pub(crate) round: Duration,
    pub(crate) is_quick: bool,
    /// Rows of ten million are measured too.
    pub(crate) is_large: bool,
}

impl Scale {
    const FULL: Self = Self { rounds: 7, round: Duration::from_secs(4), is_quick: false, is_large: false };
    const LARGE: Self = Self { is_large: true, ..Self::FULL };
    const QUICK: Self =
        Self { rounds: 5, round: Duration::from_millis(500), is_quick: true, is_large: false };

    /// The whole amount, or this part of it in a quick run.
    pub(crate) fn amount(self, whole: usize, quick_divisor: usize) -> usize {
        if self.is_quick { whole / quick_divisor } else { whole }
    }

    /// How many accounts or charges a row of a large operator has: one size, or two.
    pub(crate) fn large_amounts(self) -> Vec<usize> {
        let mut amounts = vec![self.amount(1_000_000, 10)];
        amounts.extend(self.is_large.then_some(10_000_000));
        amounts
    }
}

pub(crate) struct Bench {
    pub(crate) scale: Scale,
    pub(crate) paths: Paths,
    pub(crate) keys: Keys,
    /// Set when one row is profiled instead of measured.
    pub(crate) profile: Option<Profile>,
    /// The PostgreSQL server of this run.
    pub(crate) postgres: PostgresServer,
    row: Mutex<String>,
}

/// What `cargo xtask bench` has built.
pub(crate) struct Paths {
    pub(crate) root: PathBuf,
    pub(crate) edge: PathBuf,
    pub(crate) bare_worker: PathBuf,
    pub(crate) yardsticks: PathBuf,
    pub(crate) origin: PathBuf,
    pub(crate) workerd: PathBuf,
    folder: PathBuf,
}

/// The server that `cargo xtask bench` has started, or that its user has named.
pub(crate) struct PostgresServer {
    /// A `postgres://` URL of a database in which schemas may be made.
    pub(crate) url: String,
    /// The folder of its data, with `postmaster.pid`; `None` for a server of the user's.
    pub(crate) data: Option<PathBuf>,
}

impl PostgresServer {
    #[expect(clippy::disallowed_methods, reason = "a URL with a password is no word of a command line")]
    fn from_environment() -> Self {
        let home = std::env::var("ONBILL_POSTGRES_HOME").ok();
        Self {
            url: std::env::var("DATABASE_URL").unwrap_or_default(),
            data: home.map(|home| PathBuf::from(home).join("data")),
        }
    }
}

impl Bench {
    pub(crate) fn new(arguments: Arguments) -> Result<Self> {
        let profile = arguments.profile.then(|| Profile::new(&arguments.folder));
        Ok(Self {
            scale: match (arguments.quick, arguments.large) {
                (true, _) => Scale::QUICK,
                (_, true) => Scale::LARGE,
                _ => Scale::FULL,
            },
            keys: Keys::read(&arguments.keys)?,
            profile,
            postgres: PostgresServer::from_environment(),
            row: Mutex::default(),
            paths: Paths {
                root: arguments.root,
                edge: arguments.edge,
                bare_worker: arguments.bare_worker,
                yardsticks: arguments.yardsticks,
                origin: arguments.origin,
                workerd: arguments.workerd,
                folder: arguments.folder,
            },
        })
    }

    /// An empty folder for one program of one row.
    pub(crate) fn make_folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.paths.folder.join("programs").join(name);
        // Usually there is one of an earlier run.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        Ok(folder)
    }

    pub(crate) fn begin_row(&self, progress: String) {
        *self.row.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = progress;
    }

    /// Writes a line of progress, of which `cargo xtask bench` shows the last one.
    pub(crate) fn show_progress(&self, what: &str) {
        eprintln!("{}: {what}", self.row.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}
