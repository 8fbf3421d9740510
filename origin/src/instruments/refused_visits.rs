//! Calls of customers on their way to a subscription that were refused, by channel and error code. They
//! are kept in memory until a sweep adds them to the counts of the day: a refusal has no transaction of
//! its own, and a write for each would let a stranger write to the database at will.

use crate::store::RefusedVisits;
use onbill_domain::reject::ErrorCode;
use onbill_domain::wire::summary::VisitChannel;
use std::sync::{Mutex, PoisonError};

/// The refused calls since the last sweep. There are as many entries as there are channels and codes.
#[derive(Debug, Default)]
pub struct RefusedVisitCounts(Mutex<Vec<RefusedVisits>>);

impl RefusedVisitCounts {
    /// Notes a refusal of a call with this route. A call without a valid signature is no customer's.
    pub(crate) fn note(&self, route: &str, code: &'static str) {
        let Some(channel) = channel_of(route) else { return };
        if code != ErrorCode::AuthorizationFailure.as_str() {
            self.put_back(vec![RefusedVisits { channel, refusal: code, count: 1 }]);
        }
    }

    pub(crate) fn take(&self) -> Vec<RefusedVisits> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn put_back(&self, refused: Vec<RefusedVisits>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for more in refused {
            let is_same =
                |known: &&mut RefusedVisits| (known.channel, known.refusal) == (more.channel, more.refusal);
            match counts.iter_mut().find(is_same) {
                Some(known) => known.count += more.count,
                None => counts.push(more),
            }
        }
    }
}

/// The channel of a call that a customer makes on the way to a subscription.
fn channel_of(route: &str) -> Option<VisitChannel> {
    match route {
        "/edge/v1/validate" | "/edge/v1/pin" | "/edge/v1/signup" => Some(VisitChannel::Widget),
        "/ott/v1/account/validate" | "/ott/v1/pin" => Some(VisitChannel::App),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::{OTHER_ROUTES, PARTNER_ROUTES};

    #[test]
    fn refusals_are_added_up_by_channel_and_code_until_they_are_taken() {
        let counts = RefusedVisitCounts::default();
        counts.note("/edge/v1/validate", "account-not-eligible");
        counts.note("/edge/v1/pin", "account-not-eligible");
        counts.note("/ott/v1/pin", "account-not-eligible");
        counts.note("/edge/v1/pin", "authorization-failure");
        counts.note("/edge/v1/pai", "pai-not-found");
        let of = |channel, count| RefusedVisits { channel, refusal: "account-not-eligible", count };
        let expected = vec![of(VisitChannel::Widget, 2), of(VisitChannel::App, 1)];
        assert_eq!(counts.take(), expected);
        assert_eq!(counts.take(), []);
        counts.put_back(expected.clone());
        counts.note("/ott/v1/pin", "account-not-eligible");
        assert_eq!(counts.take(), [of(VisitChannel::Widget, 2), of(VisitChannel::App, 2)]);
    }

    #[test]
    fn routes_of_customers_are_there() {
        let routes = PARTNER_ROUTES.iter().chain(OTHER_ROUTES);
        assert_eq!(routes.filter(|(_, route)| channel_of(route).is_some()).count(), 5);
    }
}
