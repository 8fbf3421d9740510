//! Keeps two runs of xtask in one tree off the same files. The lock is the operating system's: it ends with whoever
//! holds it, however that ends.

use std::fs::{self, File, TryLockError};

use crate::clock::{sleep_milliseconds, is_stop_requested};
use crate::failure::{Context, Failure, Outcome};
use crate::paths;
use crate::progress::Step;

const LOOK_MILLISECONDS: u64 = 200;

/// Held until it goes out of scope.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock `name`, or nothing when another run has it.
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

    /// Takes it as soon as the other run gives it up.
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
    fn a_lock_is_had_by_one_and_then_by_the_next() {
        // Another run of this test in the same tree has a lock of its own.
        let name = format!("test-of-locks-{}", std::process::id());
        let first = Lock::try_acquire(&name).expect("can be tried").expect("is free");
        assert!(Lock::try_acquire(&name).expect("can be tried").is_none());
        drop(first);
        assert!(Lock::acquire(&name).is_ok());
        fs::remove_file(paths::xtask_file(&format!("{name}.lock"))).expect("is ours");
    }
}
