//! Issues a coupon, both for a call of the operator's systems and for a line of an imported file.

use super::DAY_SECONDS;
use super::desk::Coupons;
use super::text;
use crate::account::{FoundAccount, Purchase, live_account};
use crate::config::{CouponPlan, CouponSettings, Offer};
use crate::fault::{Failure, Fault};
use crate::store::{CouponRow, IssueCouponResult, NewCoupon, NewPai, NewPaiIds, StoreError};
use onbill_domain::account::check_permission;
use onbill_domain::digest::sha256;
use onbill_domain::limits::{CHARGE_MINOR_MAX, DESCRIPTION_CHARS_MAX};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::signature::Nonce;
use onbill_domain::wire::coupon::CouponRequest;
use onbill_domain::wire::csp::AccountPurpose;

/// The member of a request that is refused. A file import maps it to the column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CouponField {
    /// The operator's id for the coupon.
    ExtCouponId,
    Msisdn,
    Plan,
    Amount,
    Currency,
    Offer,
}

/// Why no coupon was issued.
#[derive(Debug)]
pub enum NotIssued {
    /// The request is refused, because of this member.
    Refused(CouponField, Reject),
    /// The request could not be decided.
    Failed(Failure),
}

impl From<Failure> for NotIssued {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Fault> for NotIssued {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault.into())
    }
}

impl From<StoreError> for NotIssued {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<NotIssued> for Failure {
    fn from(error: NotIssued) -> Self {
        match error {
            NotIssued::Refused(_, reject) => reject.into(),
            NotIssued::Failed(failure) => failure,
        }
    }
}

/// The outcome of checking a request, before anything is recorded.
pub(super) enum Examined {
    /// A coupon that was issued before.
    Existing(Box<CouponRow>),
    /// A coupon to issue.
    New(Box<NewCoupon>),
}

impl Coupons {
    /// Issues a coupon and sends it.
    ///
    /// 1. Checks the request: see [`Self::examine_request`].
    /// 2. Records the coupon, with its buyer's PAI and the sealed SMS.
    pub async fn issue(
        &self,
        nonce: Option<Nonce>,
        request: &CouponRequest,
    ) -> Result<(bool, CouponRow), NotIssued> {
        // 1.
        let new = match self.examine_request(request).await? {
            Examined::Existing(row) => return Ok((false, *row)),
            Examined::New(new) => new,
        };

        // 2.
        match self.store.issue_coupon(nonce, self.clock.now(), *new).await? {
            IssueCouponResult::Created(row) => Ok((true, *row)),
            IssueCouponResult::Replayed(row) => Ok((false, *row)),
            IssueCouponResult::Conflict => Err(id_conflict()),
        }
    }

    /// Checks a request for a coupon.
    ///
    /// 1. The same id again is the same coupon, whatever has become of it and of its buyer; with
    ///    other contents it is 422 `idempotency-violation`.
    /// 2. The plan and the offer must be on sale, and the operator must bill in the currency: 400
    ///    `parameter-not-supported`. The amount must be one that billing takes: 400
    ///    `invalid-request`.
    /// 3. The number must have an account (404 `account-not-found`) that is not suspended (400
    ///    `suspended-non-payment`) and may pay on the bill (400 `account-not-eligible`). Its balance is checked when the coupon is redeemed, because it
    ///    is only charged then.
    /// 4. Draws the code, and seals the SMS that carries it.
    pub(super) async fn examine_request(&self, request: &CouponRequest) -> Result<Examined, NotIssued> {
        // 1.
        let msisdn = self.numbers.parse(request.msisdn.expose());
        let msisdn = msisdn.map_err(|reject| NotIssued::Refused(CouponField::Msisdn, reject))?;
        let fingerprint = self.fingerprint_request(&msisdn, request)?;
        if let Some(row) = self.store.find_coupon(request.ext_coupon_id.clone()).await? {
            return if row.is_of(&fingerprint) {
                Ok(Examined::Existing(Box::new(row)))
            } else {
                Err(id_conflict())
            };
        }

        // 2.
        let (settings, plan, offer) = self.find_on_sale(request)?;
        self.check_amount(request)?;

        // 3.
        let now = self.clock.now();
        let purchase = Purchase {
            purpose: AccountPurpose::SignUp,
            partner: &offer.partner,
            offer: Some(&offer.id),
            amount: request.amount,
        };
        let known = self.find_buyer_account(&msisdn, purchase).await?;

        // 4.
        let expires_at = now.plus_seconds(i64::from(settings.valid_days) * DAY_SECONDS);
        let about = text::CouponTerms { offer: &offer.title, months: plan.months, expires_at };
        let new = NewCoupon {
            coupon_id: self.ids.coupon(&request.ext_coupon_id),
            ext_coupon_id: request.ext_coupon_id.clone(),
            fingerprint,
            plan: plan.id.clone(),
            months: plan.months,
            offer: offer.id.clone(),
            description: bill_description(&offer.title, plan.months),
            locale: request.locale,
            amount: request.amount,
            text: self.new_message(
                settings,
                &msisdn,
                &known.subscriber_ref,
                request.locale,
                &about,
                false,
            )?,
            expires_at,
            buyer: NewPai {
                partner: offer.partner.clone(),
                number: self.vault.seal_number(&*self.random, &msisdn)?,
                subscriber_ref: known.subscriber_ref,
                proved_in: None,
                fresh: NewPaiIds::draw(&*self.random),
            },
        };
        Ok(Examined::New(Box::new(new)))
    }

    /// Hashes the parsed members in a fixed order, with the number in the form that the database
    /// uses.
    fn fingerprint_request(&self, msisdn: &Msisdn, request: &CouponRequest) -> Result<[u8; 32], Fault> {
        let CouponRequest { ext_coupon_id, msisdn: _, plan, amount, offer, locale } = request;
        let contents = (ext_coupon_id, self.vault.index_number(msisdn).0, plan, amount, offer, locale);
        Ok(sha256(&serde_json::to_vec(&contents).map_err(|_| Fault::Broken("a request does not serialize"))?))
    }

    fn find_on_sale<'a>(
        &'a self,
        request: &CouponRequest,
    ) -> Result<(&'a CouponSettings, &'a CouponPlan, &'a Offer), NotIssued> {
        let refuse = |member, message: &str| {
            NotIssued::Refused(member, Reject::new(ErrorCode::ParameterNotSupported, message))
        };
        let plan = self.config.coupons.as_ref().and_then(|settings| {
            settings.plans.iter().find(|plan| plan.id == request.plan).map(|plan| (settings, plan))
        });
        let (settings, plan) = plan.ok_or_else(|| refuse(CouponField::Plan, "plan is not on sale here."))?;
        let offer = self.config.offer(request.offer.as_ref().unwrap_or(&plan.offer));
        let offer = offer.ok_or_else(|| refuse(CouponField::Offer, "offer is not on sale here."))?;
        Ok((settings, plan, offer))
    }

    fn check_amount(&self, request: &CouponRequest) -> Result<(), NotIssued> {
        let limits = self.config.limits_in(request.amount.currency).ok_or_else(|| {
            let message = "amount.currency is not one that the operator bills in.";
            NotIssued::Refused(CouponField::Currency, Reject::new(ErrorCode::ParameterNotSupported, message))
        })?;
        // The maximum of a single charge does not apply to what the operator itself has sold.
        let smallest = limits.charge_minor_min.unwrap_or(1).max(1);
        if (smallest..=CHARGE_MINOR_MAX).contains(&request.amount.amount_minor) {
            return Ok(());
        }
        let message = "amount.value must be a number of minor units that billing takes.";
        Err(NotIssued::Refused(CouponField::Amount, Reject::invalid_request(message)))
    }

    async fn find_buyer_account(
        &self,
        msisdn: &Msisdn,
        purchase: Purchase<'_>,
    ) -> Result<FoundAccount, NotIssued> {
        let refuse = |reject| NotIssued::Refused(CouponField::Msisdn, reject);
        let known = live_account(self.accounts.find_paying_account(msisdn, purchase).await?);
        let known = known
            .ok_or_else(|| refuse(Reject::new(ErrorCode::AccountNotFound, "There is no such account.")))?;
        check_permission(&known.account).map_err(refuse)?;
        Ok(known)
    }
}

pub(super) const CONFLICT: &str = "extCouponID was used for another coupon.";

fn id_conflict() -> NotIssued {
    NotIssued::Refused(CouponField::ExtCouponId, Reject::new(ErrorCode::IdempotencyViolation, CONFLICT))
}

/// The line of the coupon's charge: as much of the offer's title as fits. The bill prints the days
/// after it.
fn bill_description(title: &str, months: u8) -> String {
    let unit = if months == 1 { "month" } else { "months" };
    let end = format!(", {months} {unit}");
    let room = DESCRIPTION_CHARS_MAX - end.chars().count();
    title.chars().take(room).collect::<String>() + &end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bill_line_keeps_its_months_whatever_the_title() {
        assert_eq!(bill_description("Netflix Standard", 6), "Netflix Standard, 6 months");
        assert_eq!(bill_description("Netflix Standard", 1), "Netflix Standard, 1 month");
        let long = bill_description(&"é".repeat(200), 12);
        assert_eq!(long.chars().count(), DESCRIPTION_CHARS_MAX);
        assert!(long.ends_with("é, 12 months"));
    }
}
