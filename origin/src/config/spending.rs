//! Spending limits of an account, by currency.

use onbill_domain::currency::Currency;
use onbill_domain::spending::SpendingLimits;
use serde::{Deserialize, Serialize};

/// Spending limits of an account in one currency, in its minor units. An absent limit does not
/// apply.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurrencyLimits {
    /// The currency. The operator bills in it, even when no offer uses it.
    pub currency: Currency,
    /// The smallest charge that billing accepts.
    pub smallest: Option<i64>,
    /// The largest single charge.
    pub transaction: Option<i64>,
    /// The most in a day (UTC).
    pub day: Option<i64>,
    /// The most in a calendar month (UTC).
    pub month: Option<i64>,
    /// The most that supervisors of customer care may have given back of one charge. Without it, they
    /// give back nothing in this currency.
    pub supervisor_refund: Option<i64>,
}

impl CurrencyLimits {
    pub(super) fn to_limits(self) -> SpendingLimits {
        SpendingLimits {
            charge_minor_min: self.smallest,
            charge_minor_max: self.transaction,
            day_minor: self.day,
            month_minor: self.month,
        }
    }
}
