//! How far the rounds have looked at charges and subscriptions, and what they have found.

use crate::store::{Cursor, UnchargedPage};
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;
use std::collections::BTreeMap;

/// How far the rounds have looked.
#[derive(Default)]
pub(super) struct SubscriptionsSeen {
    /// The last PAI of the page that was looked at last; `None` before the first one.
    pub(super) after: Option<Pai>,
    /// How many subscriptions of each partner were not charged, in this pass so far.
    found: BTreeMap<PartnerId, u64>,
    /// The same of the last whole pass; `None` before its end.
    pub(super) known: Option<BTreeMap<PartnerId, u64>>,
    /// The last charge of each partner that was looked at.
    pub(super) charges: BTreeMap<PartnerId, Cursor>,
}

impl SubscriptionsSeen {
    /// Adds a page, or ends the pass.
    pub(super) fn note_page(&mut self, page: Option<UnchargedPage>) {
        let Some((last, counts)) = page else {
            self.after = None;
            self.known = Some(std::mem::take(&mut self.found));
            return;
        };
        self.after = Some(last);
        for (partner, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            *self.found.entry(partner).or_default() += count;
        }
    }

    /// Of each partner how many are known: by this pass, or the last one if that found more.
    pub(super) fn counts(&self) -> BTreeMap<PartnerId, u64> {
        let mut counts = self.known.clone().unwrap_or_default();
        for (partner, count) in &self.found {
            let known = counts.entry(partner.clone()).or_default();
            *known = (*known).max(*count);
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarm_lasts_until_a_whole_pass_finds_none() {
        let partner = || PartnerId::parse("netflix").expect("is a slug");
        let pai = |n: u8| Pai::from_random([n; 16]);
        let mut seen = SubscriptionsSeen::default();
        seen.note_page(Some((pai(1), vec![(partner(), 2)])));
        seen.note_page(Some((pai(2), vec![(partner(), 1)])));
        assert_eq!((seen.counts().get(&partner()), &seen.known), (Some(&3), &None));
        seen.note_page(None);
        seen.note_page(Some((pai(1), vec![(partner(), 0)])));
        assert_eq!(seen.counts().get(&partner()), Some(&3));
        seen.note_page(None);
        assert!(seen.counts().is_empty() && seen.known.is_some());
    }
}
