//! The programs of a benchmark: the edge and its yardsticks on workerd, the origin, and the parties that answer them from
//! this process at no cost to the measured ones.

pub(crate) mod billing_stub;
pub(crate) mod client;
pub(crate) mod cold_isolates;
pub(crate) mod console;
pub(crate) mod console_ledger;
pub(crate) mod constant_server;
pub(crate) mod database;
pub(crate) mod edge_calls;
pub(crate) mod filled_ledger;
pub(crate) mod finished;
pub(crate) mod keys;
pub(crate) mod origin;
pub(crate) mod pgbench;
pub(crate) mod program;
pub(crate) mod worker;
