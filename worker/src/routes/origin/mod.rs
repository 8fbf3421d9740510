//! `/origin/v1`: what an operator's origin reports to the edge, and who may.

pub(crate) mod pai_mapping;
pub(crate) mod pai_mappings;

use crate::admission::read_json_body;
use crate::call::Call;
use crate::fault::HandlerError;
use crate::ott::authenticate::find_signing_key;
use crate::platform::Platform;
use onbill_domain::ids::OperatorId;
use onbill_domain::key::{Key, KeyUse, Party};
use onbill_domain::reject::{ErrorCode, Reject};

/// The origin that has signed a call, by its key.
struct CallingOrigin<'k>(&'k Key);

/// Who signed a call with a JSON body → else 415, 413, 401.
fn authenticate_origin<'c, P: Platform>(call: &'c Call<'_, P>) -> Result<CallingOrigin<'c>, HandlerError> {
    read_json_body(call.request)?;
    let key = find_signing_key(call, KeyUse::OriginToEdge).map_err(|why| {
        call.warn(why);
        Reject::unauthorized()
    })?;
    Ok(CallingOrigin(key))
}

impl CallingOrigin<'_> {
    /// 403 unless it is that operator's own.
    fn check_operator(&self, operator: &OperatorId) -> Result<(), Reject> {
        if self.0.party == Party::operator(operator) { Ok(()) } else { Err(forbidden()) }
    }
}

fn forbidden() -> Reject {
    Reject::new(ErrorCode::Forbidden, "An origin speaks for its own operator.")
}
