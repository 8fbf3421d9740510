//! `/origin/v1`: what an operator's origin reports to the edge, and who may.

pub(crate) mod pai_mapping;
pub(crate) mod pai_mappings;

use crate::admission::read_json_body;
use crate::call::Call;
use crate::config::Operator;
use crate::fault::HandlerError;
use crate::ott::authenticate::find_signing_key;
use crate::platform::Platform;
use onbill_domain::ids::OperatorId;
use onbill_domain::key::KeyUse;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::root_key::operator_of_key;
use onbill_domain::signature::ReceivedSignature;
use std::sync::Arc;

/// The operator whose origin has signed a call.
struct CallingOrigin(Arc<Operator>);

/// Who signed a call with a JSON body → else 415, 413, 401. The operator's entry is wrong or cannot be
/// read → 503.
async fn authenticate_origin<P: Platform>(call: &Call<'_, P>) -> Result<CallingOrigin, HandlerError> {
    read_json_body(call.request)?;
    let unauthorized = |why: &str| {
        call.warn(why);
        Reject::unauthorized()
    };
    // The id of the key says whose keys to verify with; they decide whether it is true.
    let presented = ReceivedSignature::from_headers(call.request.headers());
    let key_id = presented.and_then(|presented| presented.claimed_key_id());
    let operator = match key_id.and_then(|id| operator_of_key(KeyUse::OriginToEdge, &id)) {
        Some(id) => call.find_operator(id.as_str()).await?,
        None => None,
    };
    let operator = operator.ok_or_else(|| unauthorized("the signature names a key that is not there"))?;
    find_signing_key(call, operator.keys(), KeyUse::OriginToEdge).map_err(unauthorized)?;
    Ok(CallingOrigin(operator))
}

impl CallingOrigin {
    /// 403 unless it is that operator's own.
    fn check_operator(&self, operator: &OperatorId) -> Result<(), Reject> {
        if self.0.id == *operator { Ok(()) } else { Err(reject_caller()) }
    }
}

fn reject_caller() -> Reject {
    Reject::new(ErrorCode::Forbidden, "An origin speaks for its own operator.")
}
