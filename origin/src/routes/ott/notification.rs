//! `POST /ott/v1/notification`: a partner sends a message to a subscriber, whose number it does not
//! learn.

use super::routed;
use crate::ambient::{Clock, Random};
use crate::charge::not_cut_over;
use crate::config::Config;
use crate::delivery::{NotificationSms, WakeUp, seal};
use crate::fault::{Failure, Fault};
use crate::instruments::{Instruments, RateLimit};
use crate::keys::Vault;
use crate::routes::authentic::PartnerCall;
use crate::routes::state::action_parts;
use crate::store::{NewNotification, PostNotificationResult, Queue, Store};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use onbill_domain::limits::NOTIFICATIONS_PER_DAY_MAX;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::notification::{NotificationRequest, NotificationResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;
use zeroize::Zeroizing;

action_parts!(NotificationParts {
    config: Arc<Config>,
    store: Arc<Store>,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    wake_up: WakeUp,
    instruments: Arc<Instruments>,
});

/// 1. Checks the request: 400 `invalid-request`.
/// 2. Records the message durably: 503 `service-unavailable` for a PAI that is dark, 404 `pai-not-found`, 422 `idempotency-violation`, or 429 until
///    the next day (UTC) when the subscriber has had today's messages. A message that was accepted
///    before under this id is accepted again, unchanged.
/// 3. 202: whether to send the message is decided when it is due; the partner does not learn here
///    what becomes of the subscriber until then.
pub(in crate::routes) async fn send_notification(
    State(parts): State<NotificationParts>,
    call: PartnerCall,
) -> Result<(StatusCode, Json<NotificationResponse>), Failure> {
    let NotificationParts { config, store, vault, clock, random, wake_up, instruments } = parts;
    // 1.
    let request: NotificationRequest = parse(&call.body)?;
    request.check()?;
    routed::check_routing(&instruments, &store, &call, request.pai).await?;

    // 2.
    let now = clock.now();
    let spelled = serde_json::to_vec(&request).map_err(|_| Fault::Broken("a request does not serialize"))?;
    let spelled = Zeroizing::new(spelled);
    let body = prefix_sender(config.partner_name(&call.partner), &request.message);
    let text = NotificationSms { body, prepaid_body: None };
    let new = NewNotification {
        notification_id: random.uuid(),
        partner: call.partner,
        pai: request.pai,
        named: request.ext_notification_id.map(|name| (name, vault.notification_mac(&spelled))),
        message: seal(&vault, &*random, &text)?,
    };
    match store.post_notification(call.nonce, now, new).await? {
        PostNotificationResult::Accepted | PostNotificationResult::Replayed => {}
        PostNotificationResult::Conflict => {
            let message = "extNotificationID was used for another message.";
            return Err(Reject::new(ErrorCode::IdempotencyViolation, message).into());
        }
        PostNotificationResult::PaiNotFound => {
            return Err(Reject::new(ErrorCode::PaiNotFound, "There is no such PAI.").into());
        }
        PostNotificationResult::NotCutOver => return Err(not_cut_over().into()),
        PostNotificationResult::TooMany => {
            instruments.metrics.refusals.note_limited(RateLimit::Notifications);
            return Err(too_many(now).into());
        }
    }
    wake_up.wake(Queue::Notifications);

    // 3.
    Ok((StatusCode::ACCEPTED, Json(NotificationResponse::accepted())))
}

/// The SMS body. The SMS comes from the operator's number, so it begins with the partner's name: no
/// partner's message can pass for a PIN or for a message of the operator.
fn prefix_sender(partner: &str, message: &str) -> String {
    format!("{partner}: {message}")
}

fn too_many(now: Timestamp) -> Reject {
    let left = 86_400 - now.unix_seconds().rem_euclid(86_400);
    let message = format!("The subscriber has had the {NOTIFICATIONS_PER_DAY_MAX} messages of today.");
    Reject::too_many_requests(message, u32::try_from(left).unwrap_or(86_400))
}
