//! How the files of an exchange are named.

/// The file's name for billing.
pub(super) fn csv_name(file_id: &str) -> String {
    format!("{file_id}.csv")
}

/// Its manifest's. That it is there says that the file is whole.
pub(super) fn manifest_name(file_id: &str) -> String {
    format!("{file_id}.manifest.json")
}

/// How the name of a response ends; it begins with the file's.
pub(super) const RESPONSE: &str = ".response.csv";
