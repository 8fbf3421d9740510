//! One bound connection to an SMSC: requests with their responses, its reports, and the check that
//! it is alive.
//!
//! Everything that waits is bounded: requests by the window, reports by [`REPORTS_MAX`], what is to
//! be written by both. A report is acknowledged when it has been stored, and not before; several
//! are stored at once, because each SMS has one.

use super::deliver::Deliver;
use super::message_ids::MessageIds;
use super::pdu::{self, Incoming};
use super::receipt::{self, DeliverReport};
use crate::sms::receipt::{ReceiptNotStored, ReceiptSink};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use rusmpp::pdus::{BindTransceiver, DeliverSmResp};
use rusmpp::{CommandId, CommandStatus, Pdu};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::codec::{FramedRead, LengthDelimitedCodec};

/// Reports that may wait to be stored. With more, the SMSC is asked to send them again later.
const REPORTS_MAX: usize = 64;
/// Reports that are stored at once: enough that their commits share an fsync.
const TAKEN_AT_ONCE: usize = 16;
/// How long the end of a session may take, at either side's wish: the process may be about to stop,
/// and an SMSC that does not respond must not hold it.
const UNBIND_PATIENCE: Duration = Duration::from_secs(1);
/// Sequence numbers go from 1 to this, and start again (§3.2).
const SEQUENCE_MAX: u32 = 0x7FFF_FFFF;

/// The transport of a session.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BindError {
    /// The SMSC refuses the bind.
    Refused(CommandStatus),
    /// There was no response, or a malformed one.
    Silent,
}

/// Why a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionEnd {
    /// The connection is closed or broken.
    Closed,
    /// The SMSC has ended it, by unbinding.
    Unbound,
    /// We have ended it, by unbinding.
    Left,
    /// The SMSC no longer responds.
    Silent,
    /// The SMSC sends bytes that are not a PDU.
    Garbled,
}

/// Why a request has no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoResponse {
    /// The request was never sent.
    NotSent,
    /// The request may have been sent.
    Unclear,
}

/// A session, for the senders of requests.
pub(super) struct Session {
    outgoing: mpsc::Sender<Frame>,
    asked: Mutex<PendingRequests>,
    patience: Duration,
    /// Notified when the connection is to be closed.
    left: Notify,
}

/// A PDU to be written.
struct Frame {
    octets: Bytes,
    /// Nothing is written after it.
    is_last: bool,
}

/// Requests without a response yet.
#[derive(Default)]
struct PendingRequests {
    last_sequence: u32,
    by_sequence: HashMap<u32, WaitingSender>,
}

/// Who waits for a response.
struct WaitingSender {
    response: oneshot::Sender<Incoming>,
    /// Where to note the message id, if there will be a receipt for it.
    ids: Option<Arc<MessageIds>>,
}

/// The connection behind a session, for the task that runs it.
pub(super) struct Connection {
    reader: Reader,
    writer: WriteHalf<Box<dyn Wire>>,
    outgoing: mpsc::Receiver<Frame>,
}

type Reader = FramedRead<ReadHalf<Box<dyn Wire>>, LengthDelimitedCodec>;

/// Binds for sending and for receiving.
pub(super) async fn bind(
    wire: Box<dyn Wire>,
    bind: BindTransceiver,
    window: u16,
    patience: Duration,
) -> Result<(Session, Connection), BindError> {
    let (reader, mut writer) = tokio::io::split(wire);
    let mut reader = FramedRead::new(reader, pdu::frame_codec());
    let asked = PendingRequests { last_sequence: 1, ..PendingRequests::default() };
    let handshake = async {
        let bind = pdu::encode(CommandStatus::EsmeRok, asked.last_sequence, &Pdu::from(bind));
        writer.write_all(&bind).await.ok()?;
        Incoming::parse(reader.next().await?.ok()?)
    };
    let answer = tokio::time::timeout(patience, handshake).await.ok().flatten().ok_or(BindError::Silent)?;
    match (answer.id, answer.status) {
        (CommandId::BindTransceiverResp, CommandStatus::EsmeRok) => {}
        (CommandId::BindTransceiverResp | CommandId::GenericNack, status) => {
            return Err(BindError::Refused(status));
        }
        _ => return Err(BindError::Silent),
    }
    let (to_send, outgoing) = mpsc::channel(usize::from(window) + REPORTS_MAX);
    let session = Session { outgoing: to_send, asked: Mutex::new(asked), patience, left: Notify::new() };
    Ok((session, Connection { reader, writer, outgoing }))
}

impl Session {
    /// Sends a request, and waits for the response. It may be dropped at any time. The message id of
    /// a response goes to `ids`, if there will be a receipt for it.
    pub(super) async fn send_request(
        &self,
        pdu: &Pdu,
        ids: Option<Arc<MessageIds>>,
    ) -> Result<Incoming, NoResponse> {
        let (question, answer) = self.expect_response(ids);
        let octets = pdu::encode(CommandStatus::EsmeRok, question.sequence, pdu);
        let frame = Frame { octets, is_last: false };
        let asked = async {
            self.outgoing.send(frame).await.map_err(|_| NoResponse::NotSent)?;
            answer.await.map_err(|_| NoResponse::Unclear)
        };
        tokio::time::timeout(self.patience, asked).await.unwrap_or(Err(NoResponse::Unclear))
    }

    /// Unbinds (SMPP 3.4 §4.2), waits a second at most for the response, and closes the connection
    /// in any case: many SMSCs leave that to the side that unbinds. False when there was no response.
    pub(super) async fn unbind(&self) -> bool {
        let unbinding = self.send_request(&Pdu::Unbind, None);
        let unbound = tokio::time::timeout(UNBIND_PATIENCE, unbinding).await;
        self.left.notify_one();
        matches!(unbound, Ok(Ok(_)))
    }

    fn expect_response(
        &self,
        ids: Option<Arc<MessageIds>>,
    ) -> (PendingRequest<'_>, oneshot::Receiver<Incoming>) {
        let (response, answer) = oneshot::channel();
        let mut asked = self.pending_requests();
        let sequence = asked.last_sequence % SEQUENCE_MAX + 1;
        asked.last_sequence = sequence;
        asked.by_sequence.insert(sequence, WaitingSender { response, ids });
        (PendingRequest { session: self, sequence }, answer)
    }

    /// Passes a response to the request that waits for it. A response that comes too late is
    /// dropped. The message id is noted here and not by the sender, because the receipt may be right
    /// behind the response, and is read before the sender runs.
    fn complete_request(&self, answer: Incoming) {
        let Some(waiting) = self.pending_requests().by_sequence.remove(&answer.sequence) else { return };
        if let (CommandStatus::EsmeRok, Some(ids)) = (answer.status, &waiting.ids)
            && let Some(id) = answer.message_id()
        {
            ids.note_answer(&id);
        }
        let _ = waiting.response.send(answer);
    }

    async fn send_response(&self, status: CommandStatus, sequence: u32, pdu: &Pdu) -> Result<(), SessionEnd> {
        let frame = Frame { octets: pdu::encode(status, sequence, pdu), is_last: false };
        self.outgoing.send(frame).await.map_err(|_| SessionEnd::Closed)
    }

    /// Confirms the SMSC's unbind. The session ends when the response is written, or cannot be: the
    /// SMSC may keep a session that it gets no response for.
    async fn confirm_unbind(&self, sequence: u32) -> SessionEnd {
        let octets = pdu::encode(CommandStatus::EsmeRok, sequence, &Pdu::UnbindResp);
        let confirming = async {
            if self.outgoing.send(Frame { octets, is_last: true }).await.is_ok() {
                std::future::pending::<()>().await;
            }
        };
        let _ = tokio::time::timeout(UNBIND_PATIENCE, confirming).await;
        SessionEnd::Unbound
    }

    fn pending_requests(&self) -> MutexGuard<'_, PendingRequests> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An entry among the pending requests, removed when its sender stops waiting.
struct PendingRequest<'a> {
    session: &'a Session,
    sequence: u32,
}

impl Drop for PendingRequest<'_> {
    fn drop(&mut self) {
        self.session.pending_requests().by_sequence.remove(&self.sequence);
    }
}

impl Connection {
    /// Runs until the session has ended. Requests that still wait for a response then fail.
    pub(super) async fn run(
        self,
        session: &Session,
        enquire: Duration,
        receipts: &dyn ReceiptSink,
    ) -> SessionEnd {
        let Self { reader, writer, outgoing } = self;
        let (to_take, reports) = mpsc::channel(REPORTS_MAX);
        let ended = tokio::select! {
            ended = write_frames(writer, outgoing) => ended,
            ended = read_frames(session, reader, to_take) => ended,
            ended = enquire_links(session, enquire) => ended,
            ended = store_receipts(session, reports, receipts) => ended,
            () = session.left.notified() => SessionEnd::Left,
        };
        session.pending_requests().by_sequence.clear();
        ended
    }
}

async fn write_frames(
    mut writer: WriteHalf<Box<dyn Wire>>,
    mut outgoing: mpsc::Receiver<Frame>,
) -> SessionEnd {
    while let Some(Frame { octets, is_last }) = outgoing.recv().await {
        if writer.write_all(&octets).await.is_err() || writer.flush().await.is_err() {
            break;
        }
        if is_last {
            return SessionEnd::Unbound;
        }
    }
    SessionEnd::Closed
}

async fn read_frames(
    session: &Session,
    mut reader: Reader,
    reports: mpsc::Sender<(u32, Deliver)>,
) -> SessionEnd {
    loop {
        let incoming = match reader.next().await {
            Some(Ok(frame)) => Incoming::parse(frame),
            Some(Err(error)) if error.kind() == std::io::ErrorKind::InvalidData => None,
            Some(Err(_)) | None => return SessionEnd::Closed,
        };
        let Some(incoming) = incoming else { return SessionEnd::Garbled };
        if let Err(ended) = handle_pdu(session, incoming, &reports).await {
            return ended;
        }
    }
}

/// Handles a received PDU.
async fn handle_pdu(
    session: &Session,
    incoming: Incoming,
    reports: &mpsc::Sender<(u32, Deliver)>,
) -> Result<(), SessionEnd> {
    let sequence = incoming.sequence;
    match incoming.id {
        CommandId::SubmitSmResp
        | CommandId::EnquireLinkResp
        | CommandId::UnbindResp
        | CommandId::GenericNack => {
            session.complete_request(incoming);
            Ok(())
        }
        CommandId::EnquireLink => {
            session.send_response(CommandStatus::EsmeRok, sequence, &Pdu::EnquireLinkResp).await
        }
        CommandId::Unbind => Err(session.confirm_unbind(sequence).await),
        CommandId::DeliverSm => {
            let status = match (Deliver::parse(incoming.body), reports.try_reserve()) {
                (Some(report), Ok(place)) => {
                    place.send((sequence, report));
                    return Ok(());
                }
                (Some(_), Err(_)) => CommandStatus::EsmeRxTAppn,
                // Permanent, because the report would be malformed the next time too.
                (None, _) => {
                    tracing::warn!("the SMSC sends a report that cannot be read");
                    CommandStatus::EsmeRxPAppn
                }
            };
            session.send_response(status, sequence, &DeliverSmResp::default().into()).await
        }
        // These need no response.
        CommandId::AlertNotification | CommandId::Outbind => Ok(()),
        id if id.is_response() => Ok(()),
        _ => session.send_response(CommandStatus::EsmeRinvcmdid, sequence, &Pdu::GenericNack).await,
    }
}

/// Checks at intervals that the SMSC is alive.
async fn enquire_links(session: &Session, every: Duration) -> SessionEnd {
    loop {
        tokio::time::sleep(every).await;
        if session.send_request(&Pdu::EnquireLink, None).await.is_err() {
            return SessionEnd::Silent;
        }
    }
}

/// Stores reports, concurrently with everything else: it may take as long as the database does.
async fn store_receipts(
    session: &Session,
    mut reports: mpsc::Receiver<(u32, Deliver)>,
    receipts: &dyn ReceiptSink,
) -> SessionEnd {
    let reports = stream::poll_fn(|context| reports.poll_recv(context)).map(Ok);
    let taken = reports.try_for_each_concurrent(TAKEN_AT_ONCE, async |(sequence, deliver)| {
        let status = match receipt::parse_deliver(&deliver) {
            DeliverReport::Final(receipt) => match receipts.store_receipt(receipt).await {
                Ok(()) => CommandStatus::EsmeRok,
                Err(ReceiptNotStored) => CommandStatus::EsmeRxTAppn,
            },
            DeliverReport::Unreadable => {
                tracing::warn!("the SMSC sends a report without the id or the state of a message");
                CommandStatus::EsmeRok
            }
            DeliverReport::Underway | DeliverReport::Other => CommandStatus::EsmeRok,
        };
        session.send_response(status, sequence, &DeliverSmResp::default().into()).await
    });
    taken.await.err().unwrap_or(SessionEnd::Closed)
}
