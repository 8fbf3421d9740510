//! Coupons that members have redeemed: what they paid for an account, and until when.

use super::members::{MemberAccount, Members, PaymentMethod};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::ids::{ExtId, OperatorId};
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::wire::coupon::{CouponRedeemRequest, CouponRedeemResponse};
use serde::Serialize;

/// A coupon on an account.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RedeemedCoupon {
    /// Our id of the redemption.
    pub(super) ext_reference: ExtId,
    pub(super) plan: ExtId,
    pub(super) months: u8,
    pub(super) amount: Money,
    /// The operator on whose bill it is.
    pub(super) operator: OperatorId,
    pub(super) pai: Option<Pai>,
    /// The days that it pays for here.
    pub(super) service_period: ServicePeriod,
    /// The id of its charge.
    #[serde(rename = "extTransactionID")]
    pub(super) ext_transaction_id: ExtId,
}

impl MemberAccount {
    /// The days that a coupon pays for here. For a subscriber of ours they are as reported.
    /// Otherwise they may follow another subscriber's days, and are the same number of months after
    /// the days that this account has paid already.
    fn days_of(&self, reported: ServicePeriod, months: u8, is_ours: bool, today: Day) -> ServicePeriod {
        let after = self.paid_until.filter(|paid| *paid >= today).map_or(Some(today), Day::next);
        let own = after.and_then(|from| ServicePeriod::from_months(from, months));
        if is_ours { reported } else { own.unwrap_or(reported) }
    }
}

impl Members {
    /// Puts a coupon on the account with this e-mail address, which is created if necessary. The
    /// same redemption again changes nothing. Returns the account's id.
    pub(super) fn put_coupon(
        &mut self,
        email: &str,
        asked: &CouponRedeemRequest,
        reported: CouponRedeemResponse,
        today: Day,
    ) -> String {
        if let Some(known) = self.redeemed_by(&asked.ext_reference) {
            return known.id.clone();
        }
        let account = self.account_or_new(email, PaymentMethod::Coupons);
        let days = account.days_of(reported.service_period, reported.months, asked.pai.is_some(), today);
        account.paid_until = account.paid_until.max(Some(days.to()));
        account.coupons.push(RedeemedCoupon {
            ext_reference: asked.ext_reference.clone(),
            plan: reported.plan,
            months: reported.months,
            amount: reported.amount,
            operator: reported.operator,
            pai: reported.pai,
            service_period: days,
            ext_transaction_id: reported.ext_transaction_id,
        });
        account.id.clone()
    }

    /// The account that has this redemption.
    pub(super) fn redeemed_by(&self, reference: &ExtId) -> Option<&MemberAccount> {
        let has = |account: &&MemberAccount| {
            account.coupons.iter().any(|coupon| coupon.ext_reference == *reference)
        };
        self.accounts().iter().find(has)
    }

    /// The subscriber whose days an account's next coupon pays for, as far as onbill knows: the one
    /// who pays on the bill, or has bought the last coupon. That may have been a gift, from the
    /// owner of another account or from a person unknown to us.
    pub(super) fn subscriber_of(&self, account: &MemberAccount) -> Option<Pai> {
        if let PaymentMethod::Bill { pai, .. } = account.pays {
            return Some(pai);
        }
        let last = account.coupons.last()?;
        last.pai.filter(|pai| self.account_of((&last.operator, *pai)).is_none())
    }
}
