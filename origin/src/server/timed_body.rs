//! A request's body, which has to arrive within a deadline as a whole: with a deadline for each
//! piece, a byte now and then would keep it open for hours.

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::try_unfold;
use std::io;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Bodies have at most 16 KiB. A caller sends one at once; over the worst line it takes a second.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// The body, which fails with [`io::ErrorKind::TimedOut`] at its deadline.
pub(super) fn limit_time(body: Body) -> Body {
    let deadline = Instant::now() + BODY_PATIENCE;
    Body::from_stream(try_unfold(body.into_data_stream(), move |body| next_chunk(body, deadline)))
}

async fn next_chunk(
    mut body: BodyDataStream,
    deadline: Instant,
) -> io::Result<Option<(Bytes, BodyDataStream)>> {
    match timeout_at(deadline, body.next()).await {
        Ok(Some(Ok(chunk))) => Ok(Some((chunk, body))),
        Ok(Some(Err(error))) => Err(io::Error::other(error)),
        Ok(None) => Ok(None),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}
