//! Laying the edge's store beside the books, after an outage or the loss of the store: it is told how every PAI stands, and
//! follows where it is behind. Charges, sign-ups and events go on meanwhile; what is told is read a moment before.
//!
//! What the edge knows better than the books is never written over, here as little as there: it is a finding.

use super::edge_mapping::EdgeMappings;
use crate::store::{PaiStatus, StoreError};
use futures_util::future::join_all;
use http::StatusCode;
use onbill_domain::limits::PAI_MAPPINGS_PER_CALL_MAX;
use onbill_domain::pai::Pai;
use onbill_domain::wire::origin::{
    PAI_MAPPINGS_PATH, PaiMappingRequest, PaiMappingsRequest, PaiMappingsResponse,
};
use std::time::Duration;

/// PAIs read at once, and told in eight calls at once: tens of thousands of PAIs a minute, and few enough calls to leave the
/// edge to its customers.
const PAGE: u32 = 200;

/// Pauses before the edge is asked again that did not answer, or said that it could not; then the comparison stops. A
/// deployment of the edge and a hiccup of its store are over by then, and a person has not yet lost patience.
pub const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(10), Duration::from_secs(30)];

/// A comparison to be made.
pub struct KvComparison<'a> {
    /// The edge, and the database that it is compared with.
    pub edge: &'a EdgeMappings,
    /// Nothing is to be written.
    pub compare_only: bool,
    /// Pauses before the edge is asked again.
    pub pauses: &'a [Duration],
}

/// What has come out so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KvReport {
    /// How many the edge had as the books say.
    pub same: usize,
    /// How many were missing there, unreadable or older: mended, unless nothing was to be written.
    pub behind: usize,
    /// Which the edge knows something later of, or something else under the same version.
    pub ahead: Vec<Pai>,
    /// Which are another operator's at the edge.
    pub foreign: Vec<Pai>,
    /// The last up to which all were compared.
    pub through: Option<Pai>,
}

impl KvReport {
    /// How many were compared.
    pub fn compared(&self) -> usize {
        self.same + self.behind + self.findings()
    }

    /// How many of them need a person.
    pub fn findings(&self) -> usize {
        self.ahead.len() + self.foreign.len()
    }
}

/// Why a comparison did not come to its end. What is in the report is done, and may be done again.
#[derive(Debug)]
pub enum KvSyncError {
    /// The books fail.
    Store(StoreError),
    /// The edge did not answer, or not with what was asked for; with its status.
    Edge(Option<StatusCode>),
}

impl From<StoreError> for KvSyncError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl KvComparison<'_> {
    /// Compares all PAIs of the books, in their own order. `progress` sees the report after each page.
    pub async fn run(
        &self,
        report: &mut KvReport,
        mut progress: impl FnMut(&KvReport),
    ) -> Result<(), KvSyncError> {
        loop {
            let page = self.edge.store.list_pai_statuses(report.through, PAGE).await?;
            let Some(last) = page.last().map(|(pai, _)| *pai) else { return Ok(()) };
            let batches =
                page.chunks(PAI_MAPPINGS_PER_CALL_MAX).map(|batch| self.compare_batch(batch.to_vec()));
            let mut stopped = None;
            for outcome in join_all(batches).await {
                match outcome {
                    Ok(answer) => {
                        report.same += answer.same;
                        report.behind += answer.behind;
                        report.ahead.extend(answer.ahead);
                        report.foreign.extend(answer.foreign);
                    }
                    Err(why) => stopped = stopped.or(Some(why)),
                }
            }
            if let Some(why) = stopped {
                return Err(why);
            }
            report.through = Some(last);
            progress(report);
        }
    }

    /// Compares a batch. Where the edge knows something later it may have heard of a change of this very moment: what
    /// has changed in the books since they were read is compared again.
    async fn compare_batch(
        &self,
        mut batch: Vec<(Pai, PaiStatus)>,
    ) -> Result<PaiMappingsResponse, KvSyncError> {
        let mut total = PaiMappingsResponse::default();
        while !batch.is_empty() {
            let answer = self.send_batch(&mut batch).await?;
            total.same += answer.same;
            total.behind += answer.behind;
            total.foreign.extend(answer.foreign);
            let told = std::mem::take(&mut batch);
            for (pai, standing) in told.into_iter().filter(|(pai, _)| answer.ahead.contains(pai)) {
                match self.edge.store.find_pai_status(pai).await? {
                    Some(now) if now != standing => batch.push((pai, now)),
                    _ => total.ahead.push(pai),
                }
            }
        }
        Ok(total)
    }

    /// Tells the edge, as often as there are pauses. What it is told again is read again: an old word could be written
    /// over one that the edge's store has, but does not show yet.
    async fn send_batch(&self, batch: &mut [(Pai, PaiStatus)]) -> Result<PaiMappingsResponse, KvSyncError> {
        for pause in self.pauses {
            match self.try_to_send_batch(batch).await {
                Ok(answer) => return Ok(answer),
                Err(status) if is_transient(status) => tokio::time::sleep(*pause).await,
                Err(status) => return Err(KvSyncError::Edge(status)),
            }
            for (pai, standing) in batch.iter_mut() {
                if let Some(now) = self.edge.store.find_pai_status(*pai).await? {
                    *standing = now;
                }
            }
        }
        self.try_to_send_batch(batch).await.map_err(KvSyncError::Edge)
    }

    /// One attempt; the status is of what is no answer to the question.
    async fn try_to_send_batch(
        &self,
        batch: &[(Pai, PaiStatus)],
    ) -> Result<PaiMappingsResponse, Option<StatusCode>> {
        let request = |(pai, standing): &(Pai, PaiStatus)| PaiMappingRequest {
            pai: *pai,
            mapping: self.edge.mapping_of(standing),
        };
        let mappings = batch.iter().map(request).collect();
        let request = PaiMappingsRequest { mappings, compare_only: self.compare_only };
        let answer = self.edge.post_to_edge(PAI_MAPPINGS_PATH, &request).await.map_err(|_| None)?;
        let status = answer.status();
        let read = || serde_json::from_slice::<PaiMappingsResponse>(answer.body()).ok();
        let answer = (status == StatusCode::OK).then(read).flatten().ok_or(Some(status))?;
        // Each PAI is somewhere, or it was not this edge that answered.
        let all = answer.same + answer.behind + answer.ahead.len() + answer.foreign.len();
        if all == batch.len() { Ok(answer) } else { Err(Some(status)) }
    }
}

/// Whether it is worth asking again: nobody answered, or somebody who could not.
fn is_transient(status: Option<StatusCode>) -> bool {
    status.is_none_or(|status| status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS)
}
