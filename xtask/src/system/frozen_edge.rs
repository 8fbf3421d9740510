//! A copy of the built edge, with a wrangler.toml that neither builds nor watches: a test run uses one build from start to
//! end, also when the sources change meanwhile.

use std::fs;
use std::path::{Path, PathBuf};

use crate::edge::OUTPUTS;
use crate::failure::{Context, Failure, Outcome};
use crate::paths;

const MAIN: &str = "main = \"worker/build/index.js\"";

/// Copies the build into `dir` and returns the configuration file that serves it.
pub(crate) fn freeze_edge(dir: &Path) -> Outcome<PathBuf> {
    fs::create_dir_all(dir).context(&format!("make {}", dir.display()))?;
    for output in OUTPUTS {
        let name = Path::new(output).file_name().unwrap_or_default();
        fs::copy(paths::repository_root().join(output), dir.join(name)).context(&format!("copy {output}"))?;
    }
    let toml =
        fs::read_to_string(paths::repository_root().join("wrangler.toml")).context("read wrangler.toml")?;
    let config = dir.join("wrangler.toml");
    let frozen =
        without_build(&toml).ok_or_else(|| Failure::new(format!("wrangler.toml no longer says {MAIN}")))?;
    fs::write(&config, frozen).context(&format!("write {}", config.display()))?;
    Ok(config)
}

/// Rewrites wrangler.toml to serve the build in its own folder, without `[build]`.
fn without_build(toml: &str) -> Option<String> {
    let mut building = false;
    let mut text = String::new();
    for line in toml.lines() {
        if line.starts_with('[') {
            building = line == "[build]";
        }
        if !building {
            text += if line == MAIN { "main = \"index.js\"" } else { line };
            text.push('\n');
        }
    }
    toml.lines().any(|line| line == MAIN).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frozen_config_leaves_out_only_the_build() {
        let toml = fs::read_to_string(paths::repository_root().join("wrangler.toml")).expect("is there");
        let frozen = without_build(&toml).expect("is understood");
        assert!(frozen.contains("\nmain = \"index.js\"\n"));
        assert!(!frozen.contains("[build]") && !frozen.contains("cargo xtask edge"));
        for kept in ["compatibility_flags", "[[kv_namespaces]]", "[vars]", "[secrets]", "[dev]"] {
            assert!(frozen.lines().any(|line| line.starts_with(kept)), "{kept}");
        }
        assert_eq!(super::without_build("main = \"elsewhere.js\"\n"), None);
    }
}
