//! The verb by which a container asks for its health, beside a real origin.

use crate::crash_system::{CrashSystem, DbKind};
use onbill_test_harness::origin_process::find_program;
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn health_is_that_of_the_running_origin() {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let origin = system.start_origin().await;
    // It answers before its workers have begun.
    origin.wait_until_ready().await;
    let config = system.folder().join("origin.toml");
    let ask = || {
        let run = Command::new(find_program())
            .arg("--config")
            .arg(&config)
            .arg("health")
            .output()
            .expect("the program starts");
        (run.status.code(), String::from_utf8_lossy(&run.stdout).into_owned())
    };
    assert_eq!(ask(), (Some(0), "ready\n".to_owned()));
    let address = origin.admin_address.clone();
    origin.kill();
    let said = format!("not ready: http://{address}/readyz does not answer\n");
    assert_eq!(ask(), (Some(1), said));
}
