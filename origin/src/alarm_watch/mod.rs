//! Watches for what no single call shows, and takes the state of alarms to the database and back.
//!
//! A round judges what calls have shown ([`crate::instruments::Signals`]), looks at disks, keys and
//! the ledger, and writes what has changed. Nothing of it is on the way of a call. While the
//! database takes no writes, alarms are in memory, in the log and at the webhook all the same, and
//! are written later.
//!
//! Several origins of one database share the table. What is about one origin has its instance, and
//! only that origin ends it: another one may have room on its disk. What is about the ledger is
//! ended by whoever finds that it is over; an origin learns of it in its next round.

mod conditions;
mod disks;
mod instance;

pub use instance::instance_name;

use crate::ambient::Clock;
use crate::config::Config;
use crate::instruments::Instruments;
use crate::store::{AlarmFilter, Store, StoreError};
use onbill_domain::key::Keyring;
use onbill_domain::timestamp::Timestamp;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Between two rounds. A person does not react sooner, and a round costs one small read.
const ROUND: Duration = Duration::from_secs(10);
/// Pause after a change before the next round, so that a burst of alarms is written at once.
const AFTER_CHANGE: Duration = Duration::from_secs(1);
/// How long the database or a file system may take. The round goes on without it then.
const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds between two looks at the ledger, which cost a query each, and at keys.
const LEDGER_SECONDS: i64 = 60;

/// Writes the alarms that a verb has raised.
pub async fn write_alarms(
    instruments: &Instruments,
    store: &Store,
    config: &Config,
) -> Result<(), StoreError> {
    match instruments.alarms.list_unwritten() {
        records if records.is_empty() => Ok(()),
        records => store.record_alarms(instance_name(config), records).await,
    }
}

pub struct AlarmWatch {
    config: Arc<Config>,
    keys: Arc<Keyring>,
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    instruments: Arc<Instruments>,
    /// The name of this origin in the table.
    instance: String,
    seen: Mutex<Seen>,
    /// The file systems that have not answered yet.
    disks_asked: Arc<Mutex<BTreeSet<&'static str>>>,
    is_recovering: bool,
}

/// What the last rounds have found.
#[derive(Default)]
struct Seen {
    /// Failures of the database, as the store counts them.
    failures: u64,
    /// Since when it has been failing, and when it has failed last.
    failing: Option<(Timestamp, Timestamp)>,
    ledger_at: Option<Timestamp>,
}

impl AlarmWatch {
    pub(crate) fn new(
        config: Arc<Config>,
        keys: Arc<Keyring>,
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
        instruments: Arc<Instruments>,
        is_recovering: bool,
    ) -> Self {
        let instance = instance_name(&config);
        Self {
            config,
            keys,
            store,
            clock,
            instruments,
            instance,
            seen: Mutex::default(),
            disks_asked: Arc::default(),
            is_recovering,
        }
    }

    /// Makes rounds, and does not end.
    pub async fn run(self: Arc<Self>) {
        loop {
            self.make_round().await;
            if tokio::time::timeout(ROUND, self.instruments.alarms.changed()).await.is_ok() {
                tokio::time::sleep(AFTER_CHANGE).await;
            }
        }
    }

    /// 1. Judges what calls have shown, and looks at disks.
    /// 2. Looks at ledger and keys, once a minute.
    /// 3. Ends what is over by its time, or was confirmed by nobody.
    /// 4. Writes what has changed, and reads what others have changed.
    pub async fn make_round(&self) {
        // 1.
        self.judge_signals();
        self.judge_database();
        self.look_at_disks().await;
        // 2.
        if self.is_ledger_due() {
            self.look_at_keys();
            self.look_at_ledger().await;
        }
        // 3.
        self.instruments.alarms.end_due();
        // 4.
        self.exchange().await;
    }

    /// Writes what has changed, and reads what others have changed. What cannot be written is
    /// written in a later round.
    pub async fn exchange(&self) {
        let alarms = &self.instruments.alarms;
        let records = alarms.list_unwritten();
        if !records.is_empty() {
            let written = self.store.record_alarms(self.instance.clone(), records.clone());
            match tokio::time::timeout(PATIENCE, written).await {
                Ok(Ok(())) => alarms.mark_written(&records),
                Ok(Err(error)) => return tracing::warn!(%error, "the state of alarms could not be written"),
                Err(_) => return tracing::warn!("the state of alarms was not written in time"),
            }
        }
        let stored = self.store.list_alarms(AlarmFilter::OfOrigin(self.instance.clone()));
        match tokio::time::timeout(PATIENCE, stored).await {
            Ok(Ok(stored)) => alarms.adopt(stored),
            Ok(Err(error)) => tracing::warn!(%error, "the state of alarms could not be read"),
            Err(_) => tracing::warn!("the state of alarms was not read in time"),
        }
    }

    /// The name of this origin in the table of alarms.
    pub fn instance(&self) -> &str {
        &self.instance
    }
}
