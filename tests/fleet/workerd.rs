//! The edge on `workerd serve`. Both stores and everything that it calls are servers of the test.

use onbill_test_harness::unique_name;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// The servers that it works with.
pub(crate) struct Surroundings {
    pub(crate) store: SocketAddr,
    pub(crate) entries: SocketAddr,
    pub(crate) origins: SocketAddr,
}

/// A running edge. It is killed when it is dropped.
pub(crate) struct Workerd {
    child: Child,
    pub(crate) address: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Workerd {
    /// Starts the built edge with these variables and secrets.
    pub(crate) fn start(around: &Surroundings, variables: &[(&str, String)]) -> Self {
        let folder = write_folder(around, variables);
        let mut command = Command::new(repository_root().join("node_modules/workerd/bin/workerd"));
        // It says on its standard output which port the system gave it.
        command.args(["serve", "--control-fd=1"]).arg(folder.join("config.capnp"));
        let log = fs::File::create(folder.join("errors.log")).expect("is writable");
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn();
        let mut child = child.expect("workerd starts: `cargo xtask setup` installs it");
        let mut output = BufReader::new(child.stdout.take().expect("is piped"));
        let mut first = String::new();
        output.read_line(&mut first).expect("is readable");
        let report: serde_json::Value = serde_json::from_str(&first).unwrap_or_default();
        let port = report["port"].as_u64().and_then(|port| u16::try_from(port).ok());
        let port = port.unwrap_or_else(|| panic!("workerd does not listen: see {}", folder.display()));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)), lines }
    }

    /// The lines of the edge's log so far.
    pub(crate) fn log_lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its resident memory, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("is there");
        line.split_whitespace().next().and_then(|kib| kib.parse().ok()).expect("is a number")
    }
}

impl Drop for Workerd {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed. That is no error here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_folder(around: &Surroundings, variables: &[(&str, String)]) -> PathBuf {
    let folder = repository_root().join("target/fleet").join(unique_name());
    fs::create_dir_all(&folder).expect("is writable");
    for name in ["index.js", "index_bg.wasm"] {
        let built = repository_root().join("worker/build").join(name);
        fs::copy(&built, folder.join(name)).unwrap_or_else(|why| {
            panic!(
                "{} ({why}): these tests run the built edge; `cargo xtask edge` builds it",
                built.display()
            )
        });
    }
    fs::write(folder.join("rate_limit.js"), RATE_LIMIT).expect("is writable");
    let mut bindings = String::new();
    for (name, value) in variables {
        fs::write(folder.join(name), value).expect("is writable");
        writeln!(bindings, "    (name = \"{name}\", text = embed \"{name}\"),").expect("is a string");
    }
    let toml = fs::read_to_string(repository_root().join("wrangler.toml")).expect("is there");
    let setting = |name: &str| {
        let value = toml.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='));
        value.expect("is in wrangler.toml").trim().to_owned()
    };
    let config = include_str!("config.capnp")
        .replace("@STORE", &around.store.to_string())
        .replace("@ENTRIES", &around.entries.to_string())
        .replace("@ORIGINS", &around.origins.to_string())
        .replace("@VARIABLES", bindings.trim_end())
        .replace("@DATE", &setting("compatibility_date"))
        .replace("@FLAGS", &setting("compatibility_flags"));
    fs::write(folder.join("config.capnp"), config).expect("is writable");
    folder
}

/// A limiter that lets every call pass: one partner calls for five hundred operators at once.
const RATE_LIMIT: &str = "class Ratelimit {\n  async limit() {\n    return { success: true }\n  }\n}\n\n\
                          export default () => new Ratelimit()\n";

fn repository_root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
