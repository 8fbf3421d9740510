//! What befalls calls on the network, and which.

use bytes::Bytes;

/// What happens to calls on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkFault {
    /// The request does not arrive.
    Lost,
    /// The request arrives when its caller has long given up.
    Late,
    /// The request arrives twice, and either answer comes back.
    Twice,
    /// The request is answered 503 and not acted on.
    Refused,
    /// The request arrives, and is acted on; the answer does not.
    AnswerLost,
    /// The request is acted on, and answered 500.
    FailsAfter,
    /// The request is acted on; the answer arrives as something else.
    Garbled,
    /// The call takes minutes, in which the outboxes are worked on.
    Stalls,
}

/// A call that met a mishap.
pub(crate) struct FaultedCall {
    pub(crate) authority: String,
    pub(crate) body: Bytes,
    pub(crate) fault: NetworkFault,
}

pub(crate) struct ActiveFault {
    /// What the addresses of disturbed calls begin with.
    pub(crate) to: String,
    pub(crate) mishap: NetworkFault,
    pub(crate) calls_left: u32,
}
