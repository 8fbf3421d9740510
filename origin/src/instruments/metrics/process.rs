//! The process, as Linux shows it in `/proc`: processor time, memory, open files, start.
//!
//! The names of these series are those of all Prometheus clients, so that dashboards which others
//! have made show them.

use super::page::Page;
use super::series::{
    PROCESS_CPU, PROCESS_FILES, PROCESS_FILES_MAX, PROCESS_MEMORY, PROCESS_START, PROCESS_VIRTUAL,
};
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};
use std::fmt;

/// What is known of the process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ProcessFigures {
    cpu_seconds: f64,
    memory_bytes: i64,
    virtual_bytes: i64,
    started_at_seconds: f64,
    open_files: i64,
    files_max: i64,
}

impl ProcessFigures {
    /// Reads them; `None` where there is no `/proc`.
    pub(super) fn read() -> Option<Self> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        let system = std::fs::read_to_string("/proc/stat").ok()?;
        let open_files = std::fs::read_dir("/proc/self/fd").ok()?.count();
        let files_max = getrlimit(Resource::Nofile).current;
        let ticks = clock_ticks_per_second();
        let Stat { cpu_ticks, start_ticks, virtual_bytes, pages } = Stat::parse(&stat)?;
        let seconds = |ticks_counted: u64| to_f64(ticks_counted) / to_f64(ticks);
        Some(Self {
            cpu_seconds: seconds(cpu_ticks),
            memory_bytes: i64::try_from(pages.checked_mul(u64::try_from(page_size()).ok()?)?).ok()?,
            virtual_bytes: i64::try_from(virtual_bytes).ok()?,
            started_at_seconds: to_f64(parse_boot_time(&system)?) + seconds(start_ticks),
            open_files: i64::try_from(open_files).ok()?,
            files_max: files_max.and_then(|files| i64::try_from(files).ok()).unwrap_or(i64::MAX),
        })
    }

    pub(super) fn write(self, page: &mut Page<'_>) -> fmt::Result {
        page.fractional_counter(PROCESS_CPU, self.cpu_seconds)?;
        page.gauge(PROCESS_MEMORY, self.memory_bytes)?;
        page.gauge(PROCESS_VIRTUAL, self.virtual_bytes)?;
        page.gauge(PROCESS_FILES, self.open_files)?;
        page.gauge(PROCESS_FILES_MAX, self.files_max)?;
        page.fractional_gauge(PROCESS_START, self.started_at_seconds)
    }
}

/// Fields of `/proc/self/stat` (`proc_pid_stat(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    cpu_ticks: u64,
    start_ticks: u64,
    virtual_bytes: u64,
    pages: u64,
}

impl Stat {
    /// The name of the program stands in brackets and may contain anything, so the fields are counted
    /// from the last bracket on: the first one there is field 3.
    fn parse(stat: &str) -> Option<Self> {
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            cpu_ticks: field(14)?.checked_add(field(15)?)?,
            start_ticks: field(22)?,
            virtual_bytes: field(23)?,
            pages: field(24)?,
        })
    }
}

/// When the machine was started, in Unix seconds.
fn parse_boot_time(stat: &str) -> Option<u64> {
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[expect(clippy::cast_precision_loss, reason = "ticks and Unix seconds are below 2^52 for a long time")]
fn to_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_of_odd_name_is_read() {
        let line = "7 (onbill) 1 9) S 1 7 7 0 -1 4194560 100 0 0 0 30 12 0 0 20 0 4 0 5500 4096 77 18446744073709551615";
        let expected = Stat { cpu_ticks: 42, start_ticks: 5_500, virtual_bytes: 4_096, pages: 77 };
        assert_eq!(Stat::parse(line), Some(expected));
        assert_eq!(Stat::parse("7 (onbill"), None);
        assert_eq!(parse_boot_time("cpu 1 2\nbtime 1795000000\nprocesses 5\n"), Some(1_795_000_000));
    }

    #[test]
    fn own_process_is_read() {
        let figures = ProcessFigures::read().expect("Linux has /proc");
        assert!(figures.memory_bytes > 0 && figures.virtual_bytes >= figures.memory_bytes, "{figures:?}");
        assert!(figures.open_files > 0 && figures.files_max >= figures.open_files, "{figures:?}");
        assert!(figures.started_at_seconds > 1e9, "{figures:?}");
    }
}
