//! Hand-off by files, for a billing that takes no calls.
//!
//! Every so often what waits is put into a file (`close`), which is written from the books (`write`), and billing's
//! response is carried out (`receive`). What has happened is in the books, never only in the folder: a round that was
//! broken off at any step is taken up by the next one, of this origin or of another on the same books and folder.

mod close;
mod receive;
mod render;
mod response;
mod spool;
mod write;

pub use spool::{Directory, Folder, Reading, Spool};

use crate::app::App;
use crate::config::Billing;
use crate::fault::Fault;
use std::sync::Arc;
use std::time::Duration;

/// How often the folder is looked at: a response is not waited for by anybody, and looking costs next to nothing.
const ROUND: Duration = Duration::from_secs(15);
/// Seconds between two alarms about the same silence.
const ALARM_SECONDS: i64 = 3_600;

/// The file's name for billing.
fn csv_name(file_id: &str) -> String {
    format!("{file_id}.csv")
}

/// Its manifest's. That it is there says that the file is whole.
fn manifest_name(file_id: &str) -> String {
    format!("{file_id}.manifest.json")
}

/// How the name of a response ends; it begins with the file's.
const RESPONSE: &str = ".response.csv";

/// Works for ever, when files are configured.
pub async fn run(app: Arc<App>, spool: Arc<dyn Spool>) {
    let mut alarm_at = app.now();
    loop {
        if let Err(fault) = round(&app, &*spool).await {
            tracing::error!(?fault, "files for billing could not be worked on");
        }
        if app.now() >= alarm_at {
            match overdue(&app).await {
                Ok(files) if files.is_empty() => {}
                Ok(files) => {
                    let (count, oldest) = (files.len(), &files[0]);
                    tracing::error!(count, oldest, alarm = "file-unacknowledged", "billing is silent");
                    alarm_at = app.now().plus_seconds(ALARM_SECONDS);
                }
                Err(fault) => tracing::error!(?fault, "the files that are out could not be looked up"),
            }
        }
        tokio::time::sleep(ROUND).await;
    }
}

/// Takes what billing has said, makes a file if it is time, and writes what is to be written. What fails at one of them
/// does not keep the others from being done.
pub async fn round(app: &App, spool: &dyn Spool) -> Result<(), Fault> {
    let received = receive::all(app, spool).await;
    let closed = if app.config.billing == Billing::Files { close::if_due(app).await } else { Ok(()) };
    let written = write::all(app, spool).await;
    received.and(closed).and(written)
}

/// Files without a response for longer than the operator allows, oldest first. They are never put into another file:
/// what billing has done with them, only billing knows.
pub async fn overdue(app: &App) -> Result<Vec<String>, Fault> {
    let Some(settings) = &app.config.files else { return Ok(Vec::new()) };
    let made_by = app.now().plus_seconds(-3_600 * i64::from(settings.alarm_hours));
    Ok(app.store.unacknowledged_files(made_by).await?)
}
