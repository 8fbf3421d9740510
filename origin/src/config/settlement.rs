//! How the money is shared with a partner.

use onbill_domain::limits::CHARGE_MINOR_MAX;
use onbill_domain::money::Money;
use serde::Deserialize;

/// A whole, in basis points.
pub(crate) const BASIS_POINTS_WHOLE: u16 = 10_000;

/// What operator and partner have agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "model", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SettlementModel {
    /// The partner gets a share of what is left without tax.
    RevenueShare {
        /// The share: 8000 is 80 %.
        partner_basis_points: u16,
    },
    /// The partner gets a fixed amount for each charge that stays, however much of it was tax. A charge that is given back
    /// in full does not stay, and one that is given back in part does: the month was used. When the rest of it is given
    /// back later, its amount is taken off the period in which that happens.
    FlatCost {
        /// The amount.
        cost: Money,
    },
}

impl SettlementModel {
    /// Checks what the types do not.
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
