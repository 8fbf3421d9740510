//! Writes a file where billing finds it: first its contents to the disk, then its name, then its
//! manifest, then the database record. A file that has its name is never overwritten.

use super::exchange::FileExchange;
use super::names::{csv_name, manifest_name};
use super::render;
use super::spool::{Folder, Reading, Spool};
use crate::fault::Fault;
use crate::instruments::{Alarm, raise_alarm};
use crate::store::{BilledSubscriber, BillingFile};
use onbill_domain::digest::sha256;

/// The ending of a file that is still incomplete. Billing looks for manifests, and so never reads
/// such a file.
const UNFINISHED: &str = ".tmp";

impl FileExchange {
    /// Writes every file in the database that is not recorded as written.
    pub(super) async fn write_files(&self, spool: &dyn Spool) -> Result<(), Fault> {
        let mut outcome = Ok(());
        for file in self.store.list_unwritten_files().await? {
            let (alarms, alarm, id) = (&self.instruments.alarms, Alarm::FileNotWritten, &file.file_id);
            match self.write_file(spool, &file).await {
                Ok(()) => alarms.clear(alarm, id),
                Err(fault) => {
                    raise_alarm!(alarms, alarm, id, ?fault, file = id, "a billing file could not be written");
                    outcome = Err(fault);
                }
            }
        }
        outcome
    }

    /// 1. Renders the file from the database.
    /// 2. If its manifest exists, the file was written before, and billing may have collected it
    ///    already.
    /// 3. Otherwise writes the file, and last its manifest.
    /// 4. Records that it is written.
    async fn write_file(&self, spool: &dyn Spool, file: &BillingFile) -> Result<(), Fault> {
        // 1.
        let lines = self.store.list_file_lines(file.file_id.clone()).await?;
        if lines.len() != file.lines as usize {
            return Err(Fault::Broken("a billing file has fewer lines than when it was made"));
        }
        let open = |subscriber: &BilledSubscriber| self.vault.open_number(&subscriber.number.sealed);
        let csv = render::render_csv(&file.columns, &lines, open)?;
        let manifest = render::render_manifest(&self.operator, file, &lines, &csv)?;
        // 2.
        let name = manifest_name(&file.file_id);
        if !is_there(spool, &name, &manifest).await? {
            // 3.
            clear_unfinished(spool, &file.file_id).await?;
            self.put_file(spool, &csv_name(&file.file_id), &csv).await?;
            self.put_file(spool, &name, &manifest).await?;
        }
        // 4.
        self.store.mark_file_written(self.clock.now(), file.file_id.clone(), sha256(&csv)).await?;
        tracing::info!(file = file.file_id, lines = file.lines, "a billing file was written");
        Ok(())
    }

    /// Another origin may be writing the same file: each uses its own unfinished file, and both
    /// render the same bytes.
    async fn put_file(&self, spool: &dyn Spool, name: &str, contents: &[u8]) -> Result<(), Fault> {
        if is_there(spool, name, contents).await? {
            return Ok(());
        }
        let unfinished = format!("{name}.{}{UNFINISHED}", render::to_hex(&self.random.bytes::<4>()));
        spool.create(Folder::Out, &unfinished, contents).await?;
        Ok(spool.rename((Folder::Out, &unfinished), (Folder::Out, name)).await?)
    }
}

/// Whether the file already has its name; an error when another file has that name.
async fn is_there(spool: &dyn Spool, name: &str, contents: &[u8]) -> Result<bool, Fault> {
    match spool.read(Folder::Out, name, contents.len() as u64).await? {
        Reading::Gone => Ok(false),
        Reading::Contents(found) if found == contents => Ok(true),
        Reading::Contents(_) | Reading::Odd(_) => {
            Err(Fault::Broken("another file has the name of a billing file"))
        }
    }
}

/// Removes what a crash has left of the file. If another origin is still writing it, that origin's
/// round ends with an error and is retried.
async fn clear_unfinished(spool: &dyn Spool, file_id: &str) -> Result<(), Fault> {
    for name in spool.list_names(Folder::Out, UNFINISHED).await? {
        if name.starts_with(file_id) {
            spool.remove(Folder::Out, &name).await?;
        }
    }
    Ok(())
}
