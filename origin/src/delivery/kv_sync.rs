//! Compares the edge's store with the database, after an outage or the loss of the store. The edge
//! gets the state of every PAI, and updates what is behind. Charges, sign-ups and events continue
//! during the comparison; each state is read a moment before it is sent.
//!
//! A later state at the edge is never overwritten, here or there: it is a finding.

use super::edge_mapping::EdgeMappings;
use crate::store::{PaiStatus, StoreError};
use futures_util::future::join_all;
use http::StatusCode;
use onbill_domain::limits::PAI_MAPPINGS_PER_CALL_MAX;
use onbill_domain::pai::Pai;
use onbill_domain::wire::origin::{
    PAI_MAPPINGS_PATH, PaiMappingRequest, PaiMappingsRequest, PaiMappingsResponse,
};
use onbill_domain::wire::read_object;
use std::time::Duration;

/// PAIs read at once, and sent in eight concurrent calls: tens of thousands of PAIs a minute, and
/// few enough calls to leave the edge to its customers.
const PAGE: u32 = 200;

/// Pauses before retries, when the edge did not respond or reported that it was unable to; after
/// the last one the comparison stops. A deployment of the edge or a short outage of its store is
/// over by then, and the person who waits still has patience.
pub const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(10), Duration::from_secs(30)];

pub struct KvComparison<'a> {
    /// The edge, and the database that it is compared with.
    pub edge: &'a EdgeMappings,
    /// Compare only: nothing is written at the edge.
    pub compare_only: bool,
    /// Pauses before the edge is called again.
    pub pauses: &'a [Duration],
}

/// The results so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KvReport {
    /// Number of PAIs with the same state at the edge.
    pub same: usize,
    /// Number of PAIs that were missing there, unreadable or older: updated, unless this run only
    /// compares.
    pub behind: usize,
    /// PAIs of which the edge has a later state, or another state under the same version.
    pub ahead: Vec<Pai>,
    /// PAIs that belong to another operator at the edge.
    pub foreign: Vec<Pai>,
    /// The last PAI up to which all were compared.
    pub through: Option<Pai>,
}

impl KvReport {
    /// Number of PAIs compared.
    pub fn compared(&self) -> usize {
        self.same + self.behind + self.findings()
    }

    /// Number of PAIs that need a person.
    pub fn findings(&self) -> usize {
        self.ahead.len() + self.foreign.len()
    }
}

/// Why a comparison did not complete. What is in the report is done, and may be repeated.
#[derive(Debug)]
pub enum KvSyncError {
    /// The database failed.
    Store(StoreError),
    /// The edge did not respond, or not with a valid response; with its status.
    Edge(Option<StatusCode>),
}

impl From<StoreError> for KvSyncError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl KvComparison<'_> {
    /// Compares all PAIs of the database, in their own order. `progress` gets the report after each
    /// page.
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

    /// Compares a batch. A later state at the edge may come from a change of this very moment: PAIs
    /// that have changed in the database since they were read are compared again.
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
            let reported = std::mem::take(&mut batch);
            for (pai, reported) in reported.into_iter().filter(|(pai, _)| answer.ahead.contains(pai)) {
                match self.edge.store.find_pai_status(pai).await? {
                    Some(now) if now != reported => batch.push((pai, now)),
                    _ => total.ahead.push(pai),
                }
            }
        }
        Ok(total)
    }

    /// Sends a batch to the edge, with as many retries as there are pauses. Each retry reads the
    /// states again: an old state could overwrite one that the edge's store holds but does not show
    /// yet.
    async fn send_batch(&self, batch: &mut [(Pai, PaiStatus)]) -> Result<PaiMappingsResponse, KvSyncError> {
        for pause in self.pauses {
            match self.try_to_send_batch(batch).await {
                Ok(answer) => return Ok(answer),
                Err(status) if is_transient(status) => tokio::time::sleep(*pause).await,
                Err(status) => return Err(KvSyncError::Edge(status)),
            }
            for (pai, pai_status) in batch.iter_mut() {
                if let Some(now) = self.edge.store.find_pai_status(*pai).await? {
                    *pai_status = now;
                }
            }
        }
        self.try_to_send_batch(batch).await.map_err(KvSyncError::Edge)
    }

    /// Makes one attempt. The error is the status of a response that is not valid, if there was a
    /// response.
    async fn try_to_send_batch(
        &self,
        batch: &[(Pai, PaiStatus)],
    ) -> Result<PaiMappingsResponse, Option<StatusCode>> {
        let request = |(pai, pai_status): &(Pai, PaiStatus)| PaiMappingRequest {
            pai: *pai,
            mapping: self.edge.mapping_of(pai_status),
        };
        let mappings = batch.iter().map(request).collect();
        let request = PaiMappingsRequest { mappings, compare_only: self.compare_only };
        let answer = self.edge.post_to_edge(PAI_MAPPINGS_PATH, &request).await.map_err(|_| None)?;
        let status = answer.status();
        let read = || read_object::<PaiMappingsResponse>(answer.body()).ok();
        let answer = (status == StatusCode::OK).then(read).flatten().ok_or(Some(status))?;
        // Each PAI is in one group, or the response is not from this edge.
        let all = answer.same + answer.behind + answer.ahead.len() + answer.foreign.len();
        if all == batch.len() { Ok(answer) } else { Err(Some(status)) }
    }
}

/// Whether to retry: there was no response, or the edge was temporarily unable to give one.
fn is_transient(status: Option<StatusCode>) -> bool {
    status.is_none_or(|status| status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS)
}
