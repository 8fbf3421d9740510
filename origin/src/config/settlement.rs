//! How the money is shared with a partner.

use onbill_domain::limits::CHARGE_MINOR_MAX;
use onbill_domain::money::Money;
use serde::{Deserialize, Serialize};

/// 100 % in basis points.
pub(crate) const BASIS_POINTS_WHOLE: u16 = 10_000;

/// The model that operator and partner have agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SettlementModel {
    /// The partner gets a share of the amount without tax.
    RevenueShare {
        /// The share: 8000 is 80 %.
        partner_basis_points: u16,
    },
    /// The partner gets a fixed amount for each charge that stays, whatever its tax. A charge that
    /// is refunded in full does not stay. One that is refunded in part does, because the month was
    /// used; when the rest of it is refunded later, the fixed amount is deducted in the period in
    /// which that happens.
    FlatCost {
        /// The fixed amount.
        cost: Money,
    },
}

impl SettlementModel {
    /// Checks what the types cannot.
    pub fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::RevenueShare { partner_basis_points } if *partner_basis_points > BASIS_POINTS_WHOLE => {
                Err("settlement: partner_basis_points must be at most 10000, which is all of it")
            }
            Self::FlatCost { cost } if !(1..=CHARGE_MINOR_MAX).contains(&cost.amount_minor) => {
                Err("settlement: cost.value must be positive minor units below the limit")
            }
            _ => Ok(()),
        }
    }
}
