//! `cargo xtask edge --bundle DIR`: the edge as a folder that needs Node.js alone. It has the build, the configuration to
//! edit, and the npm packages that serve and deploy it, in the versions that the tests here run with.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::edge::copy::copy_edge;
use crate::edge::packages::{make_lock, make_package_json};
use crate::failure::{Context, Failure, Outcome};
use crate::paths;

/// What wrangler runs first, in the place of cargo.
const BUILD: &str = "\
# Writes keys for this machine alone into .dev.vars, at the first `npx wrangler dev`. Does nothing when you deploy.
[build]
command = \"node local_keys.mjs\"";

/// Files of the bundle, and where they come from.
const COPIED: [(&str, &str); 4] = [
    ("README.md", "worker/bundle/README.md"),
    ("local_keys.mjs", "worker/bundle/local_keys.mjs"),
    (".gitignore", "worker/bundle/gitignore"),
    ("LICENSE", "LICENSE"),
];

/// Writes the built edge as a bundle. Fails when `dir` has anything in it: that could be a deployment's configuration.
pub(crate) fn write_bundle(dir: &Path) -> Outcome {
    fs::create_dir_all(dir).context(&format!("make {}", dir.display()))?;
    let mut found = fs::read_dir(dir).context(&format!("read the folder {}", dir.display()))?;
    if found.next().is_some() {
        return Err(Failure::new(format!("{} is not empty, and a bundle overwrites nothing", dir.display())));
    }
    copy_edge(dir, Some(BUILD))?;
    for (name, source) in COPIED {
        fs::copy(paths::repository_root().join(source), dir.join(name)).context(&format!("copy {source}"))?;
    }
    let package = make_package_json(&read_json("package.json")?)?;
    let lock = make_lock(&read_json("package-lock.json")?, &package)?;
    for (name, value) in [("package.json", package), ("package-lock.json", lock)] {
        fs::write(dir.join(name), format!("{value:#}\n")).context(&format!("write {name}"))?;
    }
    Ok(())
}

/// Reads a JSON file of the repository.
fn read_json(name: &str) -> Outcome<Value> {
    let text = fs::read(paths::repository_root().join(name)).context(&format!("read {name}"))?;
    serde_json::from_slice(&text).context(&format!("read {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_with_files_is_refused() {
        let dir = std::env::temp_dir().join(format!("onbill-bundle-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("is writable");
        fs::write(dir.join("wrangler.toml"), "mine").expect("is writable");
        let refusal = write_bundle(&dir).expect_err("is refused");
        assert!(refusal.to_string().contains("not empty"), "{refusal}");
        assert_eq!(fs::read_to_string(dir.join("wrangler.toml")).expect("is there"), "mine");
        fs::remove_dir_all(dir).expect("is ours");
    }
}
