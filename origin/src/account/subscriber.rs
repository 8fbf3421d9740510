//! Whether a number has an account, and whether it still belongs to the subscriber for whom
//! something was recorded. A number's next subscriber is never charged, sent or shown anything for
//! the last one.

use super::lookup::FoundAccount;
use onbill_domain::account::AccountStatus;

/// The status of a subscriber, by the account that their number has now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SubscriberStatus {
    /// The account is the subscriber's, and in use.
    Active,
    /// The account is the subscriber's, and barred until a bill is paid.
    Suspended,
    /// The number no longer has an account.
    Ceased,
    /// The number belongs to another subscriber.
    Replaced,
}

impl SubscriberStatus {
    /// The status of the subscriber whose operator's id is `subscriber_ref`.
    pub(crate) fn of(subscriber_ref: &str, account: Option<FoundAccount>) -> Self {
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

    /// Whether the subscriber still has the number.
    pub(crate) fn has_number(self) -> bool {
        match self {
            Self::Active | Self::Suspended => true,
            Self::Ceased | Self::Replaced => false,
        }
    }
}

/// The account, unless it has ended.
pub(crate) fn live_account(account: Option<FoundAccount>) -> Option<FoundAccount> {
    account.filter(|known| match known.account.status {
        AccountStatus::Active | AccountStatus::Suspended => true,
        AccountStatus::Ceased => false,
    })
}
