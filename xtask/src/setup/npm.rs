//! The npm packages: wrangler, the tools that bundle the edge, and the browser of the tests. The benchmark's yardsticks and
//! the viewer of the API documents are in folders of their own. Their versions, and the checksums that npm verifies, are in package-lock.json.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::child::{new_command, npm_command, run_logged};
use crate::failure::{Context, Failure, Outcome};
use crate::paths;
use crate::paths::find_on_path;

/// The minimum for wrangler. On Linux npm installs a node of its own; elsewhere the machine's is used.
const NODE_MIN: (u32, u32) = (22, 12);

/// Installs the project's packages.
pub(crate) fn install_packages() -> Outcome {
    if install_locked(paths::repository_root(), "installing the npm packages", "setup-npm.log")? {
        check_node_version()?;
    }
    Ok(())
}

/// Installs the packages of a folder's package-lock.json, unless its `node_modules` has them already. Returns whether it
/// did.
pub(crate) fn install_locked(folder: &Path, title: &str, log: &str) -> Outcome<bool> {
    let wanted = fs::read_to_string(folder.join("package-lock.json")).context("read package-lock.json")?;
    // npm's own record of what it installed.
    let found = fs::read_to_string(folder.join("node_modules/.package-lock.json")).unwrap_or_default();
    if is_up_to_date(&wanted, &found) {
        return Ok(false);
    }
    if env::var_os("WRANGLER_COMMAND").is_some() {
        return Err(Failure::new(
            "node_modules is not what package-lock.json says, and wrangler is running from it: stop it, run `npm ci`",
        ));
    }
    if find_on_path("npm").is_none() {
        return Err(Failure::new("npm is not on the PATH: install Node.js from https://nodejs.org"));
    }
    let mut npm = new_command("npm");
    run_logged(title, log, npm.current_dir(folder).args(["ci", "--no-audit", "--no-fund"]))?;
    Ok(true)
}

/// Whether every required package is installed in the locked version. Optional packages are for other machines.
fn is_up_to_date(wanted: &str, found: &str) -> bool {
    let parse = |text: &str| serde_json::from_str::<Value>(text).ok();
    let (Some(wanted), Some(found)) = (parse(wanted), parse(found)) else { return false };
    let Some(packages) = wanted["packages"].as_object() else { return false };
    packages.iter().filter(|(path, _)| !path.is_empty()).all(|(path, package)| {
        let installed = &found["packages"][path];
        let may_be_absent = ["optional", "devOptional"].iter().any(|mark| package[mark] == true);
        installed["version"] == package["version"] || (installed.is_null() && may_be_absent)
    })
}

fn check_node_version() -> Outcome {
    let (major, minor) = NODE_MIN;
    let output = node_command().arg("--version").output();
    let version =
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    if is_at_least(&version, NODE_MIN) {
        return Ok(());
    }
    let found = if version.is_empty() { "there is no node".to_owned() } else { format!("this is {version}") };
    Err(Failure::new(format!(
        "wrangler needs Node.js {major}.{minor} or newer and {found}: see https://nodejs.org"
    )))
}

/// Uses the node that npm installed, where it has one for this machine, and else the machine's.
pub(crate) fn node_command() -> Command {
    if paths::npm_bin_dir().join("node").exists() { npm_command("node") } else { new_command("node") }
}

fn is_at_least(version: &str, (major, minor): (u32, u32)) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map_while(|part| part.parse::<u32>().ok());
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    found >= (major, minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: &str = r#"{"packages": {"": {"name": "onbill"}, "node_modules/a": {"version": "1.2.3"},
        "node_modules/for-macs": {"version": "4.0.0", "optional": true}}}"#;

    #[test]
    fn node_modules_need_every_required_package() {
        assert!(is_up_to_date(WANTED, r#"{"packages": {"node_modules/a": {"version": "1.2.3"}}}"#));
        for other in [
            "",
            r#"{"packages": {}}"#,
            r#"{"packages": {"node_modules/a": {"version": "1.2.4"}}}"#,
            r#"{"packages": {"node_modules/a": {"version": "1.2.3"}, "node_modules/for-macs": {"version": "3.0.0"}}}"#,
        ] {
            assert!(!is_up_to_date(WANTED, other), "{other}");
        }
    }

    #[test]
    fn node_versions_are_compared_as_numbers() {
        for (version, enough) in
            [("v24.21.0", true), ("v22.12.0", true), ("v22.9.1", false), ("v20.20.2", false), ("", false)]
        {
            assert_eq!(is_at_least(version, NODE_MIN), enough, "{version}");
        }
    }
}
