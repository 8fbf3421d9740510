//! The recorded transcripts: one file for each area.

use std::fs;
use std::path::PathBuf;

/// Lines shown before and after the first difference.
const CONTEXT_LINES: usize = 12;

/// Panics when a transcript differs from the recorded one, with the first exchange that does.
pub(super) fn compare_with_golden(area: &str, transcript: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("flows/recorded_responses/golden")
        .join(format!("{area}.txt"));
    if is_to_be_recorded() {
        fs::write(&path, transcript).expect("can be written");
        return;
    }
    let recorded = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        recorded == transcript,
        "{area}: the system no longer says what was recorded in {}.\n{}\nIf the change is meant, record it: \
         ONBILL_RECORD=1 cargo test -p onbill-tests --test flows recorded_responses",
        path.display(),
        first_difference(&recorded, transcript)
    );
}

#[expect(clippy::disallowed_methods, reason = "whether to record is for the person who runs the test to say")]
fn is_to_be_recorded() -> bool {
    std::env::var("ONBILL_RECORD").is_ok()
}

/// The first lines that differ, with the label of their exchange before them.
fn first_difference(recorded: &str, found: &str) -> String {
    let (recorded, found): (Vec<&str>, Vec<&str>) = (recorded.lines().collect(), found.lines().collect());
    let at = recorded.iter().zip(&found).take_while(|(a, b)| a == b).count();
    let heading = |prefix: &str| {
        let before = &found[..at.min(found.len())];
        before.iter().rev().find(|line| line.starts_with(prefix)).copied().unwrap_or_default()
    };
    let show = |lines: &[&str], mark: char| {
        let end = lines.len().min(at + CONTEXT_LINES);
        lines[at.min(end)..end].iter().fold(String::new(), |text, line| text + &format!("{mark} {line}\n"))
    };
    format!(
        "{}\n{}\nline {}:\n{}{}",
        heading("=="),
        heading("--"),
        at + 1,
        show(&recorded, '-'),
        show(&found, '+')
    )
}
