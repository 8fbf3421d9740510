//! What can happen to an account, and what it means for the PAIs of whoever has it: the rule of the PAI.
//!
//! | event | its PAIs | later charges |
//! |---|---|---|
//! | activated | as they are | as before |
//! | suspended, resumed | held, released | declined as `account-on-hold` until they are released |
//! | ceased, ported out | closed for ever | declined as `account-closed` |
//! | ownership changed | closed for ever | declined as `account-closed-taken-over` |
//! | number changed | go with their subscriber | to the new number's account |
//! | SIM swapped | as they are | as before; a new sign-up by PIN has to wait |

use crate::decline_reason::DeclineReason;
use serde::{Deserialize, Serialize};

/// What the operator reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountEvent {
    /// The number is in use.
    Activated,
    /// Barred until a bill is paid.
    Suspended,
    /// Not barred any more.
    Resumed,
    /// Ended.
    Ceased,
    /// The number has gone to another operator.
    PortedOut,
    /// Another person has the account and its number now.
    OwnershipChanged,
    /// The same subscriber has another number now.
    NumberChanged,
    /// Another SIM has the number now: the same subscriber, or somebody who tricked a shop.
    SimSwapped,
}

/// What an event does to the PAIs of a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaiEffect {
    /// Nothing.
    None,
    /// Holds them: charges are declined until they are released.
    Suspend,
    /// Releases them.
    Resume,
    /// Closes them for ever.
    Close(DeclineReason),
    /// They go with the subscriber to another number.
    Move,
}

impl PaiEffect {
    /// Whether the subscriber does not have the number any more.
    pub fn releases_number(self) -> bool {
        matches!(self, Self::Close(_) | Self::Move)
    }
}

impl AccountEvent {
    /// All of them, in the contract's order.
    pub const ALL: [Self; 8] = [
        Self::Activated,
        Self::Suspended,
        Self::Resumed,
        Self::Ceased,
        Self::PortedOut,
        Self::OwnershipChanged,
        Self::NumberChanged,
        Self::SimSwapped,
    ];

    /// The kebab-case word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Activated => "activated",
            Self::Suspended => "suspended",
            Self::Resumed => "resumed",
            Self::Ceased => "ceased",
            Self::PortedOut => "ported-out",
            Self::OwnershipChanged => "ownership-changed",
            Self::NumberChanged => "number-changed",
            Self::SimSwapped => "sim-swapped",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == word)
    }

    /// What it does to the PAIs of the subscriber.
    pub fn effect(self) -> PaiEffect {
        match self {
            Self::Activated | Self::SimSwapped => PaiEffect::None,
            Self::Suspended => PaiEffect::Suspend,
            Self::Resumed => PaiEffect::Resume,
            Self::Ceased | Self::PortedOut => PaiEffect::Close(DeclineReason::AccountClosed),
            Self::OwnershipChanged => PaiEffect::Close(DeclineReason::AccountClosedTakenOver),
            Self::NumberChanged => PaiEffect::Move,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip_and_match_their_json() {
        for event in AccountEvent::ALL {
            assert_eq!(AccountEvent::parse(event.as_str()), Some(event));
            assert_eq!(serde_json::to_value(event).expect("is JSON"), event.as_str());
        }
        assert_eq!(AccountEvent::parse("stolen"), None);
    }

    #[test]
    fn what_closes_a_pai_is_a_reason_that_does() {
        for event in AccountEvent::ALL {
            if let PaiEffect::Close(reason) = event.effect() {
                assert!(reason.closes_pai(), "{event:?}");
            }
        }
    }
}
