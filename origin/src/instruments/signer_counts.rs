//! How many signatures were right and wrong, by whose key they named, in windows of five minutes.
//!
//! Whoever reaches the listener can send calls without a signature, or with an invented key. Those
//! say nothing of a partner or of a key, and are counted apart from those that name one.

use onbill_domain::timestamp::Timestamp;
use std::collections::BTreeMap;

/// The length of a window.
const WINDOW_SECONDS: i64 = 300;
/// Refused calls of one signer in a window that are no accident. A party that signs rightly has none.
const REFUSED_MAX: u32 = 50;
/// The part of a signer's calls in a window that must be refused, as a divisor: half of them. A
/// broken key or proxy breaks most calls; a few forged ones among thousands break none.
const REFUSED_PART: u32 = 2;
/// Calls of strangers in a window that a person should look at: a scanner makes some dozens.
const STRANGERS_MAX: u32 = 500;

/// What was counted in the present window and in the one before.
#[derive(Clone, Copy, Default)]
struct Windows {
    window: i64,
    now: Counts,
    before: Counts,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    verified: u32,
    refused: u32,
}

#[derive(Default)]
pub(super) struct SignerCounts {
    /// By partner, `edge` and `operator`: only those of the ring.
    signers: BTreeMap<String, Windows>,
    strangers: Windows,
}

impl SignerCounts {
    pub(super) fn note_verified(&mut self, now: Timestamp, signer: &str) {
        let counts = self.of(now, Some(signer));
        counts.verified = counts.verified.saturating_add(1);
    }

    pub(super) fn note_refused(&mut self, now: Timestamp, signer: Option<&str>) {
        let counts = self.of(now, signer);
        counts.refused = counts.refused.saturating_add(1);
    }

    fn of(&mut self, now: Timestamp, signer: Option<&str>) -> &mut Counts {
        let windows = match signer {
            Some(signer) => self.signers.entry(signer.to_owned()).or_default(),
            None => &mut self.strangers,
        };
        windows.roll(now);
        &mut windows.now
    }

    /// The signers of whose calls many, and most, were refused in a window.
    pub(super) fn broken(&mut self, now: Timestamp) -> Vec<(String, [u32; 2])> {
        let mut broken = Vec::new();
        for (signer, windows) in &mut self.signers {
            windows.roll(now);
            if let Some(counts) = [windows.now, windows.before].into_iter().find(|counts| counts.is_broken())
            {
                broken.push((signer.clone(), [counts.refused, counts.all()]));
            }
        }
        broken
    }

    /// How many calls of strangers there were in a window, when those are many.
    pub(super) fn strangers(&mut self, now: Timestamp) -> Option<u32> {
        self.strangers.roll(now);
        let most = self.strangers.now.refused.max(self.strangers.before.refused);
        (most > STRANGERS_MAX).then_some(most)
    }
}

impl Windows {
    fn roll(&mut self, now: Timestamp) {
        let window = now.unix_seconds().div_euclid(WINDOW_SECONDS);
        if window != self.window {
            self.before = if window == self.window + 1 { self.now } else { Counts::default() };
            self.now = Counts::default();
            self.window = window;
        }
    }
}

impl Counts {
    fn all(self) -> u32 {
        self.verified.saturating_add(self.refused)
    }

    fn is_broken(self) -> bool {
        self.refused > REFUSED_MAX && self.refused >= self.all() / REFUSED_PART
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    fn refuse(counts: &mut SignerCounts, signer: Option<&str>, times: u32) {
        (0..times).for_each(|_| counts.note_refused(at(0), signer));
    }

    #[test]
    fn signer_is_broken_when_most_of_many_calls_are_refused() {
        let mut counts = SignerCounts::default();
        refuse(&mut counts, Some("edge"), REFUSED_MAX);
        assert_eq!(counts.broken(at(0)), []);
        refuse(&mut counts, Some("edge"), 1);
        assert_eq!(counts.broken(at(0)), [("edge".to_owned(), [51, 51])]);
        // Forged calls beside a caller that works are no emergency.
        (0..1_000).for_each(|_| counts.note_verified(at(0), "edge"));
        assert_eq!(counts.broken(at(0)), []);
    }

    #[test]
    fn strangers_break_no_partys_key() {
        let mut counts = SignerCounts::default();
        refuse(&mut counts, None, STRANGERS_MAX);
        assert_eq!((counts.broken(at(0)), counts.strangers(at(0))), (vec![], None));
        refuse(&mut counts, None, 1);
        assert_eq!((counts.broken(at(0)), counts.strangers(at(0))), (vec![], Some(501)));
    }

    #[test]
    fn storm_is_over_after_a_quiet_window() {
        let mut counts = SignerCounts::default();
        refuse(&mut counts, Some("netflix"), REFUSED_MAX + 1);
        refuse(&mut counts, None, STRANGERS_MAX + 1);
        let quiet = at(WINDOW_SECONDS);
        assert!(
            !counts.broken(quiet).is_empty() && counts.strangers(quiet).is_some(),
            "they stay until they are old"
        );
        let later = at(2 * WINDOW_SECONDS);
        assert_eq!((counts.broken(later), counts.strangers(later)), (vec![], None));
    }
}
