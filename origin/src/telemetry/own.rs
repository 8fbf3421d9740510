//! What is ours among all that a process says by `tracing`.

use tracing::Metadata;

/// The version in lines and spans.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The code whose spans and fields are ours. Fields of libraries may hold anything.
const OWN_TARGET: &str = "onbill_origin";

/// Whether a span or an event is of this program's own code.
pub fn is_own(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with(OWN_TARGET)
}
