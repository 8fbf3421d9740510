//! SIGTERM, while clients and other systems do not go on: the origin ends in time, and what it has
//! answered is true afterwards.

use crate::audit::audit_ledger;
use crate::crash_system::{CrashSystem, DbKind};
use crate::load::LoadingPartner;
use crate::slow_clients::{HALF_BODY, HALF_HEAD, begin};
use http::StatusCode;
use onbill_test_harness::wait::wait_until_none;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};

/// What supervisors allow, at least.
const STOP_PATIENCE: Duration = Duration::from_secs(15);
/// Charges that billing holds when the signal comes.
const HELD: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn origin_stops_in_time_while_the_gateway_hangs_by_http() {
    stops_in_time(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn origin_stops_in_time_while_the_gateway_hangs_by_smpp() {
    stops_in_time(Some(DeafSmsc::open().await)).await;
}

/// One way to hang at a time: what is patient with one of them must not hide another.
#[tokio::test(flavor = "multi_thread")]
async fn origin_stops_in_time_from_each_way_to_hang() {
    let system = Arc::new(CrashSystem::new(DbKind::Sqlite).await);
    for way in ["half a head", "half a body", "hung billing", "hung gateway"] {
        let partner = LoadingPartner::default();
        let mut origin = system.start_origin().await;
        let (mut unfinished, mut callers) = (None, None);
        match way {
            "half a head" => unfinished = Some(begin(&origin.address, HALF_HEAD).await),
            "half a body" => unfinished = Some(begin(&origin.address, HALF_BODY).await),
            "hung billing" => {
                system.billing.inject_faults(&json!({"transaction": "hang"})).await;
                let before = system.db.read_charges().await.len();
                callers = Some(partner.begin_load(&system, &origin, 1));
                wait_until_none(async || {
                    let recorded = system.db.read_charges().await.len();
                    (recorded < before + HELD).then_some("no charges wait for billing")
                })
                .await;
            }
            _ => {
                system.billing.inject_faults(&json!({"notification": "hang"})).await;
                ask_for_a_pin(&system, &origin.address).await;
            }
        }
        // What was sent before is with the origin when it answers this.
        assert!(origin.is_healthy().await);
        let since = Instant::now();
        origin.terminate();
        let ended = timeout(STOP_PATIENCE, origin.wait_for_end()).await;
        assert_eq!(ended, Ok(Some(0)), "{way}");
        println!("{way}: ended after {:.1} s", since.elapsed().as_secs_f64());
        if let Some(mut callers) = callers {
            callers.end_load().await;
        }
        drop(unfinished);
        system.billing.inject_faults(&json!({})).await;
    }
}

async fn ask_for_a_pin(system: &CrashSystem, origin: &str) {
    let visit = json!({"offer": "netflix-standard", "msisdn": system.people[0].msisdn, "locale": "en"});
    let (status, step) = system.caller.call_as_edge(origin, "/edge/v1/validate", &visit).await;
    assert_eq!(status, StatusCode::OK, "{step}");
}

async fn stops_in_time(smsc: Option<DeafSmsc>) {
    let (system, partner) = (Arc::new(CrashSystem::new(DbKind::Sqlite).await), LoadingPartner::default());
    system.billing.inject_faults(&json!({"transaction": "hang", "notification": "hang"})).await;
    let more = smsc.as_ref().map(|smsc| smsc.settings(&system)).unwrap_or_default();
    let mut origin = system.start_with(&more).await;
    let mut unfinished = Vec::new();
    for beginning in ["", HALF_HEAD, HALF_BODY] {
        unfinished.push(begin(&origin.address, beginning).await);
    }
    ask_for_a_pin(&system, &origin.address).await;
    if let Some(smsc) = &smsc {
        wait_until_none(async || (smsc.submits() == 0).then_some("no message reaches the SMSC")).await;
    }
    let mut callers = partner.begin_load(&system, &origin, 1);
    wait_until_none(async || {
        let recorded = system.db.read_charges().await.len();
        (recorded < HELD).then(|| format!("{recorded} charges wait for billing"))
    })
    .await;
    origin.terminate();
    let ended = timeout(STOP_PATIENCE, origin.wait_for_end()).await;
    assert_eq!(ended, Ok(Some(0)), "SIGTERM is the regular end");
    callers.end_load().await;
    let tally = partner.lock_record().tally.clone();
    assert!(tally.created > 0, "what was under way was answered: {tally:?}");
    drop(unfinished);
    system.billing.inject_faults(&json!({})).await;
    system.db.let_time_pass().await;
    audit_ledger(&system, &partner).await;
}

/// An SMSC that accepts the bind, and responds to nothing after it.
struct DeafSmsc {
    port: u16,
    submits: Arc<AtomicUsize>,
}

/// Length of the header of every PDU (SMPP 3.4 §3.2), and where its parts begin.
const HEADER: usize = 16;
const SUBMIT_SM: [u8; 4] = [0, 0, 0, 4];
const BIND_TRANSCEIVER: [u8; 4] = [0, 0, 0, 9];

impl DeafSmsc {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let port = listener.local_addr().expect("is bound").port();
        let submits = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&submits);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let submitted = Arc::clone(&counter);
                tokio::spawn(async move {
                    let mut header = [0; HEADER];
                    while stream.read_exact(&mut header).await.is_ok() {
                        let length = u32::from_be_bytes([header[0], header[1], header[2], header[3]]);
                        let mut body = vec![0; length as usize - HEADER];
                        if stream.read_exact(&mut body).await.is_err() {
                            return;
                        }
                        if header[4..8] == SUBMIT_SM {
                            submitted.fetch_add(1, Ordering::Relaxed);
                        }
                        if header[4..8] == BIND_TRANSCEIVER {
                            // The same sequence number, status 0, and an empty system id.
                            let mut response = vec![0, 0, 0, 17, 0x80, 0, 0, 9, 0, 0, 0, 0];
                            response.extend_from_slice(&header[12..]);
                            response.push(0);
                            let _ = stream.write_all(&response).await;
                        }
                    }
                });
            }
        });
        Self { port, submits }
    }

    fn submits(&self) -> usize {
        self.submits.load(Ordering::Relaxed)
    }

    /// The end of the configuration of an origin that sends its SMS here.
    fn settings(&self, system: &CrashSystem) -> String {
        let password = system.write_file("smsc.password", "hunter2");
        format!(
            "\n[sms]\nby = \"smpp\"\nurl = \"smpp://127.0.0.1:{}\"\nsystem_id = \"onbill\"\n\
             password_file = \"{}\"\nsender = \"Acme\"\n",
            self.port,
            password.display()
        )
    }
}
