//! Keeps two runs of xtask in one tree from using the same files. The operating system holds the lock and releases it
//! when the process ends, however it ends.

use std::fs::{self, File, TryLockError};

use crate::clock::{is_stop_requested, sleep_milliseconds};
use crate::failure::{Context, Failure, Outcome};
use crate::paths;
use crate::progress::Step;

const LOOK_MILLISECONDS: u64 = 200;

/// A lock that is held until it is dropped.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock `name`; `None` when another run has it.
    pub(crate) fn try_acquire(name: &str) -> Outcome<Option<Self>> {
        let path = paths::xtask_file(&format!("{name}.lock"));
        let doing = format!("lock {}", path.display());
        fs::create_dir_all(paths::xtask_file("")).context(&doing)?;
        let file = File::options().create(true).append(true).open(&path).context(&doing)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).context(&doing),
        }
    }

    /// Takes the lock `name`, and waits while another run has it.
    pub(crate) fn acquire(name: &str) -> Outcome<Self> {
        if let Some(lock) = Self::try_acquire(name)? {
            return Ok(lock);
        }
        let mut step = Step::start(&format!("waiting for another run in this tree to end ({name})"));
        while !is_stop_requested() {
            if let Some(lock) = Self::try_acquire(name)? {
                step.done();
                return Ok(lock);
            }
            step.tick(String::new);
            sleep_milliseconds(LOOK_MILLISECONDS);
        }
        step.failed();
        Err(Failure::interrupted())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_has_one_holder_at_a_time() {
        // Another run of this test in the same tree has a lock of its own.
        let name = format!("test-of-locks-{}", std::process::id());
        let first = Lock::try_acquire(&name).expect("locks").expect("is free");
        assert!(Lock::try_acquire(&name).expect("locks").is_none());
        drop(first);
        assert!(Lock::acquire(&name).is_ok());
        fs::remove_file(paths::xtask_file(&format!("{name}.lock"))).expect("is ours");
    }
}
