//! The faults of calls on the network.

use bytes::Bytes;

/// What happens to calls on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkFault {
    /// The request does not arrive.
    Lost,
    /// The request arrives long after its caller has timed out.
    Late,
    /// The request arrives twice, and either response comes back.
    Twice,
    /// The response is 503, and the request is not acted on.
    Refused,
    /// The request is acted on; the response is lost.
    AnswerLost,
    /// The request is acted on; the response is 500.
    FailsAfter,
    /// The request is acted on; the response arrives corrupted.
    Garbled,
    /// The call takes minutes, during which the outboxes are processed.
    Stalls,
}

/// A call that met a fault.
pub(crate) struct FaultedCall {
    pub(crate) authority: String,
    pub(crate) body: Bytes,
    pub(crate) fault: NetworkFault,
}

pub(crate) struct ActiveFault {
    /// Prefix of the addresses of disturbed calls.
    pub(crate) to: String,
    pub(crate) mishap: NetworkFault,
    pub(crate) calls_left: u32,
}
