//! What the watch depends on, and what it remembers between two rounds.

use super::instance::instance_name;
use super::subscriptions_seen::SubscriptionsSeen;
use crate::ambient::Clock;
use crate::config::Config;
use crate::instruments::Instruments;
use crate::store::Store;
use onbill_domain::key::Keyring;
use onbill_domain::timestamp::Timestamp;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long the database or a file system may take. The round continues without it then.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

pub struct AlarmWatch {
    pub(super) config: Arc<Config>,
    pub(super) keys: Arc<Keyring>,
    pub(super) store: Arc<Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) instruments: Arc<Instruments>,
    /// The name of this origin in the table.
    pub(super) instance: String,
    pub(super) seen: Mutex<Seen>,
    /// The file systems that have not answered yet.
    pub(super) disks_asked: Arc<Mutex<BTreeSet<&'static str>>>,
    pub(super) is_recovering: bool,
    pub(super) is_admin_port_taken: AtomicBool,
}

/// What the last rounds have found.
#[derive(Default)]
pub(super) struct Seen {
    /// Failures of the database, as the store counts them.
    pub(super) failures: u64,
    /// Since when it has been failing, and when it has failed last.
    pub(super) failing: Option<(Timestamp, Timestamp)>,
    /// When the ledger was looked at last.
    pub(super) ledger_at: Option<Timestamp>,
    pub(super) subscriptions: SubscriptionsSeen,
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
            is_admin_port_taken: AtomicBool::new(false),
        }
    }

    /// From now on it is an alarm that another program has the admin listener's default port.
    pub fn note_admin_port_taken(&self) {
        self.is_admin_port_taken.store(true, Ordering::Relaxed);
    }

    /// The name of this origin in the table of alarms.
    pub fn instance(&self) -> &str {
        &self.instance
    }
}
