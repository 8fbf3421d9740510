//! Clients that connect and do not go on. The origin answers others meanwhile, and closes them.

use crate::crash_system::{CrashSystem, DbKind};
use crate::turn::TURN;
use onbill_test_harness::wait::wait_until_none;
use std::process::Command;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// More than a process may open by default.
const CLIENTS: usize = 1_100;
/// Clients that connect and send nothing at all.
const IDLE_CLIENTS: usize = 10_000;
/// An origin at rest has some 50 MiB, and a connection costs some 16 KiB.
const MEMORY_KIB_MAX: u64 = 300 * 1_024;
/// File handles that the clients that do not go on need, and what runs beside them.
const FILES: usize = 4_096;
/// The same with the idle clients, which may run beside those.
const FILES_WITH_IDLE: usize = IDLE_CLIENTS + FILES;
/// An answer takes milliseconds; a busy machine may take some seconds.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);
/// The origin gives a client ten seconds.
const CLOSE_PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const HALF_HEAD: &str = "POST /ott/v1/transaction HTTP/1.1\r\nhost: pay.example\r\nconte";
pub(crate) const HALF_BODY: &str = "POST /ott/v1/transaction HTTP/1.1\r\nhost: pay.example\r\n\
    content-type: application/json\r\ncontent-length: 500\r\n\r\n{\"ext";
const WHOLE_CALL: &[u8] = b"GET /livez HTTP/1.1\r\nhost: pay.example\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn origin_answers_beside_clients_that_do_not_go_on() {
    // Never fewer than the idle clients have.
    assert!(may_open_files(FILES_WITH_IDLE) || may_open_files(FILES), "the limit is set");
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let origin = system.start_origin().await;
    for beginning in ["", HALF_HEAD, HALF_BODY] {
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(begin(&origin.address, beginning).await);
        }
        let answered = timeout(ANSWER_PATIENCE, origin.is_healthy()).await;
        assert_eq!(answered, Ok(true), "with {beginning:?}");
        for client in &mut clients {
            let closed = timeout(CLOSE_PATIENCE, client.read_to_end(&mut Vec::new())).await;
            assert!(closed.is_ok(), "the origin does not close {beginning:?}");
        }
    }
}

/// Five times as many as an origin keeps: the others wait at the system's queue.
#[tokio::test(flavor = "multi_thread")]
async fn origin_survives_ten_thousand_idle_clients() {
    let _turn = TURN.lock().await;
    if !may_open_files(FILES_WITH_IDLE) {
        println!("not run: this process may not open {IDLE_CLIENTS} files");
        return;
    }
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let origin = system.start_origin().await;
    let mut early = begin(&origin.address, "").await;
    assert!(is_answered(&mut early).await);
    let mut connecting = JoinSet::new();
    for _ in 0..IDLE_CLIENTS {
        let address = origin.address.clone();
        connecting.spawn(async move { timeout(CLOSE_PATIENCE, TcpStream::connect(address)).await });
    }
    let mut idle = Vec::new();
    while let Some(connected) = connecting.join_next().await {
        idle.extend(connected.expect("does not panic").ok().and_then(Result::ok));
        if idle.len().is_multiple_of(1_000) {
            assert!(is_answered(&mut early).await, "beside {} idle clients", idle.len());
        }
    }
    println!("{} of {IDLE_CLIENTS} were connected; {} KiB of memory", idle.len(), origin.memory_kib());
    assert!(idle.len() > 2_048, "more than it keeps: {}", idle.len());
    assert!(origin.memory_kib() < MEMORY_KIB_MAX, "{} KiB", origin.memory_kib());
    drop(idle);
    wait_until_none(async || (!origin.is_healthy().await).then_some("it does not answer any more")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn full_origin_goes_on_with_open_connections() {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    // So many file handles are enough for some thirty connections.
    let origin = system.start_with_files(200).await;
    let mut early = begin(&origin.address, "").await;
    assert!(is_answered(&mut early).await);
    let mut silent = Vec::new();
    for _ in 0..60 {
        silent.push(begin(&origin.address, "").await);
    }
    wait_until_none(async || {
        (!system.read_log().contains("connections-full")).then_some("the log says that connections wait")
    })
    .await;
    for _ in 0..10 {
        assert!(is_answered(&mut early).await, "who was there first goes on");
    }
    let late = timeout(CLOSE_PATIENCE, origin.is_healthy()).await;
    assert_eq!(late, Ok(true), "who is new waits until the silent ones are closed");
    assert_eq!(system.read_log().matches("connections-full").count(), 1, "the log says it once");
}

/// Connects, and sends the beginning of a request.
pub(crate) async fn begin(address: &str, beginning: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).await.expect("is accepted by the system");
    client.write_all(beginning.as_bytes()).await.expect("is sent");
    client
}

async fn is_answered(client: &mut TcpStream) -> bool {
    let answered = timeout(ANSWER_PATIENCE, async {
        client.write_all(WHOLE_CALL).await.ok()?;
        let mut response = vec![0; 1024];
        let length = client.read(&mut response).await.ok()?;
        Some(response[..length].starts_with(b"HTTP/1.1 200"))
    });
    answered.await.ok().flatten().unwrap_or_default()
}

/// Sets the number of files that this process may open, where the system allows it.
fn may_open_files(count: usize) -> bool {
    let try_limit = |limit: String| {
        let mut prlimit = Command::new("prlimit");
        prlimit.args(["--pid", &std::process::id().to_string(), &format!("--nofile={limit}")]);
        prlimit.status().expect("util-linux has prlimit").success()
    };
    try_limit(format!("{count}:")) || try_limit(format!("{count}:{count}"))
}
