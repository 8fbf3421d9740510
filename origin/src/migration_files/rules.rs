//! What the lines of the files are checked against.

use crate::config::NumberPlan;
use crate::keys::Vault;
use onbill_domain::currency::Currency;
use onbill_domain::ids::PartnerId;
use onbill_domain::timestamp::Timestamp;

/// What the lines are checked against.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// Indexes numbers.
    pub vault: &'a Vault,
    /// Parses numbers.
    pub numbers: NumberPlan,
    /// The partners that the operator sells.
    pub partners: &'a [PartnerId],
    /// The currencies in which it bills.
    pub currencies: &'a [Currency],
    /// Whether a PAI may have its line's number in it.
    pub number_in_pai: bool,
    /// The time of the check: nothing in a file has happened after it.
    pub now: Timestamp,
}

impl Rules<'_> {
    /// The place of a partner among them, which stands for it in memory.
    pub(super) fn place_of(&self, partner: &PartnerId) -> usize {
        self.partners.iter().position(|known| known == partner).unwrap_or(usize::MAX)
    }
}
