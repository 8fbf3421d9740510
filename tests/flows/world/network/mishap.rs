//! What befalls calls on the network, and which.

use bytes::Bytes;

/// What happens to calls on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
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
pub(super) struct Befallen {
    pub(super) authority: String,
    pub(super) body: Bytes,
    pub(super) mishap: Mishap,
}

pub(super) struct Disturbance {
    /// What the addresses of disturbed calls begin with.
    pub(super) to: String,
    pub(super) mishap: Mishap,
    pub(super) calls_left: u32,
}
