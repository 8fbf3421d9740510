//! The rounds of the watch, and the exchange with the table.

use super::instance::instance_name;
use super::watch::{AlarmWatch, PATIENCE};
use crate::config::Config;
use crate::instruments::Instruments;
use crate::store::{AlarmFilter, Store, StoreError};
use std::sync::Arc;
use std::time::Duration;

/// Between two rounds. A person does not react sooner, and a round costs one small read.
const ROUND: Duration = Duration::from_secs(10);
/// Pause after a change before the next round, so that a burst of alarms is written at once.
const AFTER_CHANGE: Duration = Duration::from_secs(1);

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

impl AlarmWatch {
    /// Makes rounds, and does not end.
    pub async fn run(self: Arc<Self>) {
        loop {
            self.make_round().await;
            if tokio::time::timeout(ROUND, self.instruments.alarms.changed()).await.is_ok() {
                tokio::time::sleep(AFTER_CHANGE).await;
            }
        }
    }

    /// 1. Judges what calls and writes have shown, and looks at disks.
    /// 2. Looks at ledger and keys, once a minute.
    /// 3. Ends what is over by its time, or was not confirmed for too long.
    /// 4. Writes what has changed, and reads what others have changed.
    pub async fn make_round(&self) {
        // 1.
        self.judge_signals();
        self.judge_admin_port();
        self.judge_database();
        self.judge_write_ahead_log();
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
        self.raise_for_panics();
        let alarms = &self.instruments.alarms;
        let records = alarms.list_unwritten();
        if !records.is_empty() {
            let written = self.store.record_alarms(self.instance.clone(), records.clone());
            match tokio::time::timeout(PATIENCE, written).await {
                Ok(Ok(())) => alarms.mark_written(&records),
                Ok(Err(error)) => {
                    return tracing::warn!(fault = %error, "the state of alarms could not be written");
                }
                Err(_) => return tracing::warn!("the state of alarms was not written in time"),
            }
        }
        let reported = alarms.list_reported();
        if !reported.is_empty() {
            let marked = self.store.mark_alarms_reported(self.instance.clone(), reported.clone());
            match tokio::time::timeout(PATIENCE, marked).await {
                Ok(Ok(())) => alarms.forget_reported(&reported),
                // Nothing is lost: it is marked in a later round, or reported again.
                Ok(Err(error)) => {
                    return tracing::warn!(fault = %error, "alarms that were sent to the webhook could not be marked");
                }
                Err(_) => {
                    return tracing::warn!("alarms that were sent to the webhook were not marked in time");
                }
            }
        }
        let stored = self.store.list_alarms(AlarmFilter::OfOrigin(self.instance.clone()));
        match tokio::time::timeout(PATIENCE, stored).await {
            Ok(Ok(stored)) => alarms.adopt(stored),
            Ok(Err(error)) => tracing::warn!(fault = %error, "the state of alarms could not be read"),
            Err(_) => tracing::warn!("the state of alarms was not read in time"),
        }
    }
}
