//! The other system: a plain model of what it knows, and its two files.

use onbill_domain::day::ServicePeriod;
use onbill_domain::pai::PaiState;
use onbill_domain::timestamp::Timestamp;
use onbill_test_harness::other_system::{charges_csv, pais_csv};

/// What each month costs.
pub(super) const PRICE: i64 = 1599;

/// A customer of the operator's, as all sides know them.
pub(super) struct Customer {
    pub(super) number: &'static str,
    pub(super) subscriber_ref: &'static str,
    pub(super) pai: String,
    /// By the latest account event.
    pub(super) state: PaiState,
    /// The months that were charged or declined so far.
    pub(super) months: u32,
    /// Onbill charges them.
    pub(super) is_cut_over: bool,
}

/// A charge at either system.
#[derive(Clone)]
pub(super) struct KnownCharge {
    pub(super) id: String,
    pub(super) customer: usize,
    /// On whose bill it is, if it is approved.
    pub(super) number: &'static str,
    /// Billing's id of its line, as the other system knows it.
    pub(super) billing_ref: String,
    pub(super) period: ServicePeriod,
    pub(super) posted_at: Timestamp,
    pub(super) is_approved: bool,
    pub(super) refunded: i64,
    /// The other system has posted it, or has taken it in on the way back.
    pub(super) is_theirs: bool,
}

impl KnownCharge {
    fn to_line(&self, pai: &str) -> String {
        let (status, billing_ref) =
            if self.is_approved { ("APPROVED", self.billing_ref.as_str()) } else { ("DECLINED", "") };
        format!(
            "netflix,{},{pai},{PRICE},USD,{},{status},{billing_ref},{},{},{}",
            self.id,
            self.refunded,
            self.posted_at,
            self.period.from(),
            self.period.to()
        )
    }
}

/// What the other system would export now: `pais.csv` and `charges.csv`.
pub(super) fn export(customers: &[Customer], charges: &[KnownCharge]) -> [String; 2] {
    let theirs = || charges.iter().filter(|charge| charge.is_theirs);
    let to_line = |(n, customer): (usize, &Customer)| {
        let paid = theirs().filter(|charge| charge.customer == n && charge.is_approved);
        let paid_until = paid.map(|charge| charge.period.to().to_string()).max().unwrap_or_default();
        format!(
            "netflix,{},{},{},{},2022-09-28T12:01:05Z,sub-{n},EXISTING_ACCOUNT,standard,{PRICE},USD,{paid_until},\
             2022-09-28T12:00:00Z,web",
            customer.pai,
            customer.number,
            customer.subscriber_ref,
            customer.state.as_str()
        )
    };
    let pais: Vec<String> = customers.iter().enumerate().map(to_line).collect();
    let lines: Vec<String> = theirs().map(|charge| charge.to_line(&customers[charge.customer].pai)).collect();
    [pais_csv(&pais), charges_csv(&lines)]
}
