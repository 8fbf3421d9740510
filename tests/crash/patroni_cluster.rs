//! A cluster as operators run it: two PostgreSQL servers under Patroni with synchronous mode, etcd,
//! and `HAProxy` in front, from Debian's packages. Each server has a network of its own, so that it
//! can be cut off. It needs root.

use crate::postgres_cluster::free_port;
use bytes::Bytes;
use http::{Request, StatusCode};
use onbill_origin::http::{HttpPeer, Peer as _};
use onbill_test_harness::process_host;
use onbill_test_harness::wait::wait_until_none;
use std::fs::{File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// In the middle of a range for private use, which no other test takes.
const NETWORK: &str = "10.77.0";
const BRIDGE: &str = "onbill-br";
/// PostgreSQL refuses to run as root: this is `nobody`.
const SERVER_USER: u32 = 65534;
/// For the REST interface of Patroni.
const REST_PATIENCE: Duration = Duration::from_secs(2);

/// What happens to a server, with all that runs on its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MachineFault {
    /// All processes are killed.
    Killed,
    /// Patroni is asked to end, which hands over to the standby.
    Stopped,
    /// All processes stand still, until the machine is reset as by a watchdog. Without one the old
    /// primary goes on where it was, and Patroni 3.0 may give it the lock back that the new one has
    /// by then: the cluster itself loses what the new one has confirmed.
    Paused,
    /// Nothing reaches it, and it reaches nothing.
    CutOff,
}

pub(crate) struct PatroniCluster {
    folder: PathBuf,
    etcd: Child,
    haproxy: Child,
    nodes: [Node; 2],
    http: HttpPeer,
    /// Where `HAProxy` listens.
    pub(crate) url: String,
}

struct Node {
    number: usize,
    settings: PathBuf,
    log: PathBuf,
    patroni: Option<Child>,
}

impl PatroniCluster {
    pub(crate) async fn start(folder: &Path) -> Self {
        remove_networks();
        let folder = folder.to_owned();
        ip(&["link", "add", BRIDGE, "type", "bridge"]);
        ip(&["addr", "add", &format!("{NETWORK}.1/24"), "dev", BRIDGE]);
        ip(&["link", "set", BRIDGE, "up"]);
        let etcd = start_etcd(&folder);
        let mut nodes = [1, 2].map(|number| Node::make(number, &folder));
        let port = free_port();
        let haproxy = start_haproxy(&folder, port);
        nodes.iter_mut().for_each(Node::start);
        let url = format!("postgres://onbill:onbill@{}:{port}/postgres", process_host());
        let http = HttpPeer::new(REST_PATIENCE).expect("the HTTP client starts");
        let cluster = Self { folder, etcd, haproxy, nodes, http, url };
        cluster.until_whole().await;
        cluster
    }

    /// The number of the primary.
    pub(crate) async fn primary(&self) -> Option<usize> {
        let first = self.is(1, "primary").await;
        let second = self.is(2, "primary").await;
        first.then_some(1).or(second.then_some(2))
    }

    /// Waits until one server is the primary and the other its synchronous standby.
    pub(crate) async fn until_whole(&self) {
        wait_until_none(async || {
            let whole = match self.primary().await {
                Some(primary) => self.is(3 - primary, "sync").await,
                None => false,
            };
            (!whole).then_some("the cluster is not whole")
        })
        .await;
    }

    /// Waits until the other server is the primary.
    pub(crate) async fn until_promoted(&self, old_primary: usize) {
        wait_until_none(async || {
            let promoted = self.is(3 - old_primary, "primary").await;
            (!promoted).then_some("the standby is not promoted")
        })
        .await;
    }

    pub(crate) fn inflict(&mut self, fault: MachineFault, number: usize) {
        let node = &mut self.nodes[number - 1];
        match fault {
            MachineFault::Killed => node.signal_all("-KILL"),
            MachineFault::Paused => node.signal_all("-STOP"),
            MachineFault::CutOff => ip(&["link", "set", &node.link(), "down"]),
            MachineFault::Stopped => {
                let id = node.patroni.as_ref().expect("runs").id().to_string();
                let _ = Command::new("kill").args(["-TERM", &id]).status();
            }
        }
    }

    pub(crate) fn mend(&mut self, fault: MachineFault, number: usize) {
        let node = &mut self.nodes[number - 1];
        match fault {
            MachineFault::Killed | MachineFault::Stopped | MachineFault::Paused => {
                if fault == MachineFault::Paused {
                    node.signal_all("-KILL");
                }
                if let Some(mut patroni) = node.patroni.take() {
                    let _ = patroni.wait();
                }
                node.start();
            }
            MachineFault::CutOff => ip(&["link", "set", &node.link(), "up"]),
        }
    }

    /// Whether Patroni says that this server is in this role.
    async fn is(&self, number: usize, role: &str) -> bool {
        let request = Request::get(format!("http://{NETWORK}.1{number}:8008/{role}")).body(Bytes::new());
        let answer = self.http.send(request.expect("is a request")).await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }
}

impl Drop for PatroniCluster {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            node.signal_all("-KILL");
            if let Some(mut patroni) = node.patroni.take() {
                let _ = patroni.wait();
            }
        }
        for child in [&mut self.haproxy, &mut self.etcd] {
            let _ = child.kill();
            let _ = child.wait();
        }
        remove_networks();
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

impl Node {
    fn make(number: usize, folder: &Path) -> Self {
        let (space, link) = (space_of(number), format!("onbill-v{number}"));
        ip(&["netns", "add", &space]);
        ip(&["link", "add", &link, "type", "veth", "peer", "name", "eth0", "netns", &space]);
        ip(&["link", "set", &link, "master", BRIDGE]);
        ip(&["link", "set", &link, "up"]);
        let inside = |words: &[&str]| ip(&[&["-n", &space], words].concat());
        inside(&["addr", "add", &format!("{NETWORK}.1{number}/24"), "dev", "eth0"]);
        inside(&["link", "set", "eth0", "up"]);
        inside(&["link", "set", "lo", "up"]);
        let home = folder.join(format!("node{number}"));
        std::fs::create_dir_all(&home).expect("can be made");
        std::fs::set_permissions(&home, Permissions::from_mode(0o700)).expect("is ours");
        chown(&home, Some(SERVER_USER), Some(SERVER_USER)).expect("root may");
        let settings = folder.join(format!("node{number}.yml"));
        std::fs::write(&settings, patroni_settings(number, &home)).expect("can be written");
        Self { number, settings, log: folder.join(format!("node{number}.log")), patroni: None }
    }

    fn start(&mut self) {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &space_of(self.number), "setpriv", "--clear-groups"]);
        command.args([format!("--reuid={SERVER_USER}"), format!("--regid={SERVER_USER}")]);
        command.arg("patroni").arg(&self.settings).current_dir("/").env("LC_ALL", "C");
        self.patroni = Some(spawn(command, &self.log));
    }

    fn link(&self) -> String {
        format!("onbill-v{}", self.number)
    }

    /// Signals every process in the network of the server.
    fn signal_all(&self, signal: &str) {
        let listed = Command::new("ip").args(["netns", "pids", &space_of(self.number)]).output();
        let listed = String::from_utf8(listed.expect("there is an ip").stdout).expect("is text");
        let _ = Command::new("kill").arg(signal).args(listed.split_whitespace()).status();
    }
}

fn space_of(number: usize) -> String {
    format!("onbill-n{number}")
}

fn remove_networks() {
    for number in [1, 2] {
        let _ = Command::new("ip").args(["netns", "del", &space_of(number)]).stderr(Stdio::null()).status();
        let link = format!("onbill-v{number}");
        let _ = Command::new("ip").args(["link", "del", &link]).stderr(Stdio::null()).status();
    }
    let _ = Command::new("ip").args(["link", "del", BRIDGE]).stderr(Stdio::null()).status();
}

fn ip(words: &[&str]) {
    let run = Command::new("ip").args(words).output().expect("iproute2 is installed");
    assert!(run.status.success(), "ip {words:?}: {}", String::from_utf8_lossy(&run.stderr));
}

fn spawn(mut command: Command, log: &Path) -> Child {
    let log = File::options().create(true).append(true).open(log).expect("can be written");
    command.stdin(Stdio::null()).stdout(log.try_clone().expect("is open")).stderr(log);
    command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn start_etcd(folder: &Path) -> Child {
    let (client, peer) = (format!("http://{NETWORK}.1:2379"), format!("http://{NETWORK}.1:2380"));
    let mut command = Command::new("etcd");
    command.arg("--data-dir").arg(folder.join("etcd"));
    command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
    command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
    command.args(["--initial-cluster", &format!("default={peer}")]);
    spawn(command, &folder.join("etcd.log"))
}

fn start_haproxy(folder: &Path, port: u16) -> Child {
    let settings = folder.join("haproxy.cfg");
    let text = format!(
        "defaults
    mode tcp
    timeout connect 2s
    timeout client 1h
    timeout server 1h
    timeout check 2s
listen onbill
    bind {}:{port}
    option httpchk GET /primary
    http-check expect status 200
    default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
    server node1 {NETWORK}.11:5432 check port 8008
    server node2 {NETWORK}.12:5432 check port 8008
",
        process_host()
    );
    std::fs::write(&settings, text).expect("can be written");
    let mut command = Command::new("/usr/sbin/haproxy");
    command.arg("-db").arg("-f").arg(settings);
    spawn(command, &folder.join("haproxy.log"))
}

/// `ttl` is the shortest that Patroni takes, and with it the time until a primary that says nothing
/// is replaced.
fn patroni_settings(number: usize, home: &Path) -> String {
    let (address, home) = (format!("{NETWORK}.1{number}"), home.display());
    format!(
        r#"scope: onbill
name: node{number}
restapi: {{listen: "{address}:8008", connect_address: "{address}:8008"}}
etcd3: {{host: "{NETWORK}.1:2379"}}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 5
    retry_timeout: 5
    synchronous_mode: true
    postgresql:
      use_pg_rewind: true
      parameters: {{max_connections: 100, wal_keep_size: 512MB}}
  initdb: [{{encoding: UTF8}}, {{locale: C}}]
  pg_hba:
    - host replication all {NETWORK}.0/24 scram-sha-256
    - host all all {NETWORK}.0/24 scram-sha-256
postgresql:
  listen: "{address}:5432"
  connect_address: "{address}:5432"
  data_dir: {home}/data
  bin_dir: /usr/lib/postgresql/15/bin
  pgpass: {home}/pgpass
  authentication:
    superuser: {{username: onbill, password: onbill}}
    replication: {{username: replicator, password: onbill}}
  parameters: {{unix_socket_directories: ""}}
"#
    )
}
