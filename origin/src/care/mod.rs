//! Customer care: from a number to what its present subscriber is charged for, and who may do what.

mod desk;
mod disputes;
mod explanation;
mod gate;
mod person_export;
mod reference;
pub mod roles;

pub use desk::CareDesk;
pub(crate) use desk::LINKS_WITH_CHARGES_MAX;
pub use disputes::Disputes;
pub(crate) use explanation::{close_words, explain};
pub use gate::DeskGate;
pub use person_export::{ExportListError, ExportReport, PersonExport};
pub use reference::refuse_number;
pub use roles::{Act, Role, permits};

use onbill_domain::reject::{ErrorCode, Reject};

/// What a desk asks of a PAI that is loaded and not cut over is the other system's to do. The person cannot wait
/// for the cut-over, so it says what they can do.
pub(crate) fn charged_elsewhere() -> Reject {
    Reject::new(
        ErrorCode::ServiceUnavailable,
        "Another system charges this customer until they are switched to onbill: do this in that system, if it \
         is not done yet.",
    )
}
