//! Child processes that run to completion: output goes to a log, progress to the terminal, the end of the log to the
//! terminal on failure. Long-running children (the local system) are in `system/program.rs`.

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

use crate::clock::{Stopwatch, is_stop_requested, sleep_milliseconds};
use crate::failure::{Context, Failure, Outcome};
use crate::paths;
use crate::progress::{Step, is_on_terminal};

/// Short enough not to slow any step down, long enough to use no CPU.
const POLL_MILLISECONDS: u64 = 20;
/// Databases, workerd and browsers shut down in a fraction of this.
const GRACE: Duration = Duration::from_secs(5);
/// Enough for the last state of a progress bar.
const LAST_LINE_BYTES_MAX: i64 = 400;

/// Makes a command that runs at the repository root, without input, in a process group of its own, so that its children
/// end with it.
pub(crate) fn new_command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(paths::repository_root()).stdin(Stdio::null()).process_group(0);
    remove_cargo_variables(&mut command);
    command
}

/// Removes what `cargo run` sets for xtask. Build scripts of some crates watch it, and would run again whenever builds from a
/// shell and from xtask alternate.
pub(crate) fn remove_cargo_variables(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
}

/// Makes a cargo command, with a progress bar on a terminal.
pub(crate) fn cargo_command() -> Command {
    let mut command = new_command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    show_progress(&mut command);
    command
}

/// Makes cargo draw its progress bar into the log, from which the last line is shown.
pub(crate) fn show_progress(command: &mut Command) {
    if is_on_terminal() {
        command.env("CARGO_TERM_PROGRESS_WHEN", "always").env("CARGO_TERM_PROGRESS_WIDTH", "40");
    }
}

/// Makes a command of a program that npm installed; it finds the project's node before the machine's.
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

/// Runs a command to completion under `title`, with its output in target/xtask/`log`.
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

/// Runs a command that draws its own progress bar: on a terminal, its output is shown instead of logged.
pub(crate) fn run_on_terminal(title: &str, log: &str, command: &mut Command) -> Outcome {
    if !is_on_terminal() {
        return run_logged(title, log, command);
    }
    eprintln!("  {title}");
    let succeeded = wait_for_success(command.stdout(Stdio::inherit()).stderr(Stdio::inherit()), || ())?;
    if succeeded { Ok(()) } else { Err(Failure::new(format!("{title} failed"))) }
}

/// Waits for the command and returns whether it succeeded. Ends it when xtask is asked to stop.
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

/// Creates a log, or empties it.
pub(crate) fn create_log(path: &Path) -> Outcome<File> {
    let doing = format!("write the log {}", path.display());
    fs::create_dir_all(path.parent().map(PathBuf::from).unwrap_or_default()).context(&doing)?;
    File::create(path).context(&doing)?;
    append_to_log(path)
}

/// Opens an existing log for the second of stdout and stderr.
pub(crate) fn append_to_log(path: &Path) -> Outcome<File> {
    File::options().append(true).open(path).context(&format!("write the log {}", path.display()))
}

/// Sends a signal to a child and all processes that it started. A group that has already ended is not an error.
pub(crate) fn signal_group(leader: u32, signal: Signal) {
    if let Ok(leader) = i32::try_from(leader) {
        let _ = killpg(Pid::from_raw(leader), signal);
    }
}

/// Ends a child and all processes that it started. They get time to clean up (databases, browsers); what is left of the
/// group is then killed.
pub(crate) fn end_process_group(child: &mut Child) {
    signal_group(child.id(), Signal::SIGTERM);
    let since = Stopwatch::start();
    while matches!(child.try_wait(), Ok(None)) && since.elapsed() < GRACE {
        sleep_milliseconds(POLL_MILLISECONDS);
    }
    signal_group(child.id(), Signal::SIGKILL);
    // It has ended; this only reaps it.
    let _ = child.wait();
}

/// Reads the last line that the child wrote.
pub(crate) fn read_last_line(log: &Path) -> String {
    let mut bytes = Vec::new();
    let read = File::open(log).and_then(|mut file| {
        // Seeking fails on a shorter log, which is then read from its start.
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
    fn failing_child_is_reported_with_its_output() {
        let mut command = new_command("sh");
        command.args(["-c", "echo because of this; exit 3"]);
        let failure = run_logged("asking", "test-refusing.log", &mut command).unwrap_err();
        let text = failure.to_string();
        assert!(text.contains("because of this"), "{text}");
        assert!(text.ends_with("asking failed"), "{text}");
    }

    #[test]
    fn missing_program_is_named() {
        let failure =
            run_logged("asking", "test-absent.log", &mut new_command("onbill-is-not-here")).unwrap_err();
        assert!(failure.to_string().contains("start onbill-is-not-here"), "{failure}");
    }
}
