//! What a call about a number says of where it belongs. The edge has chosen this origin by it.

use crate::config::Config;
use onbill_domain::ids::{OperatorId, PartnerId};
use onbill_domain::reject::{ErrorCode, Reject};

/// 1. The call is for this operator, if it names one → else 400 `parameter-not-supported`, and an alarm: the partner has
///    signed the name, and the edge has brought somebody's number here all the same. A call without a name can be for
///    anybody: there, the edge is believed.
/// 2. The partner delivers something here → else 400 `parameter-not-supported`.
pub(super) fn check_addressee(
    config: &Config,
    partner: &PartnerId,
    operator: Option<&OperatorId>,
) -> Result<(), Reject> {
    // 1.
    if operator.is_some_and(|named| *named != config.operator) {
        tracing::error!(
            alarm = "call-for-another-operator",
            "the edge brought a call that is not for this operator"
        );
        return Err(Reject::new(ErrorCode::ParameterNotSupported, "operator is not served here."));
    }
    // 2.
    if config.offers.iter().any(|offer| offer.partner == *partner) {
        Ok(())
    } else {
        Err(Reject::new(ErrorCode::ParameterNotSupported, "Nothing of this partner is on sale here."))
    }
}
