//! The edge routes by what its key-value store has for a PAI. This module compares that with the
//! database.

use crate::fault::Failure;
use crate::instruments::{Alarm, Instruments, raise_alarm};
use crate::routes::authentic::PartnerCall;
use crate::store::Store;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;

/// Raises an alarm when the edge attributes the PAI to another subscriber. The call continues: the
/// database alone decides whose a PAI is, and a refusal would let an attacker who can write to the
/// edge's store stop charges.
pub(super) fn warn_if_routed_elsewhere(
    instruments: &Instruments,
    partner: &PartnerId,
    pai: Pai,
    believed: Option<&str>,
    handle: &str,
) {
    if believed.is_some_and(|believed| believed != handle) {
        let (alarms, alarm, partner) = (&instruments.alarms, Alarm::PaiMappingDiffers, partner.as_str());
        let message = "the edge's store maps this PAI to another subscriber";
        let pai = pai.masked();
        raise_alarm!(alarms, alarm, partner, %pai, "{message}");
    }
}

/// Checks the edge's routing where the use case itself does not read whose the PAI is.
pub(super) async fn check_routing(
    instruments: &Instruments,
    store: &Store,
    call: &PartnerCall,
    pai: Pai,
) -> Result<(), Failure> {
    if call.subscriber.is_some()
        && let Some(row) = store.find_pai(call.partner.clone(), pai).await?
    {
        warn_if_routed_elsewhere(instruments, &call.partner, pai, call.subscriber.as_deref(), &row.handle);
    }
    Ok(())
}
