//! The operator's SMSC: real SMPP 3.4 on a port of its own, as a server that another author has written.
//!
//! It is strict about what it takes, puts texts into the inboxes when all of their parts are there, and reports. What it
//! does wrong it does on request: see [`Trouble`] and [`Reporting`].

mod alphabet;
mod assembly;
mod check;
mod door;
mod reports;

use super::Operator;
use assembly::Assembly;
use async_trait::async_trait;
use check::Submitted;
use reports::Held;
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

/// SMPP's name for version 3.4.
const VERSION: u8 = 0x34;
/// Times in milliseconds: for a bind, between two questions whether the other side is there, of silence until it is given up,
/// for an answer. Long, as an ESME on a machine with much to do is not one that is gone.
const TIMERS: (u64, u64, u64, u64) = (60_000, 30_000, 300_000, 60_000);
const READ_BUFFER_BYTES: usize = 4_096;

/// What goes wrong with messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// Nobody can connect, and who was is not any more.
    Down,
    /// `ESME_RTHROTTLED`, nothing done.
    Throttle,
    /// `ESME_RMSGQFUL`, nothing done.
    QueueFull,
    /// Never answers, nothing done.
    Hang,
    /// Never answers, but the text is delivered: of one in parts, the last is not answered.
    HangAfter,
    /// The connection breaks, nothing done.
    Drop,
    /// The connection breaks, but the text is delivered: of one in parts, it breaks after the last.
    DropAfter,
    /// Says yes, and forgets the message.
    Lose,
    /// Answers what is not urgent only when this is over.
    Slow,
    /// Says nothing any more, not even that it is there, and keeps every connection: what a cable looks like that was
    /// pulled. Whoever was connected meanwhile is not any more when this is over.
    Silent,
    /// Lets nobody in: it takes the last session for one that lives still (`ESME_RALYBND`).
    StillBound,
}

/// What goes wrong with delivery receipts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reporting {
    /// Nothing: each message is reported as delivered.
    #[default]
    Good,
    /// They wait until this is over, and come in the reverse order then.
    Late,
    /// They come before the answer that says what they are about.
    Early,
    /// All messages have failed.
    Failed,
    /// All messages have expired.
    Expired,
    /// Each comes twice.
    Twice,
    /// Each comes after one about a message that nobody has sent.
    Strange,
}

/// What a message asked for, without its number and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// 0 to 3.
    pub priority: u8,
    /// How long it is worth delivering, as it was written.
    pub validity: String,
    /// Whether a receipt was wanted.
    pub receipt: bool,
    /// 0 for the GSM alphabet, 8 for UCS-2.
    pub coding: u8,
}

/// What the SMSC knows.
pub(super) struct Smsc {
    assembly: Mutex<Assembly>,
    bound: Mutex<HashMap<String, Arc<ESME>>>,
    held: Mutex<Vec<Held>>,
    wishes: Mutex<Vec<Wish>>,
    messages: AtomicU64,
    binds: AtomicU64,
    asked: AtomicU64,
    /// Counts how often all connections were to be broken off.
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
pub struct Listening {
    _server: SmppServer,
    door: JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.door.abort();
    }
}

impl Operator {
    /// Lets ESMEs connect to this listener. They reach the server, which is on a port of its own, through a door that
    /// can be shut.
    pub async fn open_smsc(&self, listener: TcpListener) -> Result<Listening, String> {
        // The server takes no listener: the port is free when it is found, and could be somebody else's a moment later.
        for _ in 0..8 {
            let inside = free_port().map_err(|error| format!("the SMSC finds no port: {error}"))?;
            let (init, enquire, silence, answer) = TIMERS;
            let handler = Arc::new(Desk(self.clone()));
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
                let door = tokio::spawn(door::keep(self.clone(), listener, inside));
                return Ok(Listening { _server: server, door });
            }
        }
        Err("the SMSC does not start".to_owned())
    }

    /// How often somebody has tried to bind.
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

    /// What each message asked for, in the order of their coming.
    pub fn smsc_wishes(&self) -> Vec<Wish> {
        lock(&self.smsc().wishes).clone()
    }

    /// Breaks off all connections.
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

/// Who talks to ESMEs.
struct Desk(Operator);

#[async_trait]
impl SmppServerListener for Desk {
    async fn on_bind_transceiver(
        &self,
        bind: bind_transceiver,
        _: &SmppConnectionInformation,
        _: &String,
    ) -> bind_transceiver_resp {
        self.0.smsc().binds.fetch_add(1, Ordering::SeqCst);
        let Some(gateway) = &self.0.config().gateway else { return bind.reject(SmppError::ESME_RBINDFAIL) };
        if self.0.trouble() == Trouble::StillBound {
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
            Trouble::Throttle => return submit.reject(SmppError::ESME_RTHROTTLED),
            Trouble::QueueFull => return submit.reject(SmppError::ESME_RMSGQFUL),
            Trouble::Hang | Trouble::Down => return pending().await,
            Trouble::Drop => {
                self.0.cut_smsc();
                return pending().await;
            }
            Trouble::Slow if submit.priority_flag == 0 => self.0.until_trouble_ends(Trouble::Slow).await,
            _ => {}
        }
        let submitted = match check::read(&submit, &self.0.books()) {
            Ok(submitted) => submitted,
            Err(error) => return submit.reject(error),
        };
        let number = self.0.smsc().messages.fetch_add(1, Ordering::SeqCst) + 1;
        let is_whole = trouble != Trouble::Lose && self.0.take_in(&submitted, number).await;
        match trouble {
            Trouble::HangAfter if is_whole => pending().await,
            Trouble::DropAfter if is_whole => {
                self.0.cut_smsc();
                pending().await
            }
            _ => submit.accept(reports::name(number)),
        }
    }
}

impl Operator {
    /// Delivers what is whole by this message; gives whether anything is.
    async fn take_in(&self, submitted: &Submitted, number: u64) -> bool {
        lock(&self.smsc().wishes).push(submitted.wish.clone());
        let whole = lock(&self.smsc().assembly).add(submitted);
        let is_whole = whole.is_some();
        if let Some(text) = whole {
            let now = self.now();
            self.books().text(&submitted.to, text, now);
        }
        if submitted.wish.receipt {
            self.report(submitted, number).await;
        }
        is_whole
    }
}
