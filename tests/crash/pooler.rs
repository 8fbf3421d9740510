//! The origin behind `PgBouncer` in transaction mode, where each transaction may run in another
//! session of the server.

use crate::audit::audit_ledger;
use crate::crash_system::CrashSystem;
use crate::load::{CONNECTIONS, LoadingPartner};
use crate::origin_db::OriginDb;
use crate::postgres_cluster::{free_port, server_user};
use crate::turn::TURN;
use onbill_test_harness::environment::read_variable;
use onbill_test_harness::wait::wait_until_none;
use onbill_test_harness::{process_host, unique_name};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// Where Debian has it.
const PROGRAM: &str = "/usr/sbin/pgbouncer";
/// Fewer than the origin's connections, so that they take turns.
const SERVER_SESSIONS: usize = 4;
const CREATED: u64 = 4 * CONNECTIONS;

/// Two origins, because the sessions of one would be nobody else's.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_serves_behind_a_transaction_pooler() {
    let _turn = TURN.lock().await;
    if !PathBuf::from(PROGRAM).is_file() || read_variable("ONBILL_POSTGRES_MAY_DIE").is_none() {
        println!("not run: it needs {PROGRAM} and a server of the tests");
        return;
    }
    let db = OriginDb::in_database().await;
    let pooler = Pooler::start(&db).await;
    let system = Arc::new(CrashSystem::on(db, pooler.url.clone()).await);
    let (origin, other, partner) =
        (system.start_origin().await, system.start_origin().await, LoadingPartner::default());
    let at_other = partner.charge_while(&system, &other, 2, partner.until_created(CREATED));
    partner.charge_while(&system, &origin, 1, at_other).await;
    let tally = partner.lock_record().tally.clone();
    tally.assert_served();
    other.kill();
    origin.kill();
    audit_ledger(&system, &partner).await;
}

struct Pooler {
    url: String,
    child: Child,
    folder: PathBuf,
}

impl Pooler {
    async fn start(db: &OriginDb) -> Self {
        let server: Config = db.config_address().parse().expect("is a URL");
        let (Some(Host::Tcp(host)), Some(port)) = (server.get_hosts().first(), server.get_ports().first())
        else {
            panic!("the server of the tests has an address")
        };
        let (user, database) = (server.get_user().expect("is named"), server.get_dbname().expect("is named"));
        let password = String::from_utf8_lossy(server.get_password().expect("has one"));
        // PgBouncer refuses to run as root, so its user has to be able to read its files.
        let folder = std::env::temp_dir().join(format!("onbill-pooler-{}", unique_name()));
        std::fs::create_dir_all(&folder).expect("can be made");
        let (listen, bind) = (free_port(), process_host());
        let users = folder.join("users.txt");
        std::fs::write(&users, format!("\"{user}\" \"{password}\"\n")).expect("can be written");
        let settings = folder.join("pgbouncer.ini");
        let text = format!(
            "[databases]\n{database} = host={host} port={port}\n[pgbouncer]\npool_mode = transaction\n\
             listen_addr = {bind}\nlisten_port = {listen}\nunix_socket_dir =\nauth_type = plain\n\
             auth_file = {}\ndefault_pool_size = {SERVER_SESSIONS}\n",
            users.display()
        );
        std::fs::write(&settings, text).expect("can be written");
        let mut command = Command::new(PROGRAM);
        if server_user().is_some() {
            command.args(["-u", "nobody"]);
        }
        command.arg("-q").arg(&settings);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let url = format!("postgres://{user}:{password}@{bind}:{listen}/{database}");
        let pooler = Self { url, child: child.expect("it starts"), folder };
        wait_until_none(async || {
            let connected = tokio::net::TcpStream::connect((bind, listen)).await;
            connected.is_err().then_some("the pooler does not listen")
        })
        .await;
        pooler
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
