//! The origin as a process: started as its operator starts it, and killed.

use crate::environment::read_variable;
use crate::plain_get::get_page;
use crate::process_host;
use crate::wait::wait_until_none;
use bytes::Bytes;
use http::{Request, StatusCode};
use onbill_origin::http::{HttpPeer, Peer as _};
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

/// Longer than the origin takes for a response.
const PATIENCE: Duration = Duration::from_secs(70);
/// Below those of outgoing connections; one that was used ten thousand origins ago is free again.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 10_000;

/// A running origin. It is killed when it is dropped.
pub struct OriginProcess {
    http: HttpPeer,
    child: Child,
    /// Host and port.
    pub address: String,
    /// Host and port of the admin listener.
    pub admin_address: String,
}

/// Starts a program for which a write beyond the limit for its files fails like one on a full disk
/// (`EFBIG`), instead of raising the signal that would end it.
const WITHOUT_SIGXFSZ: &str = r#"trap '' XFSZ && exec "$0" "$@""#;

impl OriginProcess {
    /// Starts with the configuration in this folder, and waits until it responds.
    pub async fn start(folder: &Path, config: &str) -> Self {
        Self::start_program(&find_program(), folder, config).await
    }

    /// Starts this program, which may be that of another release.
    pub async fn start_program(program: &Path, folder: &Path, config: &str) -> Self {
        Self::launch_program(folder, config, Command::new(program)).await
    }

    /// Starts it so that [`Self::limit_files`] can limit its files.
    pub async fn start_on_a_small_disk(folder: &Path, config: &str) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", WITHOUT_SIGXFSZ]).arg(find_program());
        Self::launch_program(folder, config, shell).await
    }

    /// Starts it so that it may have this many files open, and cannot raise that limit.
    pub async fn start_with_files(folder: &Path, config: &str, count: u32) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!(r#"ulimit -n {count} && exec "$0" "$@""#)]).arg(find_program());
        Self::launch_program(folder, config, shell).await
    }

    /// Starts it under a supervisor that listens at this socket and wants to hear of it within
    /// `patience`, as `sd_notify(3)` has it.
    pub async fn start_supervised(folder: &Path, config: &str, socket: &Path, patience: Duration) -> Self {
        let mut program = Command::new(find_program());
        program.env("NOTIFY_SOCKET", socket).env("WATCHDOG_USEC", patience.as_micros().to_string());
        Self::launch_program(folder, config, program).await
    }

    async fn launch_program(folder: &Path, config: &str, mut command: Command) -> Self {
        let (address, admin_address) = (own_address(), own_address());
        let file = folder.join("origin.toml");
        std::fs::write(
            &file,
            format!("listen = \"{address}\"\nadmin_listen = \"{admin_address}\"\n{config}"),
        )
        .expect("the folder can be written");
        let log = folder.join("origin.log");
        let output = File::options().create(true).append(true).open(&log).expect("the folder can be written");
        command
            .arg("--config")
            .arg(&file)
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output);
        let child = command.spawn().expect("the origin starts");
        let http = HttpPeer::new(PATIENCE).expect("the HTTP client starts");
        let mut origin = Self { http, child, address, admin_address };
        wait_until_none(async || {
            assert!(origin.is_alive(), "the origin has ended at its start: see {}", log.display());
            let healthy = origin.is_healthy().await;
            (!healthy).then(|| format!("the origin is not healthy: see {}", log.display()))
        })
        .await;
        origin
    }

    /// Whether it can read its database.
    pub async fn is_healthy(&self) -> bool {
        let request = Request::get(format!("http://{}/healthz", self.address)).body(Bytes::new());
        let answer = self.http.send(request.expect("is a request")).await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }

    /// The words that say why it is not ready, by the admin listener; `None` when it does not answer.
    pub async fn read_not_ready(&self) -> Option<Vec<String>> {
        let (status, body) = self.ask_admin("/readyz").await?;
        let answer: Value = serde_json::from_str(&body).expect("is JSON");
        let reasons = answer["reasons"].as_array().cloned().unwrap_or_default();
        let reasons: Vec<String> =
            reasons.iter().filter_map(|word| Some(word.as_str()?.to_owned())).collect();
        assert_eq!(status == StatusCode::OK, reasons.is_empty(), "{status} {answer}");
        Some(reasons)
    }

    /// Waits until the database takes no writes: the origin is not ready, and its alarm is active.
    pub async fn wait_for_lost_writes(&self) {
        wait_until_none(async || {
            let reasons = self.read_not_ready().await.unwrap_or_default();
            let is_known = reasons.iter().any(|word| word == "database-not-writable");
            (!is_known).then(|| format!("it does not notice that nothing is written: {reasons:?}"))
        })
        .await;
        let (status, page) = self.ask_admin("/metrics").await.expect("the admin listener answers");
        assert_eq!(status, StatusCode::OK, "{page}");
        let active = "\nonbill_alarm_active{alarm=\"database-not-writable\",severity=\"page\"} 1\n";
        assert!(page.contains("\nonbill_ready 0\n") && page.contains(active), "{page}");
    }

    /// Waits until it is ready.
    pub async fn wait_until_ready(&self) {
        wait_until_none(async || {
            let reasons = self.read_not_ready().await;
            let is_ready = reasons.as_ref().is_some_and(Vec::is_empty);
            (!is_ready).then(|| format!("it does not become ready: {reasons:?}"))
        })
        .await;
    }

    /// What the admin listener answers; `None` when it does not.
    pub async fn ask_admin(&self, path: &str) -> Option<(StatusCode, String)> {
        get_page(&self.admin_address, path).await
    }

    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// From now on limits each of its files, its log included, to this many bytes; `None` lifts the
    /// limit.
    pub fn limit_files(&self, bytes_max: Option<u64>) {
        let soft = bytes_max.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let mut prlimit = Command::new("prlimit");
        prlimit.args(["--pid", &self.child.id().to_string(), &format!("--fsize={soft}:")]);
        assert!(prlimit.status().expect("util-linux has prlimit").success(), "the limit is set");
    }

    /// The memory that it has at this moment, in KiB.
    pub fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("is there");
        line.trim().trim_end_matches(" kB").parse().expect("is a number")
    }

    /// SIGTERM: asks it to end.
    pub fn terminate(&self) {
        let kill = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(kill.expect("there is a kill").success());
    }

    /// Waits until it has ended by itself, and returns its exit code, if it has one.
    pub async fn wait_for_end(&mut self) -> Option<i32> {
        wait_until_none(async || self.is_alive().then_some("the origin does not end")).await;
        self.child.try_wait().expect("is our child").and_then(|ended| ended.code())
    }

    /// SIGKILL: at once, wherever it is.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for OriginProcess {
    fn drop(&mut self) {
        // A process that has ended by itself cannot be killed. That is no error here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Begins the ledger that this configuration names, with this program.
pub fn begin_ledger(program: &Path, folder: &Path, config: &str) {
    let run = command_line_of(program, folder, config).arg("init").output().expect("the program starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// Fills the embedded table of accounts from a file, by the command line.
pub fn import_accounts(program: &Path, folder: &Path, config: &str, accounts: &str) {
    let csv = folder.join("accounts.csv");
    std::fs::write(&csv, accounts).expect("can be written");
    let run = command_line_of(program, folder, config).arg("import-accounts").arg(&csv).output();
    let run = run.expect("the origin starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// The program without any argument.
pub fn bare_program() -> Command {
    Command::new(find_program())
}

/// The program with this configuration, for every command except `serve`.
pub fn command_line(folder: &Path, config: &str) -> Command {
    command_line_of(&find_program(), folder, config)
}

fn command_line_of(program: &Path, folder: &Path, config: &str) -> Command {
    let toml = folder.join("command-line.toml");
    // Only `serve` listens.
    std::fs::write(&toml, format!("listen = \"127.0.0.1:1\"\n{config}")).expect("can be written");
    let mut command = Command::new(program);
    command.arg("--config").arg(toml);
    command
}

/// An address of this process on which no other of its origins has listened for long: the system
/// gives this port to no outgoing connection.
fn own_address() -> String {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let port = FIRST_PORT + NEXT.fetch_add(1, Ordering::Relaxed) % PORTS;
    format!("{}:{port}", process_host())
}

/// The built program: the path in `ONBILL_ORIGIN`, or beside the folder of this test's own.
pub fn find_program() -> PathBuf {
    let named = read_variable("ONBILL_ORIGIN").map(PathBuf::from);
    let program = named.unwrap_or_else(|| {
        let test = std::env::current_exe().expect("a program knows where it is");
        test.parent().and_then(Path::parent).expect("is in target/debug/deps").join("onbill-origin")
    });
    assert!(
        program.is_file(),
        "{} is not there: these tests run the real origin. `cargo xtask crash` and `cargo xtask test` build it first; by \
         hand it is `cargo build --bin onbill-origin`",
        program.display()
    );
    program
}
