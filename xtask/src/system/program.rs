//! One program of the local system: starts it, checks it, and stops it with all processes that it started.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::child::{append_to_log, create_log, end_process_group, signal_group};
use crate::failure::{Context, Failure, Outcome};
use crate::http_client::is_healthy;

/// A program that can be started again.
pub(crate) struct Program {
    /// Also the name of its log, and of the file that takes it down.
    pub(crate) name: String,
    /// Base URL of its `/healthz`.
    pub(crate) url: String,
    log: PathBuf,
    down: PathBuf,
    command: Command,
    child: Option<Child>,
}

impl Program {
    /// Starts the program with an empty log.
    pub(crate) fn start(name: &str, url: String, command: Command, files: &Files) -> Outcome<Self> {
        let log = files.logs.join(format!("{name}.log"));
        create_log(&log)?;
        let down = files.down.join(name);
        let mut program = Self { name: name.to_owned(), url, log, down, command, child: None };
        program.spawn()?;
        Ok(program)
    }

    fn spawn(&mut self) -> Outcome {
        self.command.stdout(append_to_log(&self.log)?).stderr(append_to_log(&self.log)?);
        self.child = Some(self.command.spawn().context(&format!("start {}", self.name))?);
        Ok(())
    }

    /// Fails when the program has ended by itself. Stops or restarts it when its file in `down/` appeared or disappeared.
    pub(crate) fn check(&mut self) -> Outcome {
        let wanted_down = self.down.exists();
        let Some(child) = &mut self.child else {
            return if wanted_down { Ok(()) } else { self.spawn() };
        };
        if wanted_down {
            self.stop();
            return Ok(());
        }
        match child.try_wait().context(&format!("watch {}", self.name))? {
            Some(status) => {
                Err(Failure::with_log(format!("{} ended by itself ({status})", self.name), &self.log))
            }
            None => Ok(()),
        }
    }

    pub(crate) fn is_healthy(&self) -> bool {
        is_healthy(&self.url)
    }

    /// The error for a program that does not become healthy in time.
    pub(crate) fn unhealthy_failure(&self, deadline: Duration) -> Failure {
        let seconds = deadline.as_secs();
        let sentence =
            format!("{} is not ready after {seconds} s: {}/healthz does not answer 200", self.name, self.url);
        Failure::with_log(sentence, &self.log)
    }

    /// Sends SIGTERM without waiting, so that all programs shut down at the same time.
    pub(crate) fn request_end(&self) {
        if let Some(child) = &self.child {
            signal_group(child.id(), Signal::SIGTERM);
        }
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            end_process_group(&mut child);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The folders of the programs' logs and of the files that take programs down.
pub(crate) struct Files {
    pub(crate) logs: PathBuf,
    pub(crate) down: PathBuf,
}

impl Files {
    /// Empties both folders, so that no program is down at first.
    pub(crate) fn create(logs: PathBuf, down: PathBuf) -> Outcome<Self> {
        for dir in [&logs, &down] {
            // Usually the folder does not exist.
            let _ = fs::remove_dir_all(dir);
            fs::create_dir_all(dir).context(&format!("make {}", dir.display()))?;
        }
        Ok(Self { logs, down })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::child::new_command;
    use crate::clock::{Stopwatch, sleep_milliseconds};

    fn program(name: &str, script: &str) -> Program {
        let dir = crate::paths::repository_root().join("target/xtask/programs").join(name);
        let files = Files::create(dir.join("logs"), dir.join("down")).expect("is writable");
        let mut sh = new_command("sh");
        sh.args(["-c", script]);
        Program::start(name, "http://127.0.0.1:9".into(), sh, &files).expect("starts")
    }

    fn wait_until(mut holds: impl FnMut() -> bool) {
        let since = Stopwatch::start();
        while !holds() {
            assert!(since.elapsed() < Duration::from_mins(5), "does not happen");
            sleep_milliseconds(10);
        }
    }

    #[test]
    fn dead_program_is_reported_with_its_output() {
        let mut program = program("dying", "echo no database; exit 3");
        let mut death = None;
        wait_until(|| {
            death = program.check().err();
            death.is_some()
        });
        let text = death.expect("was waited for").to_string();
        assert!(text.contains("no database") && text.contains("dying ended by itself"), "{text}");
    }

    #[test]
    fn grandchildren_end_with_the_program() {
        // The shell leaves a child behind that ignores SIGTERM.
        let mut program = program("parent", "(trap '' TERM; echo $$; sleep 600; sleep 600) & wait");
        wait_until(|| fs::read_to_string(&program.log).is_ok_and(|log| log.ends_with('\n')));
        let group = program.child.as_ref().expect("runs").id();
        program.stop();
        wait_until(|| {
            let alive = Command::new("kill").args(["-0", "--", &format!("-{group}")]).output().expect("runs");
            !alive.status.success()
        });
    }

    #[test]
    fn program_is_down_while_its_file_exists() {
        let mut program = program("switched", "sleep 600");
        fs::write(&program.down, "").expect("is writable");
        program.check().expect("is no fault");
        assert!(program.child.is_none());
        program.check().expect("stays down");
        fs::remove_file(&program.down).expect("is there");
        program.check().expect("starts again");
        assert!(program.child.is_some());
    }
}
