//! `cargo xtask operators`: checks each entry of an operator by itself, compares them with each other, and puts them into
//! the edge's store. Each entry is a key of its own there: no other one changes.
//!
//! Not here: what the edge compares with its own settings. Whether a partner is in `PARTNERS`, and a root key among the
//! secrets, the edge finds when it reads the entry.

use std::fs;
use std::path::{self, PathBuf};
use std::process::Command;

use onbill_domain::deployment::Deployment;
use onbill_domain::limits::OPERATORS_MAX;
use onbill_domain::operator_entry::OperatorEntry;
use onbill_domain::wire::kv::operator_key;

use crate::arguments::OperatorsArguments;
use crate::child::npm_command;
use crate::failure::{Context, Failure, Outcome};
use crate::system::silence_wrangler;

const BINDING: &str = "OPERATORS_KV";

/// Checks the files, and puts them if that was asked for. Nothing is put when one of them is wrong.
pub(crate) fn run(what: &OperatorsArguments) -> Outcome {
    match what {
        OperatorsArguments::Check { files, local } => {
            for (_, entry) in check_files(files, *local)? {
                println!("{}: sound", entry.id);
            }
            Ok(())
        }
        OperatorsArguments::Put { files, local, wrangler } => {
            for (file, entry) in check_files(files, *local)? {
                let mut put = npm_command("wrangler");
                put.args(["kv", "key", "put", &operator_key(&entry.id), "--binding", BINDING, "--path"]);
                // Wrangler runs at the root of the repository.
                put.arg(path::absolute(file).context("find the file")?);
                put.arg(if *local { "--local" } else { "--remote" }).args(wrangler);
                silence_wrangler(&mut put);
                println!("{}", format_command(&put));
                let status = put.status().context("start wrangler")?;
                if !status.success() {
                    return Err(Failure::new(format!("wrangler did not put {} ({status})", entry.id)));
                }
            }
            println!("The edge follows within two minutes.");
            Ok(())
        }
    }
}

/// The entries of all files, or every complaint about them.
fn check_files(files: &[PathBuf], local: bool) -> Outcome<Vec<(&PathBuf, OperatorEntry)>> {
    let deployment = if local { Deployment::Local } else { Deployment::Public };
    let (mut entries, mut complaints) = (Vec::new(), Vec::new());
    for file in files {
        let text = fs::read_to_string(file).map_err(|error| error.to_string());
        let entry =
            text.and_then(|text| OperatorEntry::parse(&text, deployment).map_err(|fault| fault.to_string()));
        let mut complain = |complaint: &str| complaints.push(format!("{}: {complaint}", file.display()));
        match entry {
            Ok(entry) => {
                // The edge would serve the operator without them. Here they are mistakes.
                for member in &entry.unknown_members {
                    complain(&format!("{}: unknown member {member}", entry.id));
                }
                entries.push((file, entry));
            }
            Err(complaint) => complain(&complaint),
        }
    }
    complaints.extend(compare_entries(&entries));
    if complaints.is_empty() { Ok(entries) } else { Err(Failure::new(complaints.join("\n"))) }
}

/// What two operators of one edge may not both have.
fn compare_entries(entries: &[(&PathBuf, OperatorEntry)]) -> Vec<String> {
    let mut complaints = Vec::new();
    if entries.len() > OPERATORS_MAX {
        complaints
            .push(format!("an edge serves up to {OPERATORS_MAX} operators, and these are {}", entries.len()));
    }
    for (n, (file, entry)) in entries.iter().enumerate() {
        for (other_file, other) in &entries[..n] {
            let shared = [
                ("id", entry.id == other.id),
                ("origin", entry.origin == other.origin),
                ("coupons", entry.coupons.is_some() && entry.coupons == other.coupons),
            ];
            for (member, _) in shared.iter().filter(|(_, is_same)| *is_same) {
                complaints.push(format!(
                    "{}: {member} is that of {} too",
                    file.display(),
                    other_file.display()
                ));
            }
        }
    }
    complaints
}

fn format_command(command: &Command) -> String {
    let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
    ["npx wrangler".to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn write(name: &str, entry: &Value) -> PathBuf {
        let dir = crate::paths::repository_root().join("target/xtask/operators");
        fs::create_dir_all(&dir).expect("is writable");
        let file = dir.join(name);
        fs::write(&file, entry.to_string()).expect("is writable");
        file
    }

    fn entry(id: &str) -> Value {
        json!({"id": id, "name": "Acme Mobile", "country": "US", "origin": format!("https://origin.{id}.example"),
               "dashboards": [format!("https://my.{id}.example")], "key_epochs": ["r1.1"]})
    }

    #[test]
    fn every_mistake_of_all_files_is_named() {
        let mut nova = entry("nova");
        nova["origin"] = json!("http://127.0.0.1:8788");
        let mut twin = entry("acme");
        twin["coupons"] = json!("AC");
        twin["dashboard"] = json!([]);
        let files =
            [write("acme.json", &entry("acme")), write("nova.json", &nova), write("twin.json", &twin)];
        let refused = check_files(&files, false).expect_err("is refused").to_string();
        let lines: Vec<&str> = refused.lines().collect();
        assert_eq!(lines.len(), 4, "{refused}");
        assert!(lines[0].contains("nova.json: nova: origin must be"), "{refused}");
        assert!(lines[1].contains("twin.json: acme: unknown member dashboard"), "{refused}");
        assert!(lines[2].contains("twin.json: id is that of"), "{refused}");
        assert!(lines[3].contains("twin.json: origin is that of"), "{refused}");
        let found = check_files(&files[..2], true).expect("this machine may be named locally");
        assert_eq!(found.len(), 2);
        assert!(check_files(&["nowhere.json".into()], true).is_err());
    }
}
