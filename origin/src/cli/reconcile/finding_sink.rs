//! Where findings go while the comparison runs: all of them into a file, or the first ones to the terminal.

use crate::cli::files::new_csv;
use anyhow::Context as _;
use onbill_origin::reconciliation::Finding;
use onbill_origin::reconciliation::finding::HEADER;
use std::path::Path;

/// Findings that are listed when they are not written to a file: as many as a person reads.
const LISTED_MAX: usize = 20;

/// Takes the findings, one after the other.
pub(super) struct FindingSink {
    file: Option<csv::Writer<std::fs::File>>,
    listed: Vec<Finding>,
    /// The first failed write. What comes after it is lost anyway.
    failed: Option<csv::Error>,
}

impl FindingSink {
    pub(super) fn new(path: Option<&Path>) -> anyhow::Result<Self> {
        let file = match path {
            None => None,
            Some(path) => {
                let mut file = new_csv(path)?;
                file.write_record(HEADER).with_context(|| format!("{} cannot be written", path.display()))?;
                Some(file)
            }
        };
        Ok(Self { file, listed: Vec::new(), failed: None })
    }

    pub(super) fn add_finding(&mut self, finding: Finding) {
        if let Some(file) = &mut self.file {
            if self.failed.is_none() {
                self.failed = file.write_record(finding.to_csv_record()).err();
            }
        } else if self.listed.len() < LISTED_MAX {
            self.listed.push(finding);
        }
    }

    /// The findings to list: none if they are in the file.
    pub(super) fn finish(mut self) -> anyhow::Result<Vec<Finding>> {
        if let Some(failed) = self.failed {
            return Err(failed).context("the findings cannot be written");
        }
        if let Some(file) = &mut self.file {
            file.flush().context("the findings cannot be written")?;
        }
        Ok(self.listed)
    }
}
