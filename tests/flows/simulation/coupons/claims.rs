//! Compares the new rows after a step with the responses in it: the buyer, the subscriber for whom
//! a coupon was redeemed, and that each refusal had a reason.

use crate::simulation::outcomes::RunOutcome;
use crate::simulation::run::SimulationRun;
use onbill_domain::day::ServicePeriod;

/// A response whose content must be true after the step.
#[derive(Clone, Debug)]
pub(in crate::simulation) enum ResponseClaim {
    /// The owner of this PAI has left.
    HasLeft(String),
    /// A coupon pays for some of these days of a PAI.
    IsPaid(String, ServicePeriod),
}

impl SimulationRun {
    /// Checks the new rows, and returns the violations.
    pub(in crate::simulation) fn look_at_claims(&mut self) -> Vec<String> {
        let mut found = self.look_at_buyers();
        for (id, claim) in &self.coupons.claims {
            let is_new = self.claims.insert(id.clone());
            let named = self.redemptions.get(&claim.reference).map(|redemption| &redemption.pai);
            let Some(named) = named else {
                found.push(format!("{claim:?} was redeemed, and nobody has typed it"));
                continue;
            };
            if is_new && named.as_ref().is_some_and(|pai| self.closed.contains(pai)) {
                found.push(format!("{id} is for somebody who had left: {claim:?}"));
            }
            if is_new && claim.outcome == "REDEEMED" && claim.charge != "APPROVED" {
                self.tally.count(RunOutcome::SpentBeforePaid);
                if self.is_calm() {
                    found.push(format!("{id} was called spent before billing had answered: {claim:?}"));
                }
            }
        }
        for said in std::mem::take(&mut self.said) {
            let is_so = match &said {
                ResponseClaim::HasLeft(pai) => self.standings.is_closed(pai),
                ResponseClaim::IsPaid(pai, month) => self.months.is_paid(pai, *month),
            };
            if !is_so {
                found.push(format!("it was said and is not so: {said:?}"));
            }
        }
        self.closed = self.standings.closed();
        found
    }

    /// The buyer of each new coupon is the present subscriber of the number, with an active
    /// account.
    fn look_at_buyers(&mut self) -> Vec<String> {
        let mut found = Vec::new();
        for (nth, coupon) in &self.coupons.issued {
            if self.buyers.contains_key(nth) {
                continue;
            }
            let number = self.sold[*nth].number;
            let holder = self.holdings[number].last().expect("somebody holds it").clone();
            let known = self.generations.get(&coupon.pai);
            if holder.status != "active" || known != Some(&holder.activated_on) {
                found.push(format!("c-{nth} was bought by {known:?}, and {number} is {holder:?}'s"));
            }
            self.buyers.insert(*nth, holder.activated_on);
        }
        found
    }
}
