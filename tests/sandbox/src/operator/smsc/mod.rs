//! The operator's SMSC: real SMPP 3.4 on a port of its own, with a server by another author.
//!
//! It is strict about what it accepts, puts messages into the inboxes when all of their parts have
//! come, and reports. Its faults are injected: see [`Trouble`] and [`Reporting`].

mod alphabet;
mod assembly;
mod check;
mod proxy;
mod reports;

use super::Operator;
use assembly::SmsAssembly;
use async_trait::async_trait;
use check::SubmittedSms;
use reports::QueuedReceipt;
use serde::{Deserialize, Serialize};
use smpp34::server::ESME;
use smpp34::{
    SmppConnectionInformation, SmppError, SmppServer, SmppServerListener, bind_transceiver,
    bind_transceiver_resp, submit_sm, submit_sm_resp,
};
use std::collections::HashMap;
use std::future::pending;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// SMPP's code of version 3.4.
const VERSION: u8 = 0x34;
/// Times in milliseconds: for a bind, between two `enquire_link`, of silence until the connection
/// is closed, for a response. Long, as an ESME on a busy machine is slow and not gone.
const TIMERS: (u64, u64, u64, u64) = (60_000, 30_000, 300_000, 60_000);
const READ_BUFFER_BYTES: usize = 4_096;

/// Faults of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmscFault {
    #[default]
    None,
    /// It accepts no connections, and existing ones break.
    Down,
    /// `ESME_RTHROTTLED`, nothing done.
    Throttle,
    /// `ESME_RMSGQFUL`, nothing done.
    QueueFull,
    /// No response, nothing done.
    Hang,
    /// No response, but the message is delivered: for one in parts, the last part gets none.
    HangAfter,
    /// The connection breaks, nothing done.
    Drop,
    /// The connection breaks, but the message is delivered: for one in parts, it breaks after the
    /// last.
    DropAfter,
    /// Accepts the message, and loses it.
    Lose,
    /// Responds to non-urgent messages only when this fault ends.
    Slow,
    /// Sends nothing any more, not even to `enquire_link`, and keeps every connection, like a cable
    /// that was pulled. Connections of this time are closed when the fault ends.
    Silent,
    /// Refuses every bind: it takes the last session for a live one (`ESME_RALYBND`).
    StillBound,
}

/// Faults of delivery receipts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiptFault {
    /// Each message is reported as delivered.
    #[default]
    Good,
    /// They wait until this fault ends, and then come in reverse order.
    Late,
    /// They come before the response with the message id.
    Early,
    /// All messages have failed.
    Failed,
    /// All messages have expired.
    Expired,
    /// Each comes twice.
    Twice,
    /// Each comes after one about an unknown message.
    Strange,
}

/// The parameters of a message, without its number and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmitParameters {
    /// 0 to 3.
    pub priority: u8,
    /// How long it is worth delivering, as it was written.
    pub validity: String,
    /// Whether a receipt was requested.
    pub receipt: bool,
    /// 0 for the GSM alphabet, 8 for UCS-2.
    pub coding: u8,
}

/// The SMSC's state.
pub(super) struct Smsc {
    assembly: Mutex<SmsAssembly>,
    bound: Mutex<HashMap<String, Arc<ESME>>>,
    held: Mutex<Vec<QueuedReceipt>>,
    wishes: Mutex<Vec<SubmitParameters>>,
    messages: AtomicU64,
    binds: AtomicU64,
    asked: AtomicU64,
    /// Counts how often all connections were to be broken.
    cuts: watch::Sender<u64>,
}

impl Default for Smsc {
    fn default() -> Self {
        Self {
            assembly: Mutex::default(),
            bound: Mutex::default(),
            held: Mutex::default(),
            wishes: Mutex::default(),
            messages: AtomicU64::new(0),
            binds: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            cuts: watch::Sender::new(0),
        }
    }
}

/// An SMSC that listens until this is dropped.
pub struct ListeningSmsc {
    _server: SmppServer,
    door: JoinHandle<()>,
}

impl Drop for ListeningSmsc {
    fn drop(&mut self) {
        self.door.abort();
    }
}

impl Operator {
    /// Lets ESMEs connect to this listener. They reach the server, which is on a port of its own,
    /// through a proxy that can be cut.
    pub async fn open_smsc(&self, listener: TcpListener) -> Result<ListeningSmsc, String> {
        // The server takes no listener: a port that is free when it is found may be taken a moment
        // later.
        for _ in 0..8 {
            let inside = free_port().map_err(|error| format!("the SMSC finds no port: {error}"))?;
            let (init, enquire, silence, answer) = TIMERS;
            let handler = Arc::new(SmscListener(self.clone()));
            let (ip, port) = (inside.ip(), inside.port());
            let mut server = SmppServer::new_with_default_timers(
                ip,
                port,
                handler,
                init,
                enquire,
                silence,
                answer,
                READ_BUFFER_BYTES,
            );
            server.start().await;
            if server.is_alive() {
                let door = tokio::spawn(proxy::keep(self.clone(), listener, inside));
                return Ok(ListeningSmsc { _server: server, door });
            }
        }
        Err("the SMSC does not start".to_owned())
    }

    /// How often an ESME has tried to bind.
    pub fn smsc_binds(&self) -> u64 {
        self.smsc().binds.load(Ordering::SeqCst)
    }

    /// How many are bound now.
    pub fn smsc_bound(&self) -> usize {
        lock(&self.smsc().bound).len()
    }

    /// How many messages have come, whatever became of them.
    pub fn smsc_asked(&self) -> u64 {
        self.smsc().asked.load(Ordering::SeqCst)
    }

    /// The parameters of each message, in the order of arrival.
    pub fn smsc_wishes(&self) -> Vec<SubmitParameters> {
        lock(&self.smsc().wishes).clone()
    }

    /// Breaks all connections.
    pub(super) fn cut_smsc(&self) {
        self.smsc().cuts.send_modify(|cuts| *cuts += 1);
    }

    fn smsc(&self) -> &Smsc {
        &self.0.smsc
    }
}

fn free_port() -> std::io::Result<SocketAddr> {
    std::net::TcpListener::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0))?.local_addr()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Responds to ESMEs.
struct SmscListener(Operator);

#[async_trait]
impl SmppServerListener for SmscListener {
    async fn on_bind_transceiver(
        &self,
        bind: bind_transceiver,
        _: &SmppConnectionInformation,
        _: &String,
    ) -> bind_transceiver_resp {
        self.0.smsc().binds.fetch_add(1, Ordering::SeqCst);
        let Some(gateway) = &self.0.config().gateway else { return bind.reject(SmppError::ESME_RBINDFAIL) };
        if self.0.trouble() == SmscFault::StillBound {
            bind.reject(SmppError::ESME_RALYBND)
        } else if bind.system_id != gateway.user {
            bind.reject(SmppError::ESME_RINVSYSID)
        } else if bind.password != gateway.password {
            bind.reject(SmppError::ESME_RINVPASWD)
        } else if bind.interface_version != VERSION {
            bind.reject(SmppError::ESME_RBINDFAIL)
        } else {
            bind.accept(self.0.config().operator.to_string(), Some(VERSION))
        }
    }

    async fn on_esme_bound(&self, esme: ESME, session_id: &String) {
        lock(&self.0.smsc().bound).insert(session_id.clone(), Arc::new(esme));
        self.0.release_reports();
    }

    async fn on_esme_unbound(&self, session_id: &String) {
        lock(&self.0.smsc().bound).remove(session_id);
    }

    async fn on_submit_sm(
        &self,
        submit: submit_sm,
        _: &SmppConnectionInformation,
        _: &String,
    ) -> submit_sm_resp {
        self.0.smsc().asked.fetch_add(1, Ordering::SeqCst);
        let trouble = self.0.trouble();
        match trouble {
            SmscFault::Throttle => return submit.reject(SmppError::ESME_RTHROTTLED),
            SmscFault::QueueFull => return submit.reject(SmppError::ESME_RMSGQFUL),
            SmscFault::Hang | SmscFault::Down => return pending().await,
            SmscFault::Drop => {
                self.0.cut_smsc();
                return pending().await;
            }
            SmscFault::Slow if submit.priority_flag == 0 => self.0.until_trouble_ends(SmscFault::Slow).await,
            _ => {}
        }
        let submitted = match check::read(&submit, &self.0.ledger()) {
            Ok(submitted) => submitted,
            Err(error) => return submit.reject(error),
        };
        let number = self.0.smsc().messages.fetch_add(1, Ordering::SeqCst) + 1;
        let is_whole = trouble != SmscFault::Lose && self.0.take_in(&submitted, number).await;
        match trouble {
            SmscFault::HangAfter if is_whole => pending().await,
            SmscFault::DropAfter if is_whole => {
                self.0.cut_smsc();
                pending().await
            }
            _ => submit.accept(reports::name(number)),
        }
    }
}

impl Operator {
    /// Delivers the text that this message completes; returns whether there is one.
    async fn take_in(&self, submitted: &SubmittedSms, number: u64) -> bool {
        lock(&self.smsc().wishes).push(submitted.wish.clone());
        let whole = lock(&self.smsc().assembly).add(submitted);
        let is_whole = whole.is_some();
        if let Some(text) = whole {
            let now = self.now();
            self.ledger().text(&submitted.to, text, now);
        }
        if submitted.wish.receipt {
            self.report(submitted, number).await;
        }
        is_whole
    }
}
