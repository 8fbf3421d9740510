//! The edge routes by what its key-value store says of a PAI. Here that is compared with the books.

use crate::app::App;
use crate::fault::Failure;
use crate::routes::authentic::PartnerCall;
use onbill_domain::pai::Pai;

/// Raises an alarm when the edge believes that the PAI is someone else's. The call goes on: the books alone decide who
/// a PAI is, and refusing would let whoever can write to the edge's store stop charges.
pub(super) async fn compare(app: &App, call: &PartnerCall, pai: Pai) -> Result<(), Failure> {
    let Some(believed) = &call.subscriber else { return Ok(()) };
    if let Some(row) = app.store.pai(call.partner.clone(), pai).await?
        && row.handle != *believed
    {
        tracing::error!(%pai, alarm = "pai-mapping-differs", "the edge's store maps this PAI to another subscriber");
    }
    Ok(())
}
