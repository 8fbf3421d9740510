//! Watches for what no single call shows, and takes the state of alarms to the database and back.
//!
//! A round judges what calls have shown ([`crate::instruments::Signals`]), looks at disks, keys and
//! the ledger, and writes what has changed. Nothing of it is on the way of a call. While the
//! database takes no writes, alarms are in memory, in the log and at the webhook all the same, and
//! are written later.
//!
//! Several origins of one database share the table. What is about one origin has its instance, and
//! only that origin ends it: another one may have room on its disk. What is about the ledger is
//! ended by the origin that finds that it is over; an origin learns of it in its next round.

mod conditions;
mod disks;
mod instance;
mod rounds;
mod subscriptions;
mod subscriptions_seen;
mod watch;
mod write_ahead_log;

pub(crate) use instance::instance_name;
pub use rounds::write_alarms;
pub use watch::AlarmWatch;
