//! One line of a list.

use onbill_domain::money::Money;
use onbill_domain::pai::PaiState;

/// A line of a list, without its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedLine {
    /// Line number in the file, counted from 1, the header included.
    pub number: u32,
    pub state: PaiState,
    pub plan: Option<Box<str>>,
    pub price: Option<Money>,
    /// The partner's id of the subscription, or the operator's id of the subscriber.
    pub owner: Option<Box<str>>,
}
