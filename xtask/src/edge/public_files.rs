//! The files that Cloudflare serves as they are, without the Worker: the OpenAPI documents of this version. In the wasm
//! they would be a tenth of what each new isolate loads.

use std::fs;
use std::path::Path;

use crate::failure::{Context, Outcome};
use crate::paths;

/// The folder of `[assets]` in wrangler.toml, within `worker/build`.
pub(crate) const PUBLIC: &str = "public";

/// The documents, by their names in `docs/api` and below `/api`.
const API_DOCUMENTS: [&str; 4] = ["ott.json", "operator.json", "csp.json", "partner.json"];

/// The last file that is written.
const HEADERS_FILE: &str = "_headers";

/// Whether the folder in `build_dir` is whole. What is in it is of the same build as the scripts.
pub(super) fn has_public_files(build_dir: &Path) -> bool {
    build_dir.join(PUBLIC).join(HEADERS_FILE).is_file()
}

/// Viewers on any site may read the documents. Five minutes after a deployment, all of them see the new ones.
const HEADERS: &str = "\
/api/*
  Access-Control-Allow-Origin: *
  Cache-Control: public, max-age=300
  X-Content-Type-Options: nosniff
";

/// Writes the folder into `build_dir`, without what an earlier version left in it.
pub(super) fn write_public_files(build_dir: &Path) -> Outcome {
    let public = build_dir.join(PUBLIC);
    if public.exists() {
        fs::remove_dir_all(&public).context(&format!("remove {}", public.display()))?;
    }
    let api = public.join("api");
    fs::create_dir_all(&api).context(&format!("make {}", api.display()))?;
    for name in API_DOCUMENTS {
        let source = paths::repository_root().join("docs/api").join(name);
        fs::copy(&source, api.join(name)).context(&format!("copy {}", source.display()))?;
    }
    fs::write(public.join(HEADERS_FILE), HEADERS).context("write _headers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_files_are_the_documents_alone() {
        let dir = std::env::temp_dir().join(format!("onbill-public-{}", std::process::id()));
        fs::create_dir_all(dir.join("public")).expect("is writable");
        assert!(!has_public_files(&dir));
        fs::write(dir.join("public/old.html"), "of an earlier version").expect("is writable");
        write_public_files(&dir).expect("writes");
        assert!(!dir.join("public/old.html").exists());
        assert!(has_public_files(&dir));
        let mut found: Vec<_> = fs::read_dir(dir.join("public/api"))
            .expect("is there")
            .map(|entry| entry.expect("is readable").file_name().into_string().expect("is text"))
            .collect();
        found.sort();
        assert_eq!(found, ["csp.json", "operator.json", "ott.json", "partner.json"]);
        fs::remove_dir_all(dir).expect("is ours");
    }
}
