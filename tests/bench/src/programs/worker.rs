//! A worker on `workerd serve`: the edge, or one of its yardsticks. All of them have the same runtime with the same
//! compatibility date and flags, the same key-value store and the same rate limiter.

use super::program::{Program, find_free_address};
use crate::bench::Bench;
use crate::programs::keys::{OFFER, OPERATOR, PARTNER};
use anyhow::{Context as _, Result};
use serde_json::json;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

/// What runs on the runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worker {
    /// The edge of onbill.
    Edge,
    /// Hono, jose and http-message-sig, which do the same job.
    Hono,
    /// The platform's part of a charge: its calls without a check.
    Calls,
    /// A few lines that pass everything on.
    Proxy,
    /// A Rust worker that answers one word.
    Bare,
}

impl Worker {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Hono => "hono",
            Self::Calls => "calls",
            Self::Proxy => "proxy",
            Self::Bare => "bare-worker",
        }
    }

    /// Starts it in front of an origin.
    pub(crate) fn spawn(self, bench: &Bench, origin: SocketAddr) -> Result<Program> {
        let folder = bench.make_folder(self.name())?;
        let address = find_free_address()?;
        self.write_config(bench, &folder, (address, origin))?;
        let mut workerd = Command::new(&bench.paths.workerd);
        workerd.arg("serve").arg(folder.join("config.capnp"));
        Program::spawn(workerd, address, &folder)
    }

    /// The modules of the worker, the first of which is its entry: name and kind.
    pub(crate) fn copy_modules(
        self,
        bench: &Bench,
        folder: &Path,
    ) -> Result<Vec<(&'static str, &'static str)>> {
        let paths = &bench.paths;
        let (from, modules): (&Path, &[(&str, &str)]) = match self {
            Self::Edge => (&paths.edge, &RUST_MODULES),
            Self::Bare => (&paths.bare_worker, &RUST_MODULES),
            Self::Hono => (&paths.yardsticks, &[("hono.js", "esModule")]),
            Self::Calls => (&paths.yardsticks, &[("calls.js", "esModule")]),
            Self::Proxy => (&paths.yardsticks, &[("proxy.js", "esModule")]),
        };
        for name in modules.iter().map(|(name, _)| name) {
            copy(&from.join(name), &folder.join(name))?;
        }
        for name in ["kv.js", "rate_limit.js"] {
            copy(&paths.yardsticks.join(name), &folder.join(name))?;
        }
        Ok(modules.to_vec())
    }

    fn write_config(
        self,
        bench: &Bench,
        folder: &Path,
        (address, origin): (SocketAddr, SocketAddr),
    ) -> Result<()> {
        let modules: String =
            self.copy_modules(bench, folder)?.iter().fold(String::new(), |text, (name, kind)| {
                text + &format!("(name = \"{name}\", {kind} = embed \"{name}\"), ")
            });
        let mut bindings = String::new();
        for (name, value) in text_bindings(bench, address, origin) {
            fs::write(folder.join(name), value)?;
            writeln!(bindings, "    (name = \"{name}\", text = embed \"{name}\"),")?;
        }
        fs::write(folder.join("VALUE"), kv_value())?;
        for limiter in ["WIDGET_RATE", "PIN_RATE", "PARTNER_RATE", "DEVICE_RATE"] {
            writeln!(bindings, "    (name = \"{limiter}\", wrapped = (moduleName = \"bench:rate-limit\")),")?;
        }
        let (date, flags) = read_compatibility(bench)?;
        let config = include_str!("worker.capnp")
            .replace("@MODULES", modules.trim_end_matches(", "))
            .replace("@BINDINGS", bindings.trim_end())
            .replace("@ADDRESS", &address.to_string())
            .replace("@DATE", &date)
            .replace("@V8_FLAGS", if bench.profile.is_some() { NAMED_FUNCTIONS } else { "" })
            .replace("@FLAGS", &flags);
        let file = folder.join("config.capnp");
        fs::write(&file, config).with_context(|| format!("write {}", file.display()))
    }
}

/// Makes V8 write the names of compiled functions to where perf looks for them.
const NAMED_FUNCTIONS: &str = "\"--perf-basic-prof\"";

/// What a crate in Rust becomes.
const RUST_MODULES: [(&str, &str); 2] = [("index.js", "esModule"), ("index_bg.wasm", "wasm")];

pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("copy {}", from.display())).map(|_| ())
}

/// The variables of every worker, of which each reads its own.
pub(crate) fn text_bindings(
    bench: &Bench,
    address: SocketAddr,
    origin: SocketAddr,
) -> [(&'static str, String); 8] {
    let dashboards = ["https://my.acme.example"];
    let operators = json!([{"id": OPERATOR, "name": "Acme Mobile", "country": "US", "coupons": "AC",
        "origin": format!("http://{origin}"), "dashboards": dashboards, "key_epochs": ["r1.1"]}]);
    let partners =
        json!([{"id": PARTNER, "name": "Netflix", "url": "http://127.0.0.1:1", "offers": [OFFER]}]);
    [
        ("DEPLOYMENT", "local".to_owned()),
        ("EDGE_URLS", json!([format!("http://{address}")]).to_string()),
        ("OPERATORS", operators.to_string()),
        ("PARTNERS", partners.to_string()),
        ("EDGE_ROOT_KEY", bench.keys.edge_root.clone()),
        ("PARTNER_KEYS", bench.keys.edge_partners.clone()),
        // Read by the yardsticks.
        ("ORIGIN_KEYS", bench.keys.origin_json.clone()),
        ("ORIGIN", format!("http://{origin}")),
    ]
}

/// The route of every PAI.
fn kv_value() -> String {
    json!({"operator": OPERATOR, "subscriber": "a-handle-of-the-usual-length", "state": "ACTIVE", "version": 1})
        .to_string()
}

/// The compatibility date and flags of the deployment, as wrangler.toml has them.
pub(crate) fn read_compatibility(bench: &Bench) -> Result<(String, String)> {
    let text = fs::read_to_string(bench.paths.root.join("wrangler.toml")).context("read wrangler.toml")?;
    let find = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='));
        value.map(|value| value.trim().to_owned()).with_context(|| format!("wrangler.toml has no {name}"))
    };
    Ok((find("compatibility_date")?, find("compatibility_flags")?))
}
