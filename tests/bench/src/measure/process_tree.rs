//! CPU time and memory of a process and all that it has started, from `/proc` (proc(5)). CPU time holds when neighbours
//! take a core; wall clock does not.

use std::fs;
use std::time::Duration;

/// A process with its descendants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProcessTree {
    pub(crate) root: u32,
}

impl ProcessTree {
    /// User and system time of the tree so far, that of descendants who have ended included.
    pub(crate) fn cpu_time(self) -> Duration {
        let ticks: u64 = self.processes().iter().filter_map(|&process| read_ticks(process)).sum();
        let per_second = rustix::param::clock_ticks_per_second();
        Duration::from_secs_f64(to_f64(ticks) / to_f64(per_second))
    }

    /// The resident memory of the tree, in bytes.
    pub(crate) fn resident_bytes(self) -> u64 {
        self.sum_of_status("VmRSS:")
    }

    /// The most resident memory that each process of the tree has had, in bytes.
    pub(crate) fn peak_resident_bytes(self) -> u64 {
        self.sum_of_status("VmHWM:")
    }

    fn sum_of_status(self, field: &str) -> u64 {
        self.processes().iter().filter_map(|&process| read_status_kib(process, field)).sum::<u64>() * 1024
    }

    fn processes(self) -> Vec<u32> {
        let mut found = vec![self.root];
        let mut at = 0;
        while let Some(&parent) = found.get(at) {
            let threads = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
            for thread in threads {
                let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
                found.extend(children.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
            }
            at += 1;
        }
        found
    }
}

/// CPU time of the calling thread so far.
pub(crate) fn thread_cpu_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split_whitespace().next().and_then(|field| field.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

/// The load average of the last minute.
pub(crate) fn read_load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("?").to_owned()
}

/// Fields 14 to 17: user and system time, and those of children that were waited for.
fn read_ticks(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the name in parentheses, which may contain anything.
    let (_, after_name) = stat.rsplit_once(')')?;
    let times = after_name.split_whitespace().skip(11).take(4);
    Some(times.filter_map(|field| field.parse::<u64>().ok()).sum())
}

fn read_status_kib(process: u32, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A count as a number for a mean or a ratio. Counts of a run are far below 2^52, above which this would round.
#[expect(clippy::cast_precision_loss, reason = "the doc says why none is lost")]
pub(crate) fn to_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tree_of_this_process_has_memory_and_time() {
        let tree = ProcessTree { root: std::process::id() };
        assert!(tree.resident_bytes() > 100_000);
        assert!(tree.peak_resident_bytes() >= tree.resident_bytes() / 2);
        let before = (tree.cpu_time(), thread_cpu_time());
        let mut work = 0_u64;
        while tree.cpu_time() == before.0 {
            work = std::hint::black_box(work.wrapping_add(1));
        }
        assert!(thread_cpu_time() > before.1);
    }
}
