//! The names of the exchanged files.

pub(super) fn csv_name(file_id: &str) -> String {
    format!("{file_id}.csv")
}

/// The name of the file's manifest, whose presence shows that the file is complete.
pub(super) fn manifest_name(file_id: &str) -> String {
    format!("{file_id}.manifest.json")
}

/// The ending of a response's name, which begins with the name of the file.
pub(super) const RESPONSE: &str = ".response.csv";
