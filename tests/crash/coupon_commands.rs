//! The `coupons` commands of the program, beside the running origin.

use crate::crash_system::CrashSystem;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Child, Stdio};

/// A run of `coupons issue`. It is killed when it is dropped.
pub(crate) struct CouponImport(Child);

impl CouponImport {
    pub(crate) fn begin(system: &CrashSystem, file: &Path) -> Self {
        let mut command = system.command_line();
        command.args(["coupons".as_ref(), "issue".as_ref(), file.as_os_str()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("the program starts"))
    }

    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    pub(crate) fn kill(self) {
        drop(self);
    }
}

impl Drop for CouponImport {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs `coupons` with these arguments, and returns its whole output.
pub(crate) fn run_coupons(system: &CrashSystem, words: &[impl AsRef<OsStr>]) -> String {
    let run = system.command_line().arg("coupons").args(words).output().expect("the program starts");
    assert!(run.status.code().is_some_and(|code| code < 2), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8([run.stdout, run.stderr].concat()).expect("is text")
}
