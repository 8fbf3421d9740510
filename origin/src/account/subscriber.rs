//! Whether a number's account is there, and whether it is still that of the subscriber whom something was recorded for.
//! A number's next subscriber is never charged, written to or shown anything for the last one.

use crate::store::SubscriberAccount;
use onbill_domain::account::AccountStatus;

/// What has become of a subscriber, by the account that their number has now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SubscriberStatus {
    /// Theirs, and in use.
    Active,
    /// Theirs, and barred until a bill is paid.
    Suspended,
    /// The number has no account any more.
    Ceased,
    /// The number is another subscriber's.
    Replaced,
}

impl SubscriberStatus {
    /// Of the subscriber whom the operator calls `subscriber_ref`.
    pub(crate) fn of(subscriber_ref: &str, account: Option<SubscriberAccount>) -> Self {
        let Some(known) = account else { return Self::Ceased };
        match known.account.status {
            AccountStatus::Ceased => Self::Ceased,
            AccountStatus::Active | AccountStatus::Suspended if known.subscriber_ref != subscriber_ref => {
                Self::Replaced
            }
            AccountStatus::Suspended => Self::Suspended,
            AccountStatus::Active => Self::Active,
        }
    }

    /// Whether they still have the number.
    pub(crate) fn has_number(self) -> bool {
        match self {
            Self::Active | Self::Suspended => true,
            Self::Ceased | Self::Replaced => false,
        }
    }
}

/// The account, unless it has ended.
pub(crate) fn live_account(account: Option<SubscriberAccount>) -> Option<SubscriberAccount> {
    account.filter(|known| match known.account.status {
        AccountStatus::Active | AccountStatus::Suspended => true,
        AccountStatus::Ceased => false,
    })
}
