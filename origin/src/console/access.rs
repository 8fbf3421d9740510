//! Whether a viewer may do something. One who may not gets 403, and the audit has it.

use super::Console;
use super::form::Posted;
use super::refused::Refused;
use super::viewer::Viewer;
use super::words::tried_words;
use crate::care::{Act, Role, refuse_number};
use crate::config::NumberPlan;
use crate::fault::{Failure, Fault};
use crate::store::AuditStamp;
use onbill_domain::ids::ExtId;
use onbill_domain::reject::{ErrorCode, Reject};

/// The viewer in the role that may do it. 403 `forbidden` without one, once the attempt is in the audit.
pub(crate) async fn require(
    console: &Console,
    viewer: &Viewer,
    act: Act,
    reference: Option<ExtId>,
) -> Result<AuditStamp, Refused> {
    // Of a person's roles the one without a ceiling counts.
    let has_ceiling =
        |role: &Role| act == Act::PostRefund && console.parts.gate.refund_ceilings(*role).is_some();
    let role = viewer.roles_for(act).min_by_key(has_ceiling);
    // A session has a role at least. The entry of one who may not has their first.
    let role = role.or_else(|| viewer.roles.first().copied());
    let role = role.ok_or(Fault::Broken("a session has no role"))?;
    let stamp = viewer.stamp(role, reference);
    match console.parts.gate.admit(None, stamp, act).await {
        // The words of the API are for those who write programs.
        Err(Failure::Reject(reject)) if reject.code == ErrorCode::Forbidden => {
            let message =
                format!("In your roles you may not {}. The attempt is in the audit.", tried_words(act));
            Err(Reject::new(ErrorCode::Forbidden, message).into())
        }
        admitted => Ok(admitted?),
    }
}

/// A form of a desk.
pub(crate) trait DeskForm {
    /// The field for a reference, such as a ticket.
    fn reference(&self) -> &str;

    /// The number of the customer whose page has the form.
    fn customer(&self) -> Option<&str> {
        None
    }
}

/// The same for a form: first whether the person may do it, so that the audit has also the attempt with a
/// malformed form. Then 400 `invalid-request` for the form, or its reference.
pub(crate) async fn require_with_form<T: DeskForm>(
    console: &Console,
    posted: Posted<T>,
    act: Act,
) -> Result<(Viewer, T, AuditStamp), Refused> {
    let Posted { viewer, form } = posted;
    let reference = form.as_ref().map(|form| read_reference(console.parts.numbers, form.reference()));
    let named = match &reference {
        Ok(Ok(reference)) => reference.clone(),
        _ => None,
    };
    let is_malformed = matches!(reference, Ok(Err(_)));
    let stamp = require(console, &viewer, act, named).await?;
    let form = form?;
    if is_malformed {
        read_reference(console.parts.numbers, form.reference())?;
    }
    Ok((viewer, form, stamp))
}

/// 400 `invalid-request` without a reference.
pub(crate) fn require_reference(stamp: &AuditStamp) -> Result<&ExtId, Reject> {
    stamp.reference.as_ref().ok_or_else(|| {
        Reject::invalid_request("Name a reference, such as the ticket: the audit and billing go by it.")
    })
}

/// `None` for an empty field. The audit keeps references permanently, and a customer's number is none,
/// with spaces or without.
pub(super) fn read_reference(numbers: NumberPlan, text: &str) -> Result<Option<ExtId>, Reject> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let reference = ExtId::parse(text).ok_or_else(|| {
        Reject::invalid_request("A reference is 1 to 128 letters, digits and signs, without spaces.")
    })?;
    refuse_number(numbers, &reference)?;
    Ok(Some(reference))
}
