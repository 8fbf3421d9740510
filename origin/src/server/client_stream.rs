//! The socket of a client, with a deadline for what the client has to do next: begin a request, end
//! its head, or take the response. While the origin works on a request there is none.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// For the first request, and for the rest of a head that has begun. A caller sends a head at once;
/// over the worst line it takes a second.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// For the next request on a connection that has had one. Longer than proxies keep an idle
/// connection (nginx: 60 s), so that the proxy closes it, and not the origin under a request that
/// is on its way.
const IDLE_PATIENCE: Duration = Duration::from_secs(75);
/// For a client to take the next part of a response.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);

/// The requests of a connection, and whether one is being worked on.
#[derive(Default)]
pub(super) struct Exchange {
    under_way: AtomicBool,
    requests: AtomicU64,
}

impl Exchange {
    /// The head of a request has arrived.
    pub(super) fn begin(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.under_way.store(true, Ordering::Relaxed);
    }

    /// The response is ready to be sent.
    pub(super) fn end(&self) {
        self.under_way.store(false, Ordering::Relaxed);
    }
}

pub(super) struct ClientStream {
    socket: TcpStream,
    exchange: Arc<Exchange>,
    /// Requests whose heads have arrived.
    requests: u64,
    /// Whether some of the next head has arrived.
    head_begun: bool,
    read_deadline: Option<Pin<Box<Sleep>>>,
    write_deadline: Option<Pin<Box<Sleep>>>,
}

impl ClientStream {
    pub(super) fn new(socket: TcpStream, exchange: Arc<Exchange>) -> Self {
        Self { socket, exchange, requests: 0, head_begun: false, read_deadline: None, write_deadline: None }
    }

    /// Fails when the client has let the deadline pass, which begins now if there is none.
    fn poll_deadline(
        deadline: &mut Option<Pin<Box<Sleep>>>,
        patience: Duration,
        cx: &mut Context<'_>,
    ) -> Poll<io::Error> {
        let deadline = deadline.get_or_insert_with(|| Box::pin(sleep(patience)));
        deadline.as_mut().poll(cx).map(|()| io::ErrorKind::TimedOut.into())
    }

    fn poll_write_with(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = write(Pin::new(&mut self.socket), cx) {
            self.write_deadline = None;
            return Poll::Ready(written);
        }
        Self::poll_deadline(&mut self.write_deadline, WRITE_PATIENCE, cx).map(Err)
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let requests = this.exchange.requests.load(Ordering::Relaxed);
        if requests != this.requests {
            (this.requests, this.head_begun, this.read_deadline) = (requests, false, None);
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.socket).poll_read(cx, buffer);
        // A body has a deadline of its own.
        if this.exchange.under_way.load(Ordering::Relaxed) {
            return read;
        }
        if read.is_ready() {
            if !this.head_begun && buffer.filled().len() > before {
                this.head_begun = true;
                this.read_deadline = Some(Box::pin(sleep(HEAD_PATIENCE)));
            }
            return read;
        }
        let is_idle = !this.head_begun && requests > 0;
        let patience = if is_idle { IDLE_PATIENCE } else { HEAD_PATIENCE };
        Self::poll_deadline(&mut this.read_deadline, patience, cx).map(Err)
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_write_with(cx, |socket, cx| socket.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_write_with(cx, |socket, cx| socket.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}
