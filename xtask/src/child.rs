//! Child processes that run to their end: output into a log, progress on the terminal, the log's tail on failure.
//! Children that stay (the local system) are in `system/program.rs`.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::clock::{Stopwatch, sleep_milliseconds, is_stop_requested};
use crate::failure::{Context, Failure, Outcome};
use crate::paths;
use crate::progress::{Step, is_on_terminal};

/// Short enough that no step feels it, long enough to cost nothing.
const POLL_MILLISECONDS: u64 = 20;
/// Databases close, workerd and browsers end in a fraction of this.
const GRACE: Duration = Duration::from_secs(5);
/// A progress bar's last state and a bit more.
const LAST_LINE_BYTES_MAX: i64 = 400;

/// A command at the repository's root, in its own process group (so that its children end with it), without input.
pub(crate) fn new_command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(paths::repository_root()).stdin(Stdio::null()).process_group(0);
    // `cargo run` describes xtask to us in these. Build scripts of some crates watch them, and would run again
    // each time that a build is started once by a person and once by us.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Cargo, with its progress bar where somebody watches.
pub(crate) fn cargo_command() -> Command {
    let mut command = new_command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    show_progress(&mut command);
    command
}

/// Lets the cargo in a command draw its bar, which is then the last that its log has.
pub(crate) fn show_progress(command: &mut Command) {
    if is_on_terminal() {
        command.env("CARGO_TERM_PROGRESS_WHEN", "always").env("CARGO_TERM_PROGRESS_WIDTH", "40");
    }
}

/// A program that npm installed, which finds the project's own node before the machine's.
pub(crate) fn npm_command(program: &str) -> Command {
    let mut command = new_command(paths::npm_bin_dir().join(program));
    command.env("PATH", npm_path());
    command
}

/// `PATH` with `node_modules/.bin` in front, as npx has it.
pub(crate) fn npm_path() -> OsString {
    let rest = env::var_os("PATH").unwrap_or_default();
    env::join_paths([paths::npm_bin_dir()].into_iter().chain(env::split_paths(&rest))).unwrap_or(rest)
}

/// Runs a command to its end under `title`, with all its output in target/xtask/`log`.
pub(crate) fn run_logged(title: &str, log: &str, command: &mut Command) -> Outcome {
    let log = paths::xtask_file(log);
    command.stdout(create_log(&log)?).stderr(append_to_log(&log)?);
    let mut step = Step::start(title);
    match wait_for_success(command, || step.tick(|| read_last_line(&log))) {
        Ok(true) => {
            step.done();
            Ok(())
        }
        Ok(false) => {
            step.failed();
            Err(Failure::with_log(format!("{title} failed"), &log))
        }
        Err(failure) => {
            step.failed();
            Err(failure)
        }
    }
}

/// The same for a command with a progress bar of its own: on a terminal it has the screen to itself.
pub(crate) fn run_on_terminal(title: &str, log: &str, command: &mut Command) -> Outcome {
    if !is_on_terminal() {
        return run_logged(title, log, command);
    }
    eprintln!("  {title}");
    let went_well = wait_for_success(command.stdout(Stdio::inherit()).stderr(Stdio::inherit()), || ())?;
    if went_well { Ok(()) } else { Err(Failure::new(format!("{title} failed"))) }
}

/// Whether the command went well. Ends it when xtask is told to stop.
pub(crate) fn wait_for_success(command: &mut Command, mut meanwhile: impl FnMut()) -> Outcome<bool> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command.spawn().context(&format!("start {program}"))?;
    loop {
        if let Some(status) = child.try_wait().context(&format!("wait for {program}"))? {
            return Ok(status.success());
        }
        if is_stop_requested() {
            end_process_group(&mut child);
            return Err(Failure::interrupted());
        }
        meanwhile();
        sleep_milliseconds(POLL_MILLISECONDS);
    }
}

/// A fresh log.
pub(crate) fn create_log(path: &Path) -> Outcome<File> {
    let doing = format!("write the log {}", path.display());
    fs::create_dir_all(path.parent().map(PathBuf::from).unwrap_or_default()).context(&doing)?;
    File::create(path).context(&doing)?;
    append_to_log(path)
}

/// The same log again, for the second of stdout and stderr.
pub(crate) fn append_to_log(path: &Path) -> Outcome<File> {
    File::options().append(true).open(path).context(&format!("write the log {}", path.display()))
}

/// Signals a child and all that it started. A group that is already gone is what we want.
pub(crate) fn signal_group(leader: u32, signal: Signal) {
    if let Ok(leader) = i32::try_from(leader) {
        let _ = killpg(Pid::from_raw(leader), signal);
    }
}

/// Ends a child and all that it started. It may clean up first (databases, browsers), then it is killed together with
/// whatever of its own outlived it.
pub(crate) fn end_process_group(child: &mut Child) {
    signal_group(child.id(), Signal::SIGTERM);
    let since = Stopwatch::start();
    while matches!(child.try_wait(), Ok(None)) && since.elapsed() < GRACE {
        sleep_milliseconds(POLL_MILLISECONDS);
    }
    signal_group(child.id(), Signal::SIGKILL);
    // It is dead; this only takes it off the system's list.
    let _ = child.wait();
}

/// What the child said last.
pub(crate) fn read_last_line(log: &Path) -> String {
    let mut bytes = Vec::new();
    let read = File::open(log).and_then(|mut file| {
        // A shorter log than that is read from its start.
        let _ = file.seek(SeekFrom::End(-LAST_LINE_BYTES_MAX));
        file.read_to_end(&mut bytes)
    });
    if read.is_err() {
        return String::new();
    }
    let text = String::from_utf8_lossy(&bytes);
    text.split(['\n', '\r']).map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusing_child_fails_with_its_output_at_hand() {
        let mut command = new_command("sh");
        command.args(["-c", "echo because of this; exit 3"]);
        let failure = run_logged("asking", "test-refusing.log", &mut command).unwrap_err();
        let text = failure.to_string();
        assert!(text.contains("because of this"), "{text}");
        assert!(text.ends_with("asking failed"), "{text}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let failure = run_logged("asking", "test-absent.log", &mut new_command("onbill-is-not-here")).unwrap_err();
        assert!(failure.to_string().contains("start onbill-is-not-here"), "{failure}");
    }
}
