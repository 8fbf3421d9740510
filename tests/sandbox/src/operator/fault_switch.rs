//! `/faults`: which calls of the CSP API fail, and how, and the SMSC's faults. A POST replaces the
//! whole set, so `{}` clears all faults.

use super::Operator;
use super::smsc::{ReceiptFault, SmscFault};
use crate::answer::Refusal;
use crate::faults::{Fault, interpose};
use axum::Json;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::Method;
use onbill_domain::wire;
use serde::{Deserialize, Serialize};

/// The set. All are off by default.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(super) struct OperatorFaults {
    /// The whole CSP API answers 503.
    down: bool,
    account_validate: Fault,
    transaction: Fault,
    transaction_status: Fault,
    refund: Fault,
    notification: Fault,
    sendsms: Fault,
    smsc: SmscFault,
    receipts: ReceiptFault,
}

impl OperatorFaults {
    fn of(self, method: &Method, path: &str) -> Fault {
        match path.trim_start_matches("/csp/") {
            _ if self.down => Fault::Down,
            "account/validate" => self.account_validate,
            "refund" => self.refund,
            "notification" => self.notification,
            "/cgi-bin/sendsms" => self.sendsms,
            "transaction" if method == Method::POST => self.transaction,
            _ => self.transaction_status,
        }
    }
}

/// Wraps the CSP API.
pub(super) async fn apply(State(operator): State<Operator>, request: Request, next: Next) -> Response {
    let fault = operator.faults().of(request.method(), request.uri().path());
    interpose(fault, request, next).await
}

pub(super) async fn get_faults(State(operator): State<Operator>) -> Json<OperatorFaults> {
    Json(operator.faults())
}

pub(super) async fn post_faults(
    State(operator): State<Operator>,
    body: Bytes,
) -> Result<Json<OperatorFaults>, Refusal> {
    let faults = wire::parse(&body)?;
    operator.0.faults.send_replace(faults);
    if faults.smsc == SmscFault::Down {
        operator.cut_smsc();
    }
    operator.release_reports();
    Ok(Json(faults))
}

impl Operator {
    fn faults(&self) -> OperatorFaults {
        *self.0.faults.borrow()
    }

    pub(super) fn trouble(&self) -> SmscFault {
        self.faults().smsc
    }

    /// Waits until the SMSC has this fault.
    pub(super) async fn until_trouble_begins(&self, trouble: SmscFault) {
        // The sender belongs to the operator, which is alive.
        let _ = self.0.faults.subscribe().wait_for(|faults| faults.smsc == trouble).await;
    }

    /// Waits until the SMSC has another fault, or none.
    pub(super) async fn until_trouble_ends(&self, trouble: SmscFault) {
        let _ = self.0.faults.subscribe().wait_for(|faults| faults.smsc != trouble).await;
    }

    pub(super) fn reporting(&self) -> ReceiptFault {
        self.faults().receipts
    }
}
