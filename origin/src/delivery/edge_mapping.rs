//! The edge's KV store: it holds the state of each PAI, and the edge uses it to route a PAI to this
//! origin.

use super::retry::RetrySchedule;
use crate::http::{SignedClient, Unreachable};
use crate::instruments::{Instruments, Receiver};
use crate::store::{JobKind, NextStep, PaiStatus, Store, WebhookOutcome};
use bytes::Bytes;
use http::{Response, StatusCode};
use onbill_domain::ids::OperatorId;
use onbill_domain::key::{KeyUse, Party};
use onbill_domain::pai::Pai;
use onbill_domain::wire::kv::PaiMapping;
use onbill_domain::wire::origin::{
    PAI_MAPPING_PATH, PAI_MAPPINGS_PATH, PaiMappingRequest, PaiMappingsRequest, PaiMappingsResponse,
};
use serde::Serialize;
use std::sync::Arc;

/// Reports the state of PAIs to the edge.
pub struct EdgeMappings {
    pub(crate) operator: OperatorId,
    pub(crate) edge_url: String,
    pub(crate) store: Arc<Store>,
    pub(crate) client: SignedClient,
    pub(crate) retry: RetrySchedule,
    pub(crate) instruments: Arc<Instruments>,
}

impl EdgeMappings {
    /// Makes one attempt at updating the mapping of a PAI. It is retried until the edge has it.
    pub(super) async fn update_mapping(&self, pai: Pai, attempt: u32) -> WebhookOutcome {
        let status = match self.store.find_pai_status(pai).await {
            Ok(Some(status)) => status,
            Ok(None) => return WebhookOutcome::NotDelivered(NextStep::Drop),
            Err(error) => {
                tracing::error!(fault = ?error, "the state of a PAI could not be read");
                return self.retry.plan(JobKind::PaiMapping.spec().retry, attempt).into();
            }
        };
        let request = PaiMappingRequest { pai, mapping: self.mapping_of(&status) };
        let response = self.post_to_edge(PAI_MAPPING_PATH, &request).await;
        match response.ok().map(|response| response.status()) {
            Some(status) if status.is_success() => WebhookOutcome::Delivered,
            status => {
                let status = status.map(|status| status.as_u16());
                tracing::warn!(
                    receiver = "edge",
                    attempt,
                    status,
                    "the edge did not accept the state of a PAI"
                );
                self.retry.plan(JobKind::PaiMapping.spec().retry, attempt).into()
            }
        }
    }

    /// Returns what the edge has later than these mappings. Nothing is written there. The error is
    /// that it does not answer, or not as this edge does.
    pub(crate) async fn read_later_mappings(
        &self,
        mappings: &[PaiMappingRequest],
    ) -> Result<Vec<PaiMappingRequest>, Unreachable> {
        let request = PaiMappingsRequest { mappings: mappings.to_vec(), compare_only: true };
        let answer = self.post_to_edge(PAI_MAPPINGS_PATH, &request).await?;
        let read = || serde_json::from_slice::<PaiMappingsResponse>(answer.body()).ok();
        let answer = (answer.status() == StatusCode::OK).then(read).flatten().ok_or(Unreachable)?;
        let is_complete = answer.ahead.iter().all(|pai| answer.later.iter().any(|later| later.pai == *pai));
        if is_complete { Ok(answer.later) } else { Err(Unreachable) }
    }

    /// Builds the mapping that the edge is to hold for a PAI.
    pub(crate) fn mapping_of(&self, status: &PaiStatus) -> PaiMapping {
        PaiMapping {
            operator: self.operator.clone(),
            subscriber: status.handle.clone(),
            state: status.state,
            version: status.version,
        }
    }

    /// Makes a signed call to the edge.
    pub(super) async fn post_to_edge<T: Serialize>(
        &self,
        path: &str,
        body: &T,
    ) -> Result<Response<Bytes>, Unreachable> {
        let url = format!("{}{path}", self.edge_url);
        let party = Party::operator(&self.operator);
        let response = self.client.post(KeyUse::OriginToEdge, &party, &url, body).await;
        let was_taken = response.as_ref().is_ok_and(|response| response.status().is_success());
        self.instruments.signals.note_call(Receiver::Edge, was_taken);
        response
    }
}
