//! `GET /operator/v1/alarms`: the alarms that are active.

use crate::fault::Failure;
use crate::instruments::StoredAlarm;
use crate::routes::authentic::OperatorCall;
use crate::store::{AlarmFilter, Store};
use axum::Json;
use axum::extract::State;
use onbill_domain::wire::queue::{AlarmView, AlarmsResponse};
use std::sync::Arc;

/// 200 with the alarms that are active, [`ALARMS_LISTED_MAX`](crate::store::ALARMS_LISTED_MAX) at
/// most.
pub(in crate::routes) async fn list_alarms(
    State(store): State<Arc<Store>>,
    _: OperatorCall,
) -> Result<Json<AlarmsResponse>, Failure> {
    let stored = store.list_alarms(AlarmFilter::Active).await?;
    let view = |stored: StoredAlarm| AlarmView {
        alarm: stored.alarm.as_str().to_owned(),
        severity: stored.alarm.severity().as_str().to_owned(),
        kind: stored.alarm.kind().as_str().to_owned(),
        subject: stored.subject,
        instance: stored.instance,
        raised_at: stored.raised_at,
        last_seen_at: stored.last_seen_at,
        count: stored.count,
    };
    Ok(Json(AlarmsResponse { alarms: stored.into_iter().map(view).collect() }))
}
