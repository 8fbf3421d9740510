//! PostgreSQL only: a connection that is lost in mid-commit. SQLite has no connection to lose; its
//! crashes are not part of these contract tests.

use crate::test_store::{TestStore, new_charge};
use crate::test_values::{NOW, fresh_nonce};
use futures_util::future::join_all;
use onbill_origin::config::PostgresAddress;
use onbill_origin::store::{OpenMode, PostChargeResult, Store, StoreError};
use onbill_test_harness::database::{TestDb, database_url, with_search_path};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_postgres::config::{Config, Host};

/// Where the connection is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CutMoment {
    /// The commit never reaches the server.
    BeforeTheServer,
    /// The server commits, and the response is lost.
    BeforeTheAnswer,
}

/// A connection to the database that can be cut.
struct CuttableConnection {
    url: String,
    armed: Arc<AtomicBool>,
    commits: Arc<AtomicUsize>,
}

impl CuttableConnection {
    async fn open_connection(cut: CutMoment) -> Self {
        let url = database_url();
        let server: Config = url.parse().expect("DATABASE_URL is well formed");
        let (Some(Host::Tcp(host)), port) =
            (server.get_hosts().first(), server.get_ports().first().unwrap_or(&5432))
        else {
            panic!("this claim needs a DATABASE_URL over TCP and without TLS")
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let here = format!("127.0.0.1:{}", listener.local_addr().expect("is bound").port());
        let there = format!("{host}:{port}");
        assert!(url.contains(&there), "this claim needs a DATABASE_URL with host and port");
        let url = url.replacen(&there, &here, 1);
        let (armed, commits) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (is_armed, counted) = (Arc::clone(&armed), Arc::clone(&commits));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&there).await.expect("the server is there");
                tokio::spawn(carry_bytes(client, server, cut, Arc::clone(&is_armed), Arc::clone(&counted)));
            }
        });
        Self { url, armed, commits }
    }
}

/// Carries bytes both ways until the connection is cut.
async fn carry_bytes(
    mut client: TcpStream,
    mut server: TcpStream,
    cut: CutMoment,
    armed: Arc<AtomicBool>,
    commits: Arc<AtomicUsize>,
) {
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let asked = &asked[..length];
                let is_commit = asked.windows(7).any(|word| word == b"COMMIT\0");
                if is_commit && armed.load(Ordering::SeqCst) {
                    commits.fetch_add(1, Ordering::SeqCst);
                    if cut == CutMoment::BeforeTheAnswer {
                        server.write_all(asked).await.expect("the server listens");
                        let length = server.read(&mut answered).await.expect("the server answers");
                        assert_ne!(length, 0, "the server answers");
                    }
                    return;
                }
                if server.write_all(asked).await.is_err() { return }
            }
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&answered[..length]).await.is_err() { return }
            }
        }
    }
}

/// The same ledger over a connection that can be cut.
async fn open_over(wire: &CuttableConnection, db: &TestStore) -> Store {
    let TestDb::Postgres { schema, .. } = &db.place else { panic!("is in PostgreSQL") };
    let address = PostgresAddress::parse(&with_search_path(&wire.url, schema)).expect("is well formed");
    Store::open_postgres(&address, 2, OpenMode::Migrate, &[]).await.expect("opens")
}

async fn post_over_a_cut_wire(cut: CutMoment) -> PostChargeResult {
    let db = TestStore::in_postgres().await;
    let subscriber = db.sign_up_subscriber(1).await;
    let wire = CuttableConnection::open_connection(cut).await;
    let store = open_over(&wire, &db).await;
    wire.armed.store(true, Ordering::SeqCst);
    let posted = store.post_charge(fresh_nonce(), NOW, new_charge(subscriber.pai, "n-1", 1599)).await;
    assert!(matches!(posted, Err(StoreError::CommitUnknown { .. })), "nobody knows: {posted:?}");
    assert_eq!(wire.commits.load(Ordering::SeqCst), 1, "a commit is not sent twice");
    wire.armed.store(false, Ordering::SeqCst);
    // The caller retries, with a new signature, over a new connection.
    store.post_charge(fresh_nonce(), NOW, new_charge(subscriber.pai, "n-1", 1599)).await.expect("works")
}

#[tokio::test]
async fn repetition_after_a_lost_commit_creates_the_charge() {
    let again = post_over_a_cut_wire(CutMoment::BeforeTheServer).await;
    assert!(matches!(again, PostChargeResult::Created(_)), "{again:?}");
}

#[tokio::test]
async fn repetition_after_an_unconfirmed_commit_finds_the_charge() {
    assert_eq!(post_over_a_cut_wire(CutMoment::BeforeTheAnswer).await, PostChargeResult::InProgress);
}

#[tokio::test]
async fn lost_commit_of_a_group_is_unknown_to_all_of_it() {
    let db = TestStore::in_postgres().await;
    let subscribers = [db.sign_up_subscriber(1).await, db.sign_up_subscriber(2).await];
    let wire = CuttableConnection::open_connection(CutMoment::BeforeTheAnswer).await;
    let store = open_over(&wire, &db).await;
    let post_all = || {
        let charges = [("n-1", 0), ("n-2", 1), ("n-3", 1)];
        join_all(charges.map(|(ext_id, n)| {
            store.post_charge(fresh_nonce(), NOW, new_charge(subscribers[n].pai, ext_id, 1599))
        }))
    };
    wire.armed.store(true, Ordering::SeqCst);
    let posted = post_all().await;
    let is_unknown = |posted: &Result<_, _>| matches!(posted, Err(StoreError::CommitUnknown { .. }));
    assert!(posted.iter().all(is_unknown), "{posted:?}");
    assert_eq!(wire.commits.load(Ordering::SeqCst), 1, "one commit for all, which is not sent twice");
    wire.armed.store(false, Ordering::SeqCst);
    let repeated = post_all().await;
    assert!(repeated.iter().all(|posted| *posted == Ok(PostChargeResult::InProgress)), "{repeated:?}");
}
