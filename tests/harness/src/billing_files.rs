//! An operator whose billing takes files. The origin can crash at the folder: before or after a
//! step, and in the middle of writing a file.

use crate::crash_point::CrashPoint;
use crate::unique::unique_name;
use crate::{TestOperator, TestOrigin, db_folder};
use async_trait::async_trait;
use onbill_origin::config::{Billing, FileColumns, FileSettings};
use onbill_origin::delivery::files::{Directory, Folder, Reading, Spool};
use onbill_origin::fault::Fault;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Minutes between two files.
pub const EVERY_MINUTES: u32 = 15;
/// Most lines in a file. It is small, so that several files are needed.
const LINES: u32 = 3;

/// The folder of one operator's files. It is removed when the test ends.
pub struct BillingFiles {
    pub directory: PathBuf,
}

impl BillingFiles {
    /// The names in a folder, with their contents.
    pub fn contents_of(&self, folder: &str) -> BTreeMap<String, String> {
        let entries = fs::read_dir(self.directory.join(folder)).expect("is a folder");
        let names = entries.map(|entry| entry.expect("is there").path());
        let whole = names.filter(|path| path.is_file() && path.extension().is_none_or(|end| end != "tmp"));
        whole
            .map(|path| {
                let name = path.file_name().and_then(|name| name.to_str()).expect("is UTF-8").to_owned();
                (name, fs::read_to_string(path).expect("reads"))
            })
            .collect()
    }

    pub fn path_of(&self, folder: &str, name: &str) -> PathBuf {
        self.directory.join(folder).join(name)
    }
}

impl Drop for BillingFiles {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

impl TestOperator {
    /// Every program that starts from now on bills by files.
    pub(crate) fn bill_by_files(&mut self) {
        let directory = db_folder().join(format!("onbill-files-{}", unique_name()));
        self.config.billing.by = Billing::Files;
        self.config.files = Some(FileSettings {
            directory: directory.clone(),
            every_minutes: EVERY_MINUTES,
            lines: LINES,
            alarm_hours: 26,
            columns: FileColumns::default(),
        });
        self.files = Some(BillingFiles { directory });
    }

    /// Runs one round of file submission, unless the program crashes.
    pub async fn try_run_filing(&self) -> Result<(), Fault> {
        let TestOrigin { app, crash_point, .. } = &self.origins[0];
        let spool = CrashingSpool {
            directory: Directory::open(&self.billing_files().directory)?,
            crash_point: Arc::clone(crash_point),
        };
        app.files.make_round(&spool).await
    }

    pub async fn run_filing(&self) {
        self.try_run_filing().await.expect("works");
    }

    /// Billing picks up the files that are out and responds to them. Returns their names.
    pub fn process_files(&self) -> Vec<String> {
        self.sandbox.bill_files(&self.billing_files().directory).expect("are as they should be")
    }

    pub fn billing_files(&self) -> &BillingFiles {
        self.files.as_ref().expect("bills by files")
    }
}

struct CrashingSpool {
    directory: Directory,
    crash_point: Arc<CrashPoint>,
}

impl CrashingSpool {
    async fn run_step<T>(&self, step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        let dead = || Err(io::Error::other("the program has died"));
        self.crash_point.run_step(step).await.unwrap_or_else(dead)
    }
}

#[async_trait]
impl Spool for CrashingSpool {
    async fn list_names(&self, folder: Folder, ending: &'static str) -> io::Result<Vec<String>> {
        self.run_step(self.directory.list_names(folder, ending)).await
    }

    async fn read(&self, folder: Folder, name: &str, bytes_max: u64) -> io::Result<Reading> {
        self.run_step(self.directory.read(folder, name, bytes_max)).await
    }

    /// A program that crashes in this step leaves half of the file.
    async fn create(&self, folder: Folder, name: &str, contents: &[u8]) -> io::Result<()> {
        let created = self.run_step(self.directory.create(folder, name, contents)).await;
        if created.is_err() && self.crash_point.has_crashed() {
            let _ = self.directory.create(folder, name, &contents[..contents.len() / 2]).await;
        }
        created
    }

    async fn rename(&self, from: (Folder, &str), to: (Folder, &str)) -> io::Result<()> {
        self.run_step(self.directory.rename(from, to)).await
    }

    async fn remove(&self, folder: Folder, name: &str) -> io::Result<()> {
        self.run_step(self.directory.remove(folder, name)).await
    }
}
