//! The edge routes by what its key-value store says of a PAI. Here that is compared with the books.

use crate::app::App;
use crate::fault::Failure;
use crate::routes::authentic::PartnerCall;
use onbill_domain::pai::Pai;
use onbill_domain::reject::{Code, Reject};

/// Raises an alarm and refuses (503: the edge's store has to be mended first) when the edge believes that the PAI is
/// someone else's. An unknown PAI passes: the use case answers for it.
pub(super) async fn compare(app: &App, call: &PartnerCall, pai: Pai) -> Result<(), Failure> {
    let Some(believed) = &call.subscriber else { return Ok(()) };
    match app.store.pai(call.partner.clone(), pai).await? {
        Some(row) if row.handle != *believed => {
            tracing::error!(%pai, alarm = "pai-mapping-differs", "the edge's store maps this PAI to another subscriber");
            Err(Reject::new(Code::ServiceUnavailable, "The PAI's mapping is being mended.").into())
        }
        _ => Ok(()),
    }
}
