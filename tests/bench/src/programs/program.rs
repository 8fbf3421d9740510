//! A child process that listens on a port of this machine.

use crate::clock::Stopwatch;
use crate::measure::ProcessTree;
use anyhow::{Context as _, Result, bail};
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::net::TcpStream;

/// Ends a start that hangs.
const START_WITHIN: Duration = Duration::from_mins(1);
/// Between two attempts to connect: short beside what a start takes.
const LOOK_EVERY: Duration = Duration::from_micros(200);

/// A running program. It is killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
    log: PathBuf,
}

impl Program {
    /// Starts a command that will listen on `address`, with its output in a log in `folder`.
    pub(crate) fn spawn(mut command: Command, address: SocketAddr, folder: &Path) -> Result<Self> {
        let log = folder.join("output.log");
        let output = File::create(&log).with_context(|| format!("write {}", log.display()))?;
        // Where a profiled runtime writes its own logs.
        command.current_dir(folder).stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().with_context(|| format!("start {name}"))?;
        Ok(Self { child, address, log })
    }

    /// Waits until it takes connections.
    pub(crate) async fn wait_until_listening(&mut self) -> Result<TcpStream> {
        let since = Stopwatch::start();
        while since.elapsed() < START_WITHIN {
            if let Ok(stream) = TcpStream::connect(self.address).await {
                return Ok(stream);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("a program ended at its start ({status}): see {}", self.log.display());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        bail!("a program does not start: see {}", self.log.display())
    }

    pub(crate) fn tree(&self) -> ProcessTree {
        ProcessTree { root: self.child.id() }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of this machine that nothing listens on now.
pub(crate) fn find_free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("find a free port")?;
    Ok(listener.local_addr()?)
}
