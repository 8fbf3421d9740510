//! What a customer's browser and Cloudflare will have to load, and the limits on it.

use std::fs;

use serde_json::Value;

use crate::edge::Profile;
use crate::failure::{Context, Failure, Outcome};
use crate::paths;
use crate::setup::node_command;

/// One thing that travels: its files are one text on the wire.
struct Asset {
    name: &'static str,
    files: &'static [&'static str],
    gzip_bytes_max: u64,
    /// What is over a limit that binds fails the release build.
    is_enforced: bool,
}

const ASSETS: [Asset; 3] = [
    // On the operator's own page, before anything of it is shown: three network packets at most.
    Asset { name: "loader", files: &["worker/widget/onbill.js"], gzip_bytes_max: 3 * 1024, is_enforced: true },
    // Style, script and one language's strings are inlined into the shell, so it is one response of the first
    // round trip (ten packets, RFC 6928).
    Asset {
        name: "frame",
        files: &[
            "worker/widget/frame.html",
            "worker/widget/frame.css",
            "worker/widget/frame.js",
            "worker/widget/frame-account.js",
            "worker/widget/locales/en.json",
        ],
        gzip_bytes_max: 15 * 1024,
        is_enforced: true,
    },
    // A cold start reads all of it. Cloudflare's own limit is in megabytes.
    Asset {
        name: "worker wasm",
        files: &["worker/build/index_bg.wasm"],
        gzip_bytes_max: 400 * 1024,
        is_enforced: false,
    },
];

/// Each argument is a group of files joined by `|`; out comes the compressed size of each group. node is there anyway,
/// a compressor of our own is not.
const GZIP: &str = "const z=require('zlib');process.stdout.write(JSON.stringify(process.argv.slice(1).map(g=>\
    z.gzipSync(Buffer.concat(g.split('|').map(f=>require('fs').readFileSync(f))),{level:9}).length)))";

/// Prints raw and compressed sizes, and fails for what is over a binding limit.
pub(crate) fn print_and_check_sizes(profile: Profile) -> Outcome {
    let mut over = Vec::new();
    for (parcel, gzip_bytes) in ASSETS.iter().zip(measure_gzip_sizes()?) {
        let raw_bytes = read_raw_size(parcel)?;
        println!("{}", format_size_line(parcel, raw_bytes, gzip_bytes, profile));
        if parcel.is_enforced && profile == Profile::Release && gzip_bytes > parcel.gzip_bytes_max {
            over.push(parcel.name);
        }
    }
    if over.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!("over the size limit: {}", over.join(", "))))
    }
}

fn format_size_line(parcel: &Asset, raw_bytes: u64, gzip_bytes: u64, profile: Profile) -> String {
    let word = match (parcel.is_enforced, profile) {
        (true, _) => "limit",
        (false, Profile::Release) => "aim",
        (false, Profile::Dev) => "not for deployment; aim there",
    };
    let limit = parcel.gzip_bytes_max / 1024;
    let (raw, gzip) = (format_kib(raw_bytes), format_kib(gzip_bytes));
    format!("  {:<12} {raw:>9} KB {gzip:>9} KB gzip   ({word} {limit} KB)", parcel.name)
}

/// Kibibytes with one decimal.
fn format_kib(bytes: u64) -> String {
    let tenths = (bytes * 10).div_ceil(1024);
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn read_raw_size(parcel: &Asset) -> Outcome<u64> {
    let sizes = parcel.files.iter().map(|file| {
        fs::metadata(paths::repository_root().join(file)).map(|meta| meta.len()).context(&format!("read {file}"))
    });
    sizes.sum()
}

fn measure_gzip_sizes() -> Outcome<Vec<u64>> {
    let groups = ASSETS.iter().map(|parcel| parcel.files.join("|"));
    let output = node_command().args(["-e", GZIP]).args(groups).output().context("start node")?;
    let sizes: Option<Vec<u64>> = serde_json::from_slice::<Value>(&output.stdout)
        .ok()
        .and_then(|sizes| sizes.as_array()?.iter().map(Value::as_u64).collect());
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
