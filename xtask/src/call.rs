//! `cargo xtask call`: `onbill call` to the local system, with the keys of the sandbox partner.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::child::remove_cargo_variables;
use crate::failure::{Failure, Outcome};
use crate::keys;
use crate::system::{LOCAL_FOLDER, PARTNER};

/// The variable in which `onbill` finds its keys.
const KEYS: &str = "ONBILL_KEYS";

/// Becomes `onbill call` with these words, so that its exit status is xtask's.
pub(crate) fn call_local_system(words: &[String]) -> Outcome {
    let mut call = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    remove_cargo_variables(&mut call);
    call.args(["run", "--quiet", "--locked", "--bin", "onbill", "--", "call"]).args(words);
    if env::var_os(KEYS).is_none() {
        call.env(KEYS, LOCAL_FOLDER.keys_dir().join(keys::partner_file(PARTNER)));
    }
    Err(Failure::new(format!("cannot start cargo: {}", call.exec())))
}
