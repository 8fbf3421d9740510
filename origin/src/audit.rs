//! Checks the audit, in the database and as an export: that no entry was changed, left out or
//! removed. Whoever can write the database can write another audit from its beginning; the end of an
//! export that another party keeps shows that.

use crate::store::{AuditEnd, Store, StoreError};
use onbill_domain::wire::audit::AuditLine;
use onbill_domain::wire::mandate::{ChainEnd, first_previous, hash_of_text};
use serde::Deserialize;
use std::io::{self, BufRead};

/// Entries that are read from the database at once.
const LINES_AT_ONCE: u32 = 500;

/// A chain as far as it was checked.
struct Checked {
    lines: u64,
    hash: String,
}

impl Default for Checked {
    fn default() -> Self {
        Self { lines: 0, hash: first_previous() }
    }
}

impl Checked {
    /// Checks the next entry, whose contents have `hash`.
    fn take(&mut self, line: &AuditLine, hash: Option<&str>) -> Result<(), String> {
        let at = self.lines + 1;
        if hash != Some(line.hash.as_str()) {
            return Err(format!("entry {at} was changed: its hash is another"));
        }
        if u64::try_from(line.sequence) != Ok(at) || line.previous != self.hash {
            return Err(format!("before entry {at}, an entry is missing or was changed"));
        }
        self.lines = at;
        self.hash.clone_from(&line.hash);
        Ok(())
    }

    fn compare_end(&self, end: &ChainEnd) -> Result<(), String> {
        if self.lines == end.lines && self.hash == end.hash {
            return Ok(());
        }
        Err(format!("after entry {}, an entry is missing", self.lines))
    }
}

/// Some of the audit, in order.
pub enum AuditPart {
    Entries(Vec<AuditLine>),
    /// An entry has a word or a time that no onbill writes.
    Unreadable {
        sequence: i64,
        column: &'static str,
    },
}

/// Reads the audit as far as it is now, part by part, whatever its end says. Entries that are added
/// meanwhile are left out.
pub async fn read_audit(
    store: &Store,
    mut on_part: impl AsyncFnMut(AuditPart) -> bool,
) -> Result<AuditEnd, StoreError> {
    let end = store.find_audit_end().await?;
    let is_beyond = |sequence: i64| u64::try_from(sequence).is_ok_and(|sequence| sequence > end.newest);
    // No entry is at 0 or before, and one that was put there shows.
    let mut after = i64::MIN;
    // Entries to read one by one, because the page that they are on cannot be read.
    let mut alone = 0_u32;
    loop {
        let limit = if alone > 0 { 1 } else { LINES_AT_ONCE };
        alone = alone.saturating_sub(1);
        let part = match store.list_audit_lines(after, limit).await {
            Ok(mut page) => {
                page.retain(|line| !is_beyond(line.sequence));
                let Some(last) = page.last() else { return Ok(end) };
                after = last.sequence;
                AuditPart::Entries(page)
            }
            Err(StoreError::InconsistentRow { table: "audit", .. }) if limit > 1 => {
                alone = LINES_AT_ONCE;
                continue;
            }
            Err(StoreError::InconsistentRow { table: "audit", column }) => {
                let Some(sequence) = store.find_audit_place_after(after).await? else { return Ok(end) };
                if is_beyond(sequence) {
                    return Ok(end);
                }
                after = sequence;
                AuditPart::Unreadable { sequence, column }
            }
            Err(error) => return Err(error),
        };
        if !on_part(part).await {
            return Ok(end);
        }
    }
}

/// What is wrong with an audit, found while it is read.
#[derive(Default)]
pub struct AuditCheck {
    checked: Checked,
    wrong: Option<String>,
}

impl AuditCheck {
    /// Checks what comes next, as far as nothing was wrong before.
    pub fn take(&mut self, part: &AuditPart) {
        let entries = match part {
            AuditPart::Entries(entries) => entries,
            AuditPart::Unreadable { sequence, column } => {
                self.wrong.get_or_insert_with(|| {
                    format!("entry {sequence} was changed: no onbill writes such a value of {column}")
                });
                return;
            }
        };
        for line in entries {
            if self.wrong.is_some() {
                return;
            }
            let hash = line.compute_hash().ok();
            self.wrong = self.checked.take(line, hash.as_deref()).err();
        }
    }

    /// The end of an audit that is whole, or what is wrong with it and where.
    pub fn finish(self, end: AuditEnd) -> Result<ChainEnd, String> {
        let Self { checked, wrong } = self;
        if let Some(why) = wrong {
            return Err(why);
        }
        let AuditEnd { stated, newest } = end;
        let Some(stated) = stated else {
            // Before the first entry there is no end.
            let nothing = ChainEnd { lines: 0, hash: first_previous() };
            return if newest == 0 {
                Ok(nothing)
            } else {
                Err(format!("the end is missing after entry {newest}"))
            };
        };
        // Whoever moves the end back hides the entries after it.
        if newest > stated.lines {
            return Err(format!("after entry {}, there are entries beyond the end", stated.lines));
        }
        checked.compare_end(&stated).map(|()| stated)
    }
}

/// Checks the audit in the database: its end, or what is wrong with it and where.
pub async fn verify_ledger(store: &Store) -> Result<Result<ChainEnd, String>, StoreError> {
    let mut check = AuditCheck::default();
    let read = read_audit(store, async |part| {
        check.take(&part);
        check.wrong.is_none()
    });
    let end = read.await?;
    Ok(check.finish(end))
}

/// The last line of an export.
#[derive(Deserialize)]
struct EndLine {
    end: ChainEnd,
}

/// Checks an export: its end, or what is wrong with it and where.
pub fn verify_export(file: impl BufRead) -> io::Result<Result<ChainEnd, String>> {
    let mut checked = Checked::default();
    let mut end: Option<ChainEnd> = None;
    for text in file.lines() {
        let text = text?;
        let at = checked.lines + 1;
        if end.is_some() {
            return Ok(Err(format!("entry {at} comes after the end")));
        }
        if let Ok(EndLine { end: stated }) = serde_json::from_str(&text) {
            end = Some(stated);
            continue;
        }
        let Ok(line) = serde_json::from_str::<AuditLine>(&text) else {
            return Ok(Err(format!("entry {at} is none of an audit")));
        };
        if let Err(why) = checked.take(&line, hash_of_text(&text).as_deref()) {
            return Ok(Err(why));
        }
    }
    Ok(match end {
        Some(end) => checked.compare_end(&end).map(|()| end),
        None => Err(format!("the end is missing after entry {}", checked.lines)),
    })
}

/// Whether the audit in the database still begins with what was exported.
pub async fn has_exported(store: &Store, exported: &ChainEnd) -> Result<bool, StoreError> {
    let Ok(last) = i64::try_from(exported.lines) else { return Ok(false) };
    if last == 0 {
        return Ok(exported.hash == first_previous());
    }
    let lines = store.list_audit_lines(last - 1, 1).await?;
    Ok(lines.first().is_some_and(|line| line.sequence == last && line.hash == exported.hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// An export of three entries.
    fn export() -> Vec<String> {
        let mut previous = first_previous();
        let mut lines: Vec<String> = (1..=3)
            .map(|sequence| {
                let mut line: AuditLine = serde_json::from_value(json!({
                    "sequence": sequence, "at": "2026-11-18T11:06:40Z", "actor": "care-17", "role": "care",
                    "key": "bss-1", "act": "subscriber-looked-up", "outcome": "done", "subscriber": "handle-1",
                    "previous": previous, "hash": "",
                }))
                .expect("is an entry");
                line.hash = line.compute_hash().expect("is JSON");
                previous.clone_from(&line.hash);
                serde_json::to_string(&line).expect("is JSON")
            })
            .collect();
        lines.push(json!({"end": ChainEnd { lines: 3, hash: previous }}).to_string());
        lines
    }

    fn verify(lines: &[String]) -> Result<u64, String> {
        verify_export(lines.join("\n").as_bytes()).expect("reads").map(|end| end.lines)
    }

    #[test]
    fn export_shows_an_entry_that_is_missing_or_changed() {
        let whole = export();
        assert_eq!(verify(&whole), Ok(3));
        for removed in 0..3 {
            let mut lines = whole.clone();
            lines.remove(removed);
            assert!(verify(&lines).is_err_and(|why| why.contains("is missing")), "{removed}");
        }
        assert!(verify(&whole[..3]).is_err_and(|why| why.contains("the end is missing")));
        assert!(verify(&[]).is_err());
        let mut changed = whole.clone();
        changed[1] = changed[1].replace("care-17", "care-18");
        assert_eq!(verify(&changed), Err("entry 2 was changed: its hash is another".to_owned()));
        let mut longer = whole.clone();
        longer.push(whole[2].clone());
        assert!(verify(&longer).is_err_and(|why| why.contains("after the end")));
    }
}
