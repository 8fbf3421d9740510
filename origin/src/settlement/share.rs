//! How the money of a period is shared. Pure, in integers: the shares of a currency sum to its net
//! amount, to the cent.

use crate::config::{BASIS_POINTS_WHOLE, SettlementModel};
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::currency::Currency;

/// What was settled in a period, in one currency and in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SettlementSums {
    /// Number of approved charges.
    pub charges: u64,
    /// Amount of approved charges.
    pub gross_minor: i128,
    /// Number of approved refunds.
    pub refunds: u64,
    /// Amount of approved refunds.
    pub refunds_minor: i128,
    /// Amount without tax of those refunds that the operator bears.
    pub absorbed_minor: i128,
    /// The tax in the charges, less the tax in the refunds.
    pub tax_minor: i128,
    /// Charges that stay: those of the period, less those of any period whose refunding was
    /// completed in this one, unless the operator bears any part of it.
    pub stayed: i128,
}

impl SettlementSums {
    #[must_use]
    fn plus(&self, other: &Self) -> Self {
        Self {
            charges: self.charges + other.charges,
            gross_minor: self.gross_minor + other.gross_minor,
            refunds: self.refunds + other.refunds,
            refunds_minor: self.refunds_minor + other.refunds_minor,
            absorbed_minor: self.absorbed_minor + other.absorbed_minor,
            tax_minor: self.tax_minor + other.tax_minor,
            stayed: self.stayed + other.stayed,
        }
    }

    /// The amount to be shared, in minor units.
    pub fn net_minor(&self) -> i128 {
        self.gross_minor - self.refunds_minor - self.tax_minor
    }
}

/// The shares of the net amount. Either may be negative, when more was refunded than charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    pub partner_minor: i128,
    pub operator_minor: i128,
}

impl SettlementModel {
    /// Shares the sums of one currency. The partner's share is rounded once, half to even; the
    /// operator's is the rest. A refund that the operator bears takes nothing from the partner. A fixed amount is in one currency: `None` in any other.
    pub fn share(&self, sums: &SettlementSums, currency: Currency) -> Option<Shares> {
        let net_minor = sums.net_minor();
        let partner_minor = match self {
            Self::RevenueShare { partner_basis_points } => {
                share_of(net_minor + sums.absorbed_minor, *partner_basis_points)
            }
            Self::FlatCost { cost } if cost.currency == currency => {
                i128::from(cost.amount_minor) * sums.stayed
            }
            Self::FlatCost { .. } => return None,
        };
        Some(Shares { partner_minor, operator_minor: net_minor - partner_minor })
    }
}

/// What was settled under one charge code, and the shares of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeShares {
    /// `None` for what was charged without a code.
    pub charge_code: Option<ChargeCode>,
    pub sums: SettlementSums,
    pub shares: Shares,
}

/// Shares the sums of one currency by charge code. Each code's share is what it adds to the share of
/// the codes before it: so they add up to the share of the whole, which is rounded once.
pub fn share_by_charge_code(
    model: SettlementModel,
    currency: Currency,
    by_code: impl IntoIterator<Item = (Option<ChargeCode>, SettlementSums)>,
) -> Option<Vec<CodeShares>> {
    let (mut before, mut given) = (SettlementSums::default(), Shares { partner_minor: 0, operator_minor: 0 });
    let mut all = Vec::new();
    for (charge_code, sums) in by_code {
        before = before.plus(&sums);
        let until = model.share(&before, currency)?;
        let shares = Shares {
            partner_minor: until.partner_minor - given.partner_minor,
            operator_minor: until.operator_minor - given.operator_minor,
        };
        given = until;
        all.push(CodeShares { charge_code, sums, shares });
    }
    Some(all)
}

fn share_of(net_minor: i128, basis_points: u16) -> i128 {
    let whole = i128::from(BASIS_POINTS_WHOLE);
    let product = net_minor * i128::from(basis_points);
    let (quotient, rest) = (product.div_euclid(whole), product.rem_euclid(whole));
    let rounds_up = match (rest * 2).cmp(&whole) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => quotient.rem_euclid(2) == 1,
        std::cmp::Ordering::Greater => true,
    };
    quotient + i128::from(rounds_up)
}

#[cfg(test)]
mod tests {
    use super::*;
    use onbill_domain::limits::CHARGE_MINOR_MAX;
    use onbill_domain::money::Money;
    use onbill_domain::tax::tax_given_back;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).expect("is listed")
    }

    fn net(net_minor: i128) -> SettlementSums {
        SettlementSums { gross_minor: net_minor, ..SettlementSums::default() }
    }

    #[test]
    fn share_is_rounded_half_to_even_once() {
        for (net_minor, partner_basis_points, partner_minor) in [
            (1000, 8000, 800),
            (1001, 8000, 801),
            (1003, 8000, 802),
            (1, 5000, 0),
            (3, 5000, 2),
            (5, 5000, 2),
            (-1, 5000, 0),
            (-3, 5000, -2),
            (-1003, 8000, -802),
            (999, 0, 0),
            (999, 10_000, 999),
        ] {
            let shares = SettlementModel::RevenueShare { partner_basis_points }
                .share(&net(net_minor), currency("USD"));
            let operator_minor = net_minor - partner_minor;
            assert_eq!(shares, Some(Shares { partner_minor, operator_minor }), "{net_minor}");
        }
    }

    #[test]
    fn flat_cost_counts_unrefunded_charges_of_its_currency() {
        let model =
            SettlementModel::FlatCost { cost: Money { amount_minor: 1200, currency: currency("USD") } };
        let sums = SettlementSums { stayed: 3, ..net(4797) };
        let shares = Shares { partner_minor: 3600, operator_minor: 1197 };
        assert_eq!(model.share(&sums, currency("USD")), Some(shares));
        assert_eq!(model.share(&sums, currency("EUR")), None);
        let shares = Shares { partner_minor: -1200, operator_minor: -399 };
        assert_eq!(model.share(&SettlementSums { stayed: -1, ..net(-1599) }, currency("USD")), Some(shares));
    }

    #[test]
    fn refund_that_the_operator_bears_takes_nothing_from_the_partner() {
        // Two charges of 10.00, of which one was refunded.
        let sums = SettlementSums { refunds_minor: 1000, absorbed_minor: 1000, stayed: 2, ..net(2000) };
        for model in [
            SettlementModel::RevenueShare { partner_basis_points: 8000 },
            SettlementModel::FlatCost { cost: Money { amount_minor: 800, currency: currency("USD") } },
        ] {
            let shares = Shares { partner_minor: 1600, operator_minor: -600 };
            assert_eq!(model.share(&sums, currency("USD")), Some(shares));
        }
    }

    #[test]
    fn models_are_written_as_in_the_readme() {
        let read =
            |text: &str| toml::from_str::<SettlementModel>(text).ok().filter(|model| model.check().is_ok());
        assert_eq!(
            read("model = \"revenue-share\"\npartner_basis_points = 8000"),
            Some(SettlementModel::RevenueShare { partner_basis_points: 8000 })
        );
        assert!(read("model = \"flat-cost\"\ncost = { value = 1200, currency = \"USD\" }").is_some());
        for bad in [
            "model = \"revenue-share\"\npartner_basis_points = 10001",
            "model = \"revenue-share\"\npartner_basis_points = -1",
            "model = \"revenue-share\"",
            "model = \"flat-cost\"\ncost = { value = 0, currency = \"USD\" }",
            "model = \"barter\"",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn shares_always_sum_to_the_net(net_minor in -10_i128.pow(18)..10_i128.pow(18), points in 0_u16..=10_000) {
            let shares = SettlementModel::RevenueShare { partner_basis_points: points }
                .share(&net(net_minor), currency("USD")).expect("is in every currency");
            prop_assert_eq!(shares.partner_minor + shares.operator_minor, net_minor);
            let error = shares.partner_minor * 10_000 - net_minor * i128::from(points);
            prop_assert!(error.abs() <= 5_000, "rounded by more than half a cent");
        }

        #[test]
        fn shares_of_codes_sum_to_the_share_of_all(
            nets in prop::collection::vec(-10_i128.pow(9)..10_i128.pow(9), 1..6),
            points in 0_u16..=10_000,
        ) {
            let model = SettlementModel::RevenueShare { partner_basis_points: points };
            let whole = model.share(&net(nets.iter().sum()), currency("USD")).expect("is in every currency");
            let by_code = nets.iter().map(|minor| (None, net(*minor)));
            let by_code = share_by_charge_code(model, currency("USD"), by_code).expect("is in every currency");
            for (code, minor) in by_code.iter().zip(&nets) {
                prop_assert_eq!(code.shares.partner_minor + code.shares.operator_minor, *minor);
                let error = code.shares.partner_minor * 10_000 - minor * i128::from(points);
                prop_assert!(error.abs() <= 10_000, "off by more than a cent");
            }
            let partner: i128 = by_code.iter().map(|code| code.shares.partner_minor).sum();
            prop_assert_eq!(partner, whole.partner_minor);
        }

        #[test]
        fn giving_all_back_gives_all_tax_back(
            charged in 1_i64..=CHARGE_MINOR_MAX,
            tax_of_thousand in 0_i64..=1000,
            cuts in prop::collection::vec(0_i64..=1000, 0..6),
        ) {
            let tax = charged / 1000 * tax_of_thousand;
            let mut cuts: Vec<i64> = cuts.into_iter().map(|cut| charged / 1000 * cut).collect();
            cuts.push(charged);
            cuts.sort_unstable();
            let (mut before, mut given_back) = (0, 0);
            for cut in cuts {
                let part = tax_given_back(charged, tax, before, cut - before);
                prop_assert!((0..=cut - before).contains(&part), "no more tax than money");
                (before, given_back) = (cut, given_back + part);
            }
            prop_assert_eq!(given_back, tax);
        }
    }
}
