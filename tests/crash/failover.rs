//! A PostgreSQL cluster whose primary goes away under load: its standby is promoted, and the old
//! primary comes back as a standby. The same origin goes on charging, and nothing that it has
//! confirmed is lost or doubled.

use crate::audit::audit_ledger;
use crate::crash_system::CrashSystem;
use crate::load::{CONNECTIONS, LoadingPartner};
use crate::lost_database::goes_on;
use crate::origin_db::OriginDb;
use crate::postgres_cluster::{Cluster, Stop};
use crate::turn::TURN;
use onbill_test_harness::origin_process::OriginProcess;
use onbill_test_harness::process_host;
use onbill_test_harness::wait::wait_until_none;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// Charges that are created before the primary goes away, and after it: about one for each caller.
const CREATED: u64 = CONNECTIONS;
/// From the promotion to the next charge. It takes a second; a machine with much to do may need
/// more, and a connection that never leaves the pool would need for ever.
const BACK_WITHIN: Duration = Duration::from_secs(30);
/// How long an address still leads to the old primary, which can be read again by then.
const ADDRESS_LAGS: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn postgres_failover_in_a_list_of_hosts_loses_no_charge() {
    let _turn = TURN.lock().await;
    let Some(mut cluster) = start_cluster().await else { return };
    let db = OriginDb::in_schema_at(cluster.url()).await;
    let address = db.config_address();
    let system = Arc::new(CrashSystem::on(db, address).await);
    let (origin, partner) = (system.start_origin().await, LoadingPartner::default());
    partner
        .charge_while(&system, &origin, 1, async {
            partner.until_created(CREATED).await;
            lose_primary(&mut cluster, &origin, Stop::Immediate).await;
            cluster.promote_standby().await;
            let since = Instant::now();
            cluster.return_old_primary().await;
            be_back(&partner, since).await;
        })
        .await;
    go_on_and_audit(&system, &partner, origin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_failover_behind_one_address_loses_no_charge() {
    let _turn = TURN.lock().await;
    let Some(mut cluster) = start_cluster().await else { return };
    let db = OriginDb::in_schema_at(cluster.url()).await;
    let proxy = MovingAddress::open(cluster.primary.port).await;
    let address = db.address_at(&cluster.url_at(&proxy.address));
    let system = Arc::new(CrashSystem::on(db, address).await);
    let (origin, partner) = (system.start_origin().await, LoadingPartner::default());
    partner
        .charge_while(&system, &origin, 1, async {
            partner.until_created(CREATED).await;
            lose_primary(&mut cluster, &origin, Stop::Fast).await;
            cluster.promote_standby().await;
            cluster.return_old_primary().await;
            tokio::time::sleep(ADDRESS_LAGS).await;
            assert!(!origin.is_healthy().await, "a standby takes no writes");
            proxy.lead_to(cluster.standby.port);
            be_back(&partner, Instant::now()).await;
        })
        .await;
    go_on_and_audit(&system, &partner, origin).await;
}

/// A primary that hangs closes no connection and refuses none.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_primary_that_hangs_is_given_up() {
    let _turn = TURN.lock().await;
    let Some(mut cluster) = start_cluster().await else { return };
    let db = OriginDb::in_schema_at(cluster.url()).await;
    let address = db.config_address();
    let system = Arc::new(CrashSystem::on(db, address).await);
    let (origin, partner) = (system.start_origin().await, LoadingPartner::default());
    partner
        .charge_while(&system, &origin, 1, async {
            partner.until_created(CREATED).await;
            cluster.primary.freeze();
            until_not_ready(&origin).await;
            cluster.promote_standby().await;
            be_back(&partner, Instant::now()).await;
            // As a cluster does, which lets no old primary run on.
            cluster.stop_primary(Stop::Kill);
        })
        .await;
    go_on_and_audit(&system, &partner, origin).await;
}

async fn start_cluster() -> Option<Cluster> {
    let cluster = Cluster::start().await;
    if cluster.is_none() {
        println!("not run: it needs the programs of a server that xtask has started");
    }
    cluster
}

async fn lose_primary(cluster: &mut Cluster, origin: &OriginProcess, how: Stop) {
    cluster.stop_primary(how);
    until_not_ready(origin).await;
}

async fn until_not_ready(origin: &OriginProcess) {
    wait_until_none(async || {
        let healthy = origin.is_healthy().await;
        healthy.then_some("the origin is ready without a server")
    })
    .await;
    origin.wait_for_lost_writes().await;
}

async fn be_back(partner: &LoadingPartner, since: Instant) {
    partner.until_created(1).await;
    let needed = since.elapsed();
    println!("charges went on {} ms after the new primary could be reached", needed.as_millis());
    assert!(needed < BACK_WITHIN, "{needed:?}");
    partner.until_created(CREATED).await;
}

async fn go_on_and_audit(system: &Arc<CrashSystem>, partner: &LoadingPartner, mut origin: OriginProcess) {
    assert!(partner.lock_record().tally.failed > 0, "nobody noticed");
    goes_on(system, partner, &mut origin).await;
    origin.wait_until_ready().await;
    println!("{:?}", partner.lock_record().tally);
    origin.kill();
    audit_ledger(system, partner).await;
}

/// An address that leads to one server at a time, as a virtual address or a proxy does.
struct MovingAddress {
    address: String,
    port: Arc<AtomicU16>,
}

impl MovingAddress {
    async fn open(port: u16) -> Self {
        let listener = TcpListener::bind((process_host(), 0)).await.expect("there is a free port");
        let address = listener.local_addr().expect("is bound").to_string();
        let port = Arc::new(AtomicU16::new(port));
        let leads_to = Arc::clone(&port);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let port = leads_to.load(Ordering::SeqCst);
                tokio::spawn(async move {
                    let Ok(mut server) = TcpStream::connect((process_host(), port)).await else { return };
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Self { address, port }
    }

    /// Connections that are open stay where they are.
    fn lead_to(&self, port: u16) {
        self.port.store(port, Ordering::SeqCst);
    }
}
