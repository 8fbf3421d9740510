//! The faults of calls on the network.

use super::{TestNetwork, lock_mutex};
use bytes::Bytes;
use http::Uri;
use http::uri::PathAndQuery;

/// What happens to calls on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkFault {
    /// The request does not arrive.
    Lost,
    /// The request arrives long after its caller has timed out.
    Late,
    /// The request arrives twice, and either response comes back.
    Twice,
    /// The response is 503, and the request is not acted on.
    Refused,
    /// The request is acted on; the response is lost.
    AnswerLost,
    /// The request is acted on; the response is 500.
    FailsAfter,
    /// The request is acted on; the response arrives corrupted.
    Garbled,
    /// The call takes minutes, during which the outboxes are processed.
    Stalls,
}

/// A call that met a fault.
pub(crate) struct FaultedCall {
    pub(crate) authority: String,
    pub(crate) body: Bytes,
    pub(crate) fault: NetworkFault,
}

pub(crate) struct ActiveFault {
    /// Prefix of the addresses of disturbed calls.
    pub(crate) to: String,
    pub(crate) mishap: NetworkFault,
    pub(crate) calls_left: u32,
}

impl TestNetwork {
    /// From now on this fault hits calls whose address begins with `to` (`host:port/path`).
    pub fn inject_fault(&self, to: &str, mishap: NetworkFault) {
        self.inject_fault_for(to, mishap, u32::MAX);
    }

    /// The fault hits this many calls.
    pub fn inject_fault_for(&self, to: &str, mishap: NetworkFault, calls: u32) {
        lock_mutex(&self.active_faults).push(ActiveFault { to: to.to_owned(), mishap, calls_left: calls });
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        lock_mutex(&self.active_faults).clear();
    }

    /// Every fault that a call has met so far.
    pub fn faults_met(&self) -> Vec<NetworkFault> {
        lock_mutex(&self.faulted_calls).iter().map(|call| call.fault).collect()
    }

    /// The faults that calls to one address have met so far, with the bodies of these calls.
    pub fn faults_met_at(&self, authority: &str) -> Vec<(Bytes, NetworkFault)> {
        let befell = lock_mutex(&self.faulted_calls);
        let there = befell.iter().filter(|call| call.authority == authority);
        there.map(|call| (call.body.clone(), call.fault)).collect()
    }

    /// The fault that hits a call to this address.
    pub(super) fn take_fault_for(&self, to: &Uri) -> Option<NetworkFault> {
        let address = format!("{}{}", to.authority()?, to.path_and_query().map_or("", PathAndQuery::as_str));
        let mut disturbances = lock_mutex(&self.active_faults);
        let at = disturbances.iter().position(|disturbance| address.starts_with(&disturbance.to))?;
        let disturbance = &mut disturbances[at];
        let mishap = disturbance.mishap;
        disturbance.calls_left -= 1;
        if disturbance.calls_left == 0 {
            disturbances.remove(at);
        }
        Some(mishap)
    }

    /// Late calls never arrive.
    pub fn drop_late(&self) {
        lock_mutex(&self.late_requests).clear();
    }

    /// Late calls to one address never arrive.
    pub fn drop_late_to(&self, authority: &str) {
        lock_mutex(&self.late_requests)
            .retain(|request| request.uri().authority().is_none_or(|to| to.as_str() != authority));
    }
}
