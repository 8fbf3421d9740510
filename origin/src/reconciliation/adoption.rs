//! Adoption: what a restored ledger has lost is recorded again from the partner's statement,
//! billing's extract and the edge's store. Ids follow from external ids, so a charge in the
//! statement is found in the extract by the id that it must have had.
//!
//! PAIs come first, because charges need them; then redemptions and charges, then refunds.

use super::adoption_report::{AdoptionError, AdoptionReport, Lost, NotAdopted};
use super::file::ReportedLedger;
use super::lost_pais::LostPais;
use super::reported_line::{Copies, LineDetails, ReportedLine};
use super::restored_ledger::RestoredLedger;
use crate::ambient::Clock;
use crate::config::ChargeCodes;
use crate::keys::{StableIds, has_form_of_ours};
use crate::store::{
    AdoptResult, CouponFilter, LookupIds, LostCharge, LostRedemption, LostRefund, Store, StoreError,
};
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::wire::coupon::COUPON_CHARGE_PREFIX;
use onbill_domain::wire::ott::TransactionStatus;
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

/// Ids looked up in one query.
const PAGE: usize = 1000;
/// Coupons read in one page.
const COUPONS: u32 = 500;
/// How many ids of a coupon's charge are looked for: more declined redemptions of one coupon within
/// the time that was lost are not expected.
const COUPON_CHARGES: u32 = 8;

/// What to adopt, and with what.
pub struct Adoption<'a> {
    pub store: &'a Store,
    pub ids: &'a StableIds,
    pub clock: &'a dyn Clock,
    /// The partner of the statement.
    pub partner: PartnerId,
    /// Whether it takes webhooks about later outcomes.
    pub informs_partner: bool,
    /// The charge codes, from which the booking of what is adopted follows.
    pub codes: Arc<ChargeCodes>,
    pub pais: LostPais<'a>,
}

/// What is to be recorded, or why not.
type Wanted<T> = Result<T, NotAdopted>;

impl Adoption<'_> {
    /// Adopts what both files and the edge have and the ledger has not.
    pub async fn run(
        &self,
        statement: &ReportedLedger,
        extract: &ReportedLedger,
    ) -> Result<AdoptionReport, AdoptionError> {
        let mut report = AdoptionReport::default();
        let ledger =
            RestoredLedger { store: self.store, ids: self.ids, clock: self.clock, partner: &self.partner };
        self.pais.follow_edge(ledger, &mut report).await?;
        self.pais.adopt(ledger, statement, extract, &mut report).await?;
        self.adopt_redemptions(statement, extract, &mut report).await?;
        self.adopt_charges(statement, extract, &mut report).await?;
        self.adopt_refunds(statement, extract, &mut report).await?;
        Ok(report)
    }

    async fn adopt_charges(
        &self,
        statement: &ReportedLedger,
        extract: &ReportedLedger,
        report: &mut AdoptionReport,
    ) -> Result<(), StoreError> {
        for ids in in_pages(statement.charges.ids()) {
            let known = self.store.find_charges_by_id(self.partner.clone(), LookupIds::External(ids.clone()));
            let known: HashSet<ExtId> =
                known.await?.into_iter().map(|line| line.ext_transaction_id).collect();
            for id in ids.into_iter().filter(|id| !known.contains(id)) {
                let Some(copies) = statement.charges.get(id.as_str()) else { continue };
                // A coupon's charge is adopted with its redemption, or its coupon is lost too.
                if id.as_str().starts_with(COUPON_CHARGE_PREFIX) {
                    report.add_result(Lost::Redemption, id.as_str(), AdoptResult::CouponNotFound);
                    continue;
                }
                match self.to_lost_charge(&id, &copies, extract) {
                    Ok(lost) => {
                        let result = self.store.adopt_charge(self.clock.now(), lost).await?;
                        report.add_result(Lost::Charge, id.as_str(), result);
                    }
                    Err(why) => {
                        let is_done = why == NotAdopted::Declined;
                        report.add(Lost::Charge, id.as_str(), why.as_str(), is_done);
                    }
                }
            }
        }
        Ok(())
    }

    fn to_lost_charge(&self, id: &ExtId, copies: &Copies, extract: &ReportedLedger) -> Wanted<LostCharge> {
        let transaction_id = self.ids.charge(&self.partner, id);
        let (line, is_billed) =
            Self::check_line(copies, extract.charges.get(transaction_id.as_str()).as_ref())?;
        let details = line.details.as_deref().ok_or(NotAdopted::DetailsMissing)?;
        let LineDetails { description: Some(description), service_period: Some(service_period), .. } =
            details
        else {
            return Err(NotAdopted::DetailsMissing);
        };
        Ok(LostCharge {
            transaction_id,
            partner: self.partner.clone(),
            ext_transaction_id: id.clone(),
            pai: line.pai.ok_or(NotAdopted::DetailsMissing)?,
            amount: line.amount,
            tax_minor: details.tax_minor,
            description: description.to_string(),
            service_period: *service_period,
            codes: self.codes.clone(),
            is_billed,
            informs_partner: self.informs_partner && line.status != TransactionStatus::Approved,
        })
    }

    async fn adopt_refunds(
        &self,
        statement: &ReportedLedger,
        extract: &ReportedLedger,
        report: &mut AdoptionReport,
    ) -> Result<(), StoreError> {
        for ids in in_pages(statement.refunds.ids()) {
            let known = self.store.find_refunds_by_id(self.partner.clone(), LookupIds::External(ids.clone()));
            let known: HashSet<ExtId> = known.await?.into_iter().map(|line| line.ext_refund_id).collect();
            for id in ids.into_iter().filter(|id| !known.contains(id)) {
                let Some(copies) = statement.refunds.get(id.as_str()) else { continue };
                match self.to_lost_refund(&id, &copies, extract) {
                    Ok(lost) => {
                        let result = self.store.adopt_refund(self.clock.now(), lost).await?;
                        report.add_result(Lost::Refund, id.as_str(), result);
                    }
                    Err(why) => {
                        let is_done = why == NotAdopted::Declined;
                        report.add(Lost::Refund, id.as_str(), why.as_str(), is_done);
                    }
                }
            }
        }
        Ok(())
    }

    fn to_lost_refund(&self, id: &ExtId, copies: &Copies, extract: &ReportedLedger) -> Wanted<LostRefund> {
        // The partner knows an operator's refund by our id, and billing has it under that id too. As the
        // partner's own it would have another id, be billed a second time and reduce the partner's share.
        if extract.refunds.get(id.as_str()).is_some() || has_form_of_ours(id.as_str()) {
            return Err(NotAdopted::OperatorsRefund);
        }
        let refund_id = self.ids.refund(&self.partner, id);
        let (line, is_billed) = Self::check_line(copies, extract.refunds.get(refund_id.as_str()).as_ref())?;
        let reason = line.details.as_deref().and_then(|details| details.reason.as_deref());
        let charge = line.charge.as_deref().and_then(ExtId::parse);
        Ok(LostRefund {
            refund_id,
            partner: self.partner.clone(),
            ext_refund_id: id.clone(),
            ext_transaction_id: charge.ok_or(NotAdopted::DetailsMissing)?,
            amount: line.amount,
            reason: reason.unwrap_or(REASON_UNKNOWN).to_owned(),
            is_billed,
            informs_partner: self.informs_partner && line.status != TransactionStatus::Approved,
        })
    }

    /// Compares a line of the statement with that of the bill. Returns it, and whether it is billed.
    fn check_line<'c>(copies: &'c Copies, bill: Option<&Copies>) -> Wanted<(&'c ReportedLine, bool)> {
        let line = &copies.first;
        if !copies.more.is_empty() {
            return Err(NotAdopted::TwiceAtPartner);
        }
        match (bill, line.status) {
            (Some(_), TransactionStatus::Declined) => Err(NotAdopted::BilledThoughDeclined),
            (None, TransactionStatus::Declined) => Err(NotAdopted::Declined),
            (Some(bill), _) if bill.first.amount != line.amount => Err(NotAdopted::AmountDiffers),
            (Some(_), _) => Ok((line, true)),
            // Billing is asked before it is posted, and files have each id billed once.
            (None, _) => Ok((line, false)),
        }
    }

    /// A coupon that can be redeemed, and whose charge is on the bill or in the statement, was
    /// redeemed.
    async fn adopt_redemptions(
        &self,
        statement: &ReportedLedger,
        extract: &ReportedLedger,
        report: &mut AdoptionReport,
    ) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.store.list_coupons(after, CouponFilter::All, COUPONS).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.ext_coupon_id.clone());
            for coupon in page.into_iter().filter(|coupon| coupon.transaction_id.is_none()) {
                let charges = (0..COUPON_CHARGES).map(|n| self.ids.coupon_charge(&coupon.ext_coupon_id, n));
                let mut seen = charges.map(|id| {
                    let name = format!("{COUPON_CHARGE_PREFIX}{id}");
                    let line = statement.charges.get(name.as_str()).map(|copies| copies.first);
                    let line = line.filter(|line| line.status != TransactionStatus::Declined);
                    (extract.charges.get(id.as_str()).map(|bill| bill.first.amount), line, id)
                });
                let Some((billed, line, id)) =
                    seen.find(|(billed, line, _)| billed.is_some() || line.is_some())
                else {
                    continue;
                };
                let Some(amount) = billed.or(line.as_ref().map(|line| line.amount)) else { continue };
                let details = line.as_ref().and_then(|line| line.details.as_deref());
                let redemption = LostRedemption {
                    ext_coupon_id: coupon.ext_coupon_id.clone(),
                    transaction_id: id,
                    amount,
                    codes: self.codes.clone(),
                    is_billed: billed.is_some(),
                    ext_reference: details.and_then(|details| details.ext_reference.clone()),
                    pai: line.as_ref().and_then(|line| line.pai),
                    service_period: details.and_then(|details| details.service_period),
                };
                let result = self.store.adopt_redemption(self.clock.now(), redemption).await?;
                report.add_result(Lost::Redemption, coupon.ext_coupon_id.as_str(), result);
            }
        }
    }
}

/// The reason of a refund of which the statement does not say it.
const REASON_UNKNOWN: &str = "not in the statement";

/// External ids by the page, in order.
fn in_pages<'a>(ids: impl Iterator<Item = Cow<'a, str>>) -> Vec<Vec<ExtId>> {
    let mut ids: Vec<ExtId> = ids.filter_map(|id| ExtId::parse(&id)).collect();
    ids.sort_unstable();
    ids.chunks(PAGE).map(<[ExtId]>::to_vec).collect()
}
