//! The partner, as far as it receives the states of PAIs: it drops older reports, and accepts no
//! contradiction.

use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::wire::partner::AccountStateRequest;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(super) struct ModelPartner {
    /// The PAIs that were sent to it.
    pub(super) met: BTreeSet<Pai>,
    /// The last report about each PAI.
    pub(super) heard: BTreeMap<Pai, AccountStateRequest>,
}

impl ModelPartner {
    /// Takes a report of a PAI's state; returns what is wrong with it.
    pub(super) fn hear(&mut self, reported: AccountStateRequest) -> Option<String> {
        if !self.met.contains(&reported.pai) {
            return Some(format!("the partner hears of {}, whom it was never sent", reported.pai));
        }
        let known = self.heard.get(&reported.pai);
        if known.is_some_and(|known| reported.sequence < known.sequence) {
            return None;
        }
        if let Some(known) = known {
            let reopens = known.state == PaiState::Closed
                && (reported.state, reported.reason) != (known.state, known.reason);
            if reopens || reported.sequence == known.sequence && reported != *known {
                return Some(format!("the partner was told {known:?} and is told {reported:?}"));
            }
        }
        self.heard.insert(reported.pai, reported);
        None
    }
}
