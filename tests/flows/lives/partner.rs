//! The partner, as far as it hears how PAIs stand: it drops older words, and believes no contradiction.

use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::wire::partner::AccountStateRequest;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(super) struct Partner {
    /// The PAIs that it was sent.
    pub(super) met: BTreeSet<Pai>,
    /// The last word about each.
    pub(super) heard: BTreeMap<Pai, AccountStateRequest>,
}

impl Partner {
    /// Hears how a PAI stands; gives what is wrong with that.
    pub(super) fn hear(&mut self, told: AccountStateRequest) -> Option<String> {
        if !self.met.contains(&told.pai) {
            return Some(format!("the partner hears of {}, whom it was never sent", told.pai));
        }
        let known = self.heard.get(&told.pai);
        if known.is_some_and(|known| told.sequence < known.sequence) {
            return None;
        }
        if let Some(known) = known {
            let reopens =
                known.state == PaiState::Closed && (told.state, told.reason) != (known.state, known.reason);
            if reopens || told.sequence == known.sequence && told != *known {
                return Some(format!("the partner was told {known:?} and is told {told:?}"));
            }
        }
        self.heard.insert(told.pai, told);
        None
    }
}
