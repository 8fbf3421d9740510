//! How redemptions end. A coupon becomes free again only if its charge is declined before the call
//! is answered.

pub(super) mod postgres;
pub(super) mod sqlite;

use onbill_domain::day::ServicePeriod;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, OfferId};
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::wire::coupon::COUPON_CHARGE_PREFIX;

/// How a redemption ended, which every replay gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedemptionOutcome {
    /// The coupon is spent.
    Redeemed(Box<Redemption>),
    /// Its charge was declined. The coupon can be redeemed again, under another reference.
    Declined(DeclineReason),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redemption {
    pub transaction_id: String,
    pub plan: ExtId,
    pub months: u8,
    pub offer: OfferId,
    pub amount: Money,
    /// The user whose days these are; `None` when the partner named none and the buyer pays on the
    /// bill.
    pub pai: Option<Pai>,
    pub service_period: ServicePeriod,
}

impl Redemption {
    /// The external id of the coupon's charge, which no partner has chosen.
    pub fn ext_transaction_id(&self) -> Option<ExtId> {
        charge_name(&self.transaction_id)
    }
}

/// The external id of a coupon's charge, which the origin derives from its own id.
pub(in crate::store) fn charge_name(transaction_id: &str) -> Option<ExtId> {
    ExtId::parse(&format!("{COUPON_CHARGE_PREFIX}{transaction_id}"))
}
