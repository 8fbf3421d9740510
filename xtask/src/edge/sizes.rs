//! Sizes of what a customer's browser and Cloudflare have to load, and the limits on them.

use super::profile::Profile;
use crate::edge::widget::shipped_dir;
use crate::failure::{Context, Failure, Outcome};
use crate::paths;
use crate::setup::node_command;

/// Files that are sent as one response, those of the widget as the profile ships them. Of the words only the section after
/// `#` is sent, and of a section that ends with `[]` only the texts. They are sent in one language, and the one that makes
/// the largest response counts: `LANGUAGE` stands for each in turn.
struct Asset {
    name: &'static str,
    files: &'static [&'static str],
    gzip_bytes_max: u64,
    /// Exceeding an enforced limit fails the release build.
    is_enforced: bool,
}

const ASSETS: [Asset; 5] = [
    // Loaded by the operator's page before it shows anything: two network packets at most.
    Asset {
        name: "loader",
        files: &["worker/widget/onbill.js", "worker/widget/onbill.css", "words/LANGUAGE.json#loader[]"],
        gzip_bytes_max: 2 * 1024,
        is_enforced: true,
    },
    // Style, script and one language's strings are inlined into the shell, so it is one response of the first
    // round trip (ten packets, RFC 6928).
    Asset {
        name: "frame",
        files: &[
            "worker/widget/frame.html",
            "worker/widget/frame.css",
            "worker/widget/frame-typed.js",
            "worker/widget/frame-state.js",
            "worker/widget/frame-words.js",
            "worker/widget/frame-steps.js",
            "worker/widget/frame-edge.js",
            "worker/widget/frame-refusal.js",
            "worker/widget/frame-number.js",
            "worker/widget/frame-challenge.js",
            "worker/widget/frame-code.js",
            "worker/widget/frame-look.js",
            "worker/widget/frame-sandbox.js",
            "worker/widget/frame-confirm.js",
            "worker/widget/frame-around.js",
            "worker/widget/frame.js",
            "words/LANGUAGE.json#widget",
        ],
        gzip_bytes_max: 12 * 1024,
        is_enforced: true,
    },
    // Loaded by those who see their own page: script and style in one response, while a code is being checked.
    Asset {
        name: "own page",
        files: &["worker/widget/frame-account.js", "worker/widget/frame-account.css"],
        gzip_bytes_max: 3 * 1024,
        is_enforced: true,
    },
    // Bundled into the operator's own script, for the sake of its build.
    Asset { name: "npm loader", files: &["worker/npm/index.js"], gzip_bytes_max: 1024, is_enforced: true },
    // A cold start reads all of it. Cloudflare's own limit is several megabytes.
    Asset {
        name: "worker wasm",
        files: &["worker/build/index_bg.wasm"],
        gzip_bytes_max: 320 * 1024,
        is_enforced: false,
    },
];

/// A node script: each argument is a group of files joined by `|`, the output is the raw and the compressed size of each
/// group, in the language in which it is largest. node is required anyway; a compression library is not.
const SIZES_SCRIPT: &str = "const z=require('zlib'),fs=require('fs'),languages=fs.readdirSync('words');\
    const read=f=>{const [path,section]=f.split('#'),text=fs.readFileSync(path);if(!section)return text;\
        const words=JSON.parse(text)[section.replace('[]','')];\
        return Buffer.from(JSON.stringify(section.endsWith('[]')?Object.values(words):words))};\
    const measure=g=>{const all=Buffer.concat(g.split('|').map(read));return [all.length,z.gzipSync(all,{level:9}).length]};\
    const largest=g=>(g.includes('LANGUAGE')?languages:['']).map(l=>measure(g.replace('LANGUAGE.json',l))).reduce((a,b)=>b[1]>a[1]?b:a);\
    process.stdout.write(JSON.stringify(process.argv.slice(1).map(largest)))";

/// Prints raw and compressed sizes, and fails when an enforced limit is exceeded.
pub(crate) fn print_and_check_sizes(profile: Profile) -> Outcome {
    let mut over = Vec::new();
    for (asset, [raw_bytes, gzip_bytes]) in ASSETS.iter().zip(measure_sizes(profile)?) {
        println!("{}", format_size_line(asset, raw_bytes, gzip_bytes, profile));
        if asset.is_enforced && profile == Profile::Release && gzip_bytes > asset.gzip_bytes_max {
            over.push(asset.name);
        }
    }
    if over.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!("over the size limit: {}", over.join(", "))))
    }
}

fn format_size_line(asset: &Asset, raw_bytes: u64, gzip_bytes: u64, profile: Profile) -> String {
    let word = match (asset.is_enforced, profile) {
        (true, _) => "limit",
        (false, Profile::Release) => "aim",
        (false, Profile::Dev) => "not for deployment; aim there",
    };
    let limit = format_kib(asset.gzip_bytes_max);
    let (raw, gzip) = (format_kib(raw_bytes), format_kib(gzip_bytes));
    format!("  {:<12} {raw:>9} KB {gzip:>9} KB gzip   ({word} {limit} KB)", asset.name)
}

/// Formats kibibytes with one decimal, rounded up.
fn format_kib(bytes: u64) -> String {
    let tenths = (bytes * 10).div_ceil(1024);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// The raw and the compressed size of each asset, in bytes.
fn measure_sizes(profile: Profile) -> Outcome<Vec<[u64; 2]>> {
    let shipped = |file: &&str| match file.strip_prefix("worker/widget/") {
        Some(name) => shipped_dir(profile).join(name).display().to_string(),
        None => (*file).to_owned(),
    };
    let groups = ASSETS.iter().map(|asset| asset.files.iter().map(shipped).collect::<Vec<_>>().join("|"));
    let mut node = node_command();
    node.current_dir(paths::repository_root()).args(["-e", SIZES_SCRIPT]).args(groups);
    let output = node.output().context("start node")?;
    let sizes: Option<Vec<[u64; 2]>> = serde_json::from_slice(&output.stdout).ok();
    sizes.filter(|sizes| sizes.len() == ASSETS.len()).ok_or_else(|| {
        Failure::new(format!("cannot measure the edge's files: {}", String::from_utf8_lossy(&output.stderr)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up() {
        for (bytes, text) in [(0, "0.0"), (1, "0.1"), (1024, "1.0"), (3073, "3.1"), (153_600, "150.0")] {
            assert_eq!(format_kib(bytes), text);
        }
    }
}
