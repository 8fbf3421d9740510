//! What can happen to an account, and what each event does to its subscriber's PAIs.
//!
//! | event | the subscriber's PAIs | later charges |
//! |---|---|---|
//! | activated | no change | no change |
//! | suspended, resumed | suspended, resumed | declined as `account-on-hold` while suspended |
//! | ceased, ported out | closed permanently | declined as `account-closed` |
//! | ownership changed | closed permanently | declined as `account-closed-taken-over` |
//! | number changed | follow the subscriber | to the new number's account |
//! | SIM swapped | no change | no change; a new sign-up by PIN has to wait |

use crate::decline_reason::DeclineReason;

crate::wire_enum! {
    /// An event that the operator reports about an account.
    pub enum AccountEvent {
        /// The number is in use.
        Activated = "activated",
        /// The account is barred until a bill is paid.
        Suspended = "suspended",
        /// The account is no longer barred.
        Resumed = "resumed",
        /// The account has ended.
        Ceased = "ceased",
        /// The number has moved to another operator.
        PortedOut = "ported-out",
        /// Another person has the account and its number.
        OwnershipChanged = "ownership-changed",
        /// The same subscriber has another number.
        NumberChanged = "number-changed",
        /// The number is on another SIM, of the same subscriber or of a fraudster.
        SimSwapped = "sim-swapped",
    }
}

/// What an event does to the PAIs of the account's subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaiEffect {
    /// They stay as they are.
    None,
    /// They are suspended: charges are declined until the account is resumed.
    Suspend,
    /// They are active again.
    Resume,
    /// They are closed permanently, for this reason.
    Close(DeclineReason),
    /// They follow the subscriber to another number.
    Move,
}

impl PaiEffect {
    /// Whether the subscriber no longer has the number after it.
    pub fn releases_number(self) -> bool {
        match self {
            Self::Close(_) | Self::Move => true,
            Self::None | Self::Suspend | Self::Resume => false,
        }
    }
}

impl AccountEvent {
    /// Whether visits that are open end with it: a customer who proved the number before has to prove it
    /// again, and meets the account as it is now. A new SIM does not end a visit, but no PIN of
    /// before proves anything after it.
    pub fn ends_visits(self) -> bool {
        match self {
            Self::Activated
            | Self::Suspended
            | Self::Ceased
            | Self::PortedOut
            | Self::OwnershipChanged
            | Self::NumberChanged => true,
            Self::Resumed | Self::SimSwapped => false,
        }
    }

    /// What the event does to the subscriber's PAIs.
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
    fn event_that_releases_a_number_ends_visits() {
        for event in AccountEvent::ALL {
            assert!(event.ends_visits() || !event.effect().releases_number(), "{event:?}");
        }
    }

    #[test]
    fn visit_goes_on_after_resumption_and_new_sim() {
        for event in AccountEvent::ALL {
            let goes_on = matches!(event, AccountEvent::Resumed | AccountEvent::SimSwapped);
            assert_eq!(event.ends_visits(), !goes_on, "{event:?}");
        }
    }

    #[test]
    fn closing_event_has_a_closing_reason() {
        for event in AccountEvent::ALL {
            if let PaiEffect::Close(reason) = event.effect() {
                assert!(reason.closes_pai(), "{event:?}");
            }
        }
    }
}
