//! A copy of the built edge in a folder of its own, with a wrangler.toml that serves it from there. It stays as it is when
//! the sources change.

use std::fs;
use std::path::{Path, PathBuf};

use crate::edge::{OUTPUTS, PUBLIC};
use crate::failure::{Context, Failure, Outcome};
use crate::paths;

const MAIN: &str = "main = \"worker/build/index.js\"";
const ASSETS: &str = "directory = \"worker/build/public\"";
const BUILD: &str = "[build]";

/// Copies the build into `dir` and returns the wrangler.toml that serves it. `build` is the paragraph in the place of the
/// repository's `[build]`; without it, nothing is built or watched.
pub(crate) fn copy_edge(dir: &Path, build: Option<&str>) -> Outcome<PathBuf> {
    fs::create_dir_all(dir).context(&format!("make {}", dir.display()))?;
    for output in OUTPUTS {
        let name = Path::new(output).file_name().unwrap_or_default();
        fs::copy(paths::repository_root().join(output), dir.join(name)).context(&format!("copy {output}"))?;
    }
    copy_public_files(dir)?;
    let toml = fs::read_to_string(paths::repository_root().join("wrangler.toml"));
    let toml = rewrite_wrangler_toml(&toml.context("read wrangler.toml")?, build)?;
    let config = dir.join("wrangler.toml");
    fs::write(&config, toml).context(&format!("write {}", config.display()))?;
    Ok(config)
}

fn copy_public_files(dir: &Path) -> Outcome {
    let build = paths::repository_root().join("worker/build");
    fs::create_dir_all(dir.join(PUBLIC).join("api")).context(&format!("make {}", dir.display()))?;
    for path in [PathBuf::from(PUBLIC), Path::new(PUBLIC).join("api")] {
        let doing = format!("copy {}", build.join(&path).display());
        for entry in fs::read_dir(build.join(&path)).context(&doing)? {
            let source = entry.context(&doing)?.path();
            let name = source.file_name().unwrap_or_default();
            if source.is_file() {
                fs::copy(&source, dir.join(&path).join(name)).context(&doing)?;
            }
        }
    }
    Ok(())
}

/// Points `main` and the folder of public files to the same folder and replaces the paragraph of `[build]`, its comment included.
fn rewrite_wrangler_toml(toml: &str, build: Option<&str>) -> Outcome<String> {
    for line in [MAIN, ASSETS, BUILD] {
        if !toml.lines().any(|found| found == line) {
            return Err(Failure::new(format!("wrangler.toml no longer says {line}")));
        }
    }
    let rewrite = |paragraph: &str| {
        if paragraph.lines().any(|line| line == BUILD) {
            build.map(str::to_owned)
        } else {
            let paragraph = paragraph.replace(MAIN, "main = \"index.js\"");
            Some(paragraph.replace(ASSETS, "directory = \"public\""))
        }
    };
    let paragraphs: Vec<String> = toml.trim_end().split("\n\n").filter_map(rewrite).collect();
    Ok(paragraphs.join("\n\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copied_config_differs_in_main_and_build() {
        let toml = fs::read_to_string(paths::repository_root().join("wrangler.toml")).expect("is there");
        let copy = rewrite_wrangler_toml(&toml, None).expect("is understood");
        assert!(copy.contains("\nmain = \"index.js\"\n"));
        assert!(copy.contains("\ndirectory = \"public\"\n"));
        assert!(!copy.contains(BUILD) && !copy.contains("watch_dir"));
        for kept in [
            "compatibility_flags",
            "[[kv_namespaces]]",
            "[vars]",
            "[secrets]",
            "[dev]",
            "[env.staging]",
            "[previews.",
        ] {
            assert!(copy.lines().any(|line| line.starts_with(kept)), "{kept}");
        }
        let other = rewrite_wrangler_toml(&toml, Some("[build]\ncommand = \"true\"")).expect("is understood");
        assert_eq!(other.replace("[build]\ncommand = \"true\"\n\n", ""), copy);
        let refusal = rewrite_wrangler_toml("main = \"elsewhere.js\"\n", None).expect_err("is refused");
        assert!(refusal.to_string().contains(MAIN), "{refusal}");
    }
}
