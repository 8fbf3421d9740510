//! `cargo xtask call`: `onbill call` to the local system, with the keys of the sandbox partner.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::child::remove_cargo_variables;
use crate::failure::{Failure, Outcome};
use crate::system::{LOCAL_FOLDER, PARTNER};
use crate::{keys, paths};

/// The variable in which `onbill` finds its keys.
const KEYS: &str = "ONBILL_KEYS";

/// Becomes `onbill call` with these words, so that its exit status is xtask's.
pub(crate) fn call_local_system(words: &[String]) -> Outcome {
    let mut call = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    remove_cargo_variables(&mut call);
    // In the folder of a package, cargo would look for the tool among its programs alone.
    call.args(["run", "--quiet", "--locked", "--bin", "onbill", "--manifest-path"]);
    call.arg(paths::repository_root().join("Cargo.toml")).args(["--", "call"]).args(words);
    if env::var_os(KEYS).is_none() {
        call.env(KEYS, LOCAL_FOLDER.keys_dir().join(keys::partner_file(PARTNER)));
    }
    Err(Failure::new(format!("cannot start cargo: {}", call.exec())))
}
