//! Files in `docs/api` that are written from the code or from the documents.

use std::fs;
use std::path::PathBuf;

/// Panics when a page is not the recorded one.
pub(super) fn compare_with_recorded(file: &str, page: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/api").join(file);
    if is_to_be_recorded() {
        // At once: the other tests read the same documents.
        let new = path.with_extension("new");
        fs::write(&new, page).and_then(|()| fs::rename(&new, &path)).expect("can be written");
    }
    let recorded = fs::read_to_string(&path).unwrap_or_default();
    let at = recorded.lines().zip(page.lines()).take_while(|(recorded, page)| recorded == page).count();
    assert!(
        recorded == page,
        "docs/api/{file} is not what the code and the documents say, from line {} on. Write it again: \
         ONBILL_RECORD=1 cargo test -p onbill-tests --test flows api_documents",
        at + 1
    );
}

#[expect(clippy::disallowed_methods, reason = "whether to record is for the person who runs the test to say")]
fn is_to_be_recorded() -> bool {
    std::env::var("ONBILL_RECORD").is_ok()
}
