//! What the program says to the supervisor that has started it, such as systemd.

use crate::crash_system::{CrashSystem, DbKind};
use std::time::Duration;
use tokio::net::UnixDatagram;
use tokio::time::timeout;

/// What it is to be heard of within. It says so three times as often.
const PATIENCE: Duration = Duration::from_millis(600);
/// Only ends a test that hangs.
const DEADLINE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn supervisor_hears_of_the_start_the_work_and_the_end() {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let socket = system.folder().join("notify");
    let supervisor = UnixDatagram::bind(&socket).expect("the name is free");
    let mut origin = system.start_supervised(&socket, PATIENCE).await;
    let hear = async || {
        let mut bytes = [0; 64];
        let length =
            timeout(DEADLINE, supervisor.recv(&mut bytes)).await.expect("it says so").expect("receives");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let mut heard = Vec::new();
    while heard.iter().filter(|state| *state == "WATCHDOG=1").count() < 5 {
        heard.push(hear().await);
    }
    assert_eq!(heard.iter().filter(|state| *state == "READY=1").count(), 1, "{heard:?}");
    origin.terminate();
    while hear().await != "STOPPING=1" {}
    assert_eq!(origin.wait_for_end().await, Some(0));
}
