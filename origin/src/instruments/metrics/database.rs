//! How the database keeps up. It is counted in the store, which is beneath this.

use super::page::Page;
use super::series::{
    COMMIT_SIZE, COMMITS, COMMITS_FAILED, CONNECTIONS, CONNECTIONS_WAITING, WRITE_AHEAD_LOG, WRITES_WAITING,
};
use crate::store::{CommitMetrics, PoolStatus};
use std::fmt;

pub(super) fn write(
    page: &mut Page<'_>,
    commits: &CommitMetrics,
    pool: PoolStatus,
    write_ahead_log_bytes: Option<u64>,
) -> fmt::Result {
    page.histograms(COMMITS, [([], &commits.duration)])?;
    page.histograms(COMMIT_SIZE, [([], &commits.size)])?;
    page.counters(COMMITS_FAILED, [([], commits.failed.get())])?;
    page.gauge(WRITES_WAITING, commits.waiting.get())?;
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    page.gauges(CONNECTIONS, [(["in-use"], count(pool.in_use)), (["idle"], count(pool.idle))])?;
    page.gauge(CONNECTIONS_WAITING, count(pool.waiting))?;
    let log_bytes = write_ahead_log_bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    page.gauges(WRITE_AHEAD_LOG, log_bytes.map(|bytes| ([], bytes)))
}
