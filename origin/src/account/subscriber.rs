//! Whether a number has an account, and whether it still belongs to the subscriber for whom
//! something was recorded. A number's next subscriber is never charged, sent or shown anything for
//! the last one.

use super::lookup::FoundAccount;
use onbill_domain::account::{AccountFacts, AccountStatus, AccountType, Stated};

/// The status of a subscriber, by the account that their number has now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SubscriberStatus {
    /// The account is the subscriber's: in use, or suspended.
    Present(AccountFacts),
    /// The number no longer has an account.
    Ceased,
    /// The number belongs to another subscriber.
    Replaced,
    /// The operator gives the account a status that is not known, so that nothing final follows
    /// from it.
    Unknown(AccountFacts),
}

impl SubscriberStatus {
    /// The status of the subscriber whose operator's id is `subscriber_ref`.
    pub(crate) fn of(subscriber_ref: &str, account: Option<FoundAccount>) -> Self {
        let Some(known) = account else { return Self::Ceased };
        match known.account.status {
            Stated::Unknown(_) => Self::Unknown(known.account),
            Stated::Known(AccountStatus::Ceased) => Self::Ceased,
            Stated::Known(AccountStatus::Active | AccountStatus::Suspended) => {
                if known.subscriber_ref == subscriber_ref {
                    Self::Present(known.account)
                } else {
                    Self::Replaced
                }
            }
        }
    }

    /// How the subscriber's account pays, where that is known.
    pub(crate) fn account_type(&self) -> Option<AccountType> {
        match self {
            Self::Present(account) => account.account_type,
            Self::Ceased | Self::Replaced | Self::Unknown(_) => None,
        }
    }

    /// Whether the subscriber still has the number; `None` when that is not known now.
    pub(crate) fn has_number(&self) -> Option<bool> {
        match self {
            Self::Present(_) => Some(true),
            Self::Ceased | Self::Replaced => Some(false),
            Self::Unknown(_) => None,
        }
    }
}

/// The account, unless it has ended. With a status that is not known it may still be in use: who
/// has the number then learns that it may not buy.
pub(crate) fn live_account(account: Option<FoundAccount>) -> Option<FoundAccount> {
    account.filter(|known| known.account.status != Stated::Known(AccountStatus::Ceased))
}
