//! Two PostgreSQL servers of a test's own: a primary and its synchronous standby, made with the
//! programs of the server that xtask has started.

use crate::origin_db::ask_server;
use onbill_origin::ambient::{Random, SystemRandom};
use onbill_test_harness::environment::read_variable;
use onbill_test_harness::wait::wait_until_none;
use onbill_test_harness::{process_host, unique_name};
use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The name by which the primary knows its standby.
const STANDBY: &str = "standby";
/// Kept for a standby that is away, so that it needs no copy of the whole database afterwards.
const KEPT: &str = "wal_keep_size=512MB";

/// How a server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// As by an administrator: its standby gets everything first.
    Fast,
    /// At once, as by a crash: it may have commits that its standby does not have, and that it has
    /// confirmed to nobody.
    Immediate,
    /// By SIGKILL, also while it hangs.
    Kill,
}

pub(crate) struct Cluster {
    folder: PathBuf,
    password: String,
    pub(crate) primary: Server,
    pub(crate) standby: Server,
}

pub(crate) struct Server {
    data: PathBuf,
    pub(crate) port: u16,
    child: Option<Child>,
}

impl Cluster {
    /// Starts both; a commit waits for the standby from now on. `None` without the programs: the
    /// server in `DATABASE_URL` is somebody else's then.
    pub(crate) async fn start() -> Option<Self> {
        let home = PathBuf::from(read_variable("ONBILL_POSTGRES_HOME")?);
        let folder = home.join(format!("cluster-{}", unique_name()));
        make_folder(&folder);
        let random: &dyn Random = &SystemRandom;
        let password = random.bytes::<16>().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let server = |name: &str| Server { data: folder.join(name), port: free_port(), child: None };
        let (primary, standby) = (server("first"), server("second"));
        let mut cluster = Self { folder, password, primary, standby };
        cluster.make_data();
        cluster.primary.start(&[&format!("synchronous_standby_names={STANDBY}")]);
        cluster.standby.start(&[]);
        cluster.until_in_step().await;
        Some(cluster)
    }

    fn make_data(&self) {
        let password_file = self.folder.join("password");
        std::fs::write(&password_file, &self.password).expect("can be written");
        give_to_server_user(&password_file);
        let mut initdb = server_command("initdb");
        initdb.arg("-D").arg(&self.primary.data).arg("--pwfile").arg(&password_file);
        initdb.args(["-U", "onbill", "--auth=password", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        // A random password needs no slow hash, which each connection would wait for.
        initdb.args(["--set", "scram_iterations=1"]);
        run(&mut initdb);
        let mut copy = as_server_user(Command::new("cp"));
        run(copy.arg("-a").arg(&self.primary.data).arg(&self.standby.data));
        self.follow(&self.standby, &self.primary);
    }

    /// Makes a standby of a server that is down.
    fn follow(&self, server: &Server, primary: &Server) {
        let settings = format!(
            "primary_conninfo = 'host={} port={} user=onbill password={} application_name={STANDBY}'\n",
            process_host(),
            primary.port,
            self.password
        );
        for (name, text) in [("standby.signal", ""), ("postgresql.auto.conf", settings.as_str())] {
            let file = server.data.join(name);
            std::fs::write(&file, text).expect("can be written");
            give_to_server_user(&file);
        }
    }

    fn url_of(&self, server: &Server) -> String {
        self.url_at(&format!("{}:{}", process_host(), server.port))
    }

    /// The URL of the database at this address: host and port, or a list of them.
    pub(crate) fn url_at(&self, address: &str) -> String {
        format!("postgres://onbill:{}@{address}/postgres", self.password)
    }

    /// The URL with both servers in its list.
    pub(crate) fn url(&self) -> String {
        let host = process_host();
        let list = format!("{host}:{},{host}:{}", self.primary.port, self.standby.port);
        format!("{}?target_session_attrs=read-write", self.url_at(&list))
    }

    /// Cancels commits that wait for the standby, and returns how many.
    pub(crate) async fn cancel_waiting_commits(&self) -> usize {
        let sql = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        ask_server(&self.url_of(&self.primary), sql).await.expect("the primary answers").len()
    }

    /// Starts the standby again, which gets what it has missed.
    pub(crate) async fn start_standby(&mut self) {
        self.standby.start(&[]);
        self.until_in_step().await;
    }

    /// Restarts the primary without a standby, with this setting.
    pub(crate) async fn restart_primary_with(&mut self, setting: &str) {
        self.primary.stop(Stop::Fast);
        self.primary.start(&[setting]);
        let url = self.url_of(&self.primary);
        wait_until_none(async || ask_server(&url, "SELECT 1").await.is_err().then_some("the server is down"))
            .await;
    }

    /// Waits until a commit waits for the standby.
    async fn until_in_step(&self) {
        let sync = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'";
        wait_until_none(async || {
            let rows = ask_server(&self.url_of(&self.primary), sync).await.unwrap_or_default();
            rows.is_empty().then_some("there is no synchronous standby")
        })
        .await;
    }

    pub(crate) fn stop_primary(&mut self, how: Stop) {
        self.primary.stop(how);
    }

    /// Makes the standby the primary, which waits for no other standby.
    pub(crate) async fn promote_standby(&self) {
        let promoted = ask_server(&self.url_of(&self.standby), "SELECT pg_promote(true, 60)").await;
        assert_eq!(promoted.expect("the standby answers"), [["t"]]);
    }

    /// Starts the old primary again, as a standby, which can only be read.
    pub(crate) async fn return_old_primary(&mut self) {
        self.follow(&self.primary, &self.standby);
        self.primary.start(&[]);
        let url = self.url_of(&self.primary);
        wait_until_none(async || {
            let rows = ask_server(&url, "SHOW transaction_read_only").await.unwrap_or_default();
            (rows != [["on"]]).then_some("the old primary cannot be read")
        })
        .await;
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.primary.stop(Stop::Kill);
        self.standby.stop(Stop::Kill);
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

impl Server {
    fn start(&mut self, settings: &[&str]) {
        let log = self.data.with_extension("log");
        let log = File::options().create(true).append(true).open(log).expect("can be written");
        let mut postgres = server_command("postgres");
        postgres.arg("-D").arg(&self.data).args(["-p", &self.port.to_string()]);
        let listen = format!("listen_addresses={}", process_host());
        for setting in [listen.as_str(), "unix_socket_directories=", KEPT].iter().chain(settings) {
            postgres.args(["-c", setting]);
        }
        postgres.stdin(Stdio::null()).stdout(log.try_clone().expect("is open")).stderr(log);
        self.child = Some(postgres.spawn().expect("PostgreSQL starts"));
    }

    pub(crate) fn stop(&mut self, how: Stop) {
        match how {
            Stop::Fast => self.signal("-INT"),
            Stop::Immediate => self.signal("-QUIT"),
            Stop::Kill => self.signal_all("-KILL"),
        }
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
    }

    /// Stops all of its processes where they are, as a machine that hangs does.
    pub(crate) fn freeze(&self) {
        self.signal_all("-STOP");
    }

    fn signal_all(&self, signal: &str) {
        if let Some(child) = &self.child {
            let _ = Command::new("pkill").args([signal, "-P", &child.id().to_string()]).status();
        }
        self.signal(signal);
    }

    fn signal(&self, signal: &str) {
        if let Some(child) = &self.child {
            let _ = Command::new("kill").args([signal, &child.id().to_string()]).status();
        }
    }
}

/// A program of PostgreSQL.
fn server_command(name: &str) -> Command {
    let programs = read_variable("ONBILL_POSTGRES_PROGRAMS").expect("is set with ONBILL_POSTGRES_HOME");
    as_server_user(Command::new(Path::new(&programs).join(name)))
}

/// PostgreSQL refuses to run as root: it then runs as the owner of its folder.
fn as_server_user(mut command: Command) -> Command {
    if let Some((user, group)) = server_user() {
        command.uid(user).gid(group);
    }
    command.current_dir("/").env("LC_ALL", "C");
    command
}

pub(crate) fn server_user() -> Option<(u32, u32)> {
    let home = read_variable("ONBILL_POSTGRES_HOME")?;
    let owner = std::fs::metadata(home).expect("is there");
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    is_root.then(|| (owner.uid(), owner.gid()))
}

fn make_folder(folder: &Path) {
    std::fs::create_dir(folder).expect("the folder of the server can be written");
    give_to_server_user(folder);
}

fn give_to_server_user(path: &Path) {
    let mode = if path.is_dir() { 0o700 } else { 0o600 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("is ours");
    if let Some((user, group)) = server_user() {
        chown(path, Some(user), Some(group)).expect("root may");
    }
}

fn run(command: &mut Command) {
    let run = command.output().expect("the program starts");
    assert!(run.status.success(), "{command:?}: {}", String::from_utf8_lossy(&run.stderr));
}

pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind((process_host(), 0)).expect("there is a free port");
    listener.local_addr().expect("is bound").port()
}
