//! The customer's own page: who may see it, and what is on it.
//!
//! It belongs to the present subscriber of the number, as the operator reports at this moment, and
//! not to any earlier subscriber. A suspended account may see it; a ceased one has no subscriber.

use super::eligibility::{Eligibility, ExpectedSubscriber};
use super::mark::secret_of;
use super::proof::FlowProofs;
use crate::ambient::Clock;
use crate::config::{ChargeNeeds, Config};
use crate::fault::Failure;
use crate::keys::Vault;
use crate::store::{Cursor, CustomerCharge, NumberIndex, PartnerLink, Store};
use onbill_domain::day::Day;
use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::limits::{ACCOUNT_CHARGES_PER_PAGE, ACCOUNT_SUBSCRIPTIONS_MAX};
use onbill_domain::money::Money;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::reject::Reject;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::account_page::{AccountPage, ChargeView, ClosureView, SubscriptionView};
use onbill_domain::wire::ott::TransactionStatus;
use onbill_domain::wire::subscription::SubscriptionStatus;
use std::sync::Arc;

pub(crate) struct PageOwner {
    pub(crate) number: NumberIndex,
    pub(crate) subscriber_ref: String,
}

pub struct AccountPages {
    pub(crate) config: Arc<Config>,
    pub(crate) store: Arc<Store>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) eligibility: Arc<Eligibility>,
    pub(crate) proofs: Arc<FlowProofs>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl AccountPages {
    /// 1. The flow must be proven and open: see [`FlowProofs::find_proven`] for the refusals.
    /// 2. The account must exist now: 404 `account-not-found`.
    /// 3. It must be that of the subscriber who proved the number: 400 `token-expired`.
    pub(crate) async fn find_owner(&self, flow: &str) -> Result<PageOwner, Failure> {
        // 1.
        let (proven, msisdn) = self.proofs.find_proven(flow).await?;
        // 2. and 3.
        let known = self.eligibility.find_live_account(&msisdn, ExpectedSubscriber::MarkedIn(flow)).await?;
        Ok(PageOwner { number: proven.number.index, subscriber_ref: known.subscriber_ref })
    }

    /// Reads the owner's page, with the charges before a cursor, or else the newest.
    pub(crate) async fn read_page(
        &self,
        owner: &PageOwner,
        flow: &str,
        before: Option<Cursor>,
    ) -> Result<AccountPage, Failure> {
        let links = self.store.list_partner_links(owner.number, owner.subscriber_ref.clone()).await?;
        let pais = links.iter().map(|link| link.pai).collect();
        let charges = self.store.list_own_charges(pais, before, ACCOUNT_CHARGES_PER_PAGE).await?;
        let today = Day::of_timestamp(self.clock.now());
        let mut subscriptions = Vec::new();
        for link in links.iter().take(ACCOUNT_SUBSCRIPTIONS_MAX) {
            let paid_until = match link.state {
                PaiState::Closed => None,
                PaiState::Active | PaiState::Suspended => self.store.find_paid_until(link.pai, today).await?,
            };
            subscriptions.push(self.view_subscription(flow, link, paid_until));
        }
        Ok(AccountPage {
            subscriptions,
            charges: charges.lines.into_iter().map(view_charge).collect(),
            cursor: charges.next.as_ref().map(write_cursor),
        })
    }

    /// Finds the owner's PAI by its name in this flow: 400 `invalid-request` when there is none.
    pub(crate) async fn find_pai(&self, owner: &PageOwner, flow: &str, name: &str) -> Result<Pai, Failure> {
        let links = self.store.list_partner_links(owner.number, owner.subscriber_ref.clone()).await?;
        let link = links.iter().find(|link| self.name_pai(flow, link.pai) == name);
        Ok(link.ok_or_else(subscription_not_found)?.pai)
    }

    /// Shows a subscription to its owner, under its name in this flow, and the last day that coupons
    /// have paid for, if any.
    pub(crate) fn view_subscription(
        &self,
        flow: &str,
        link: &PartnerLink,
        paid_until: Option<Day>,
    ) -> SubscriptionView {
        let mut offers = self.config.offers.iter().filter(|offer| offer.partner == link.partner);
        let (plan, status) = link.subscription.as_ref().map(|(plan, status)| (plan, *status)).unzip();
        let offer = offers.find(|offer| Some(&offer.plan) == plan);
        // Where a PAI is enough, what seems to be over can be charged as long as it is linked.
        let can_be_over = self.config.charge_needs(&link.partner) != ChargeNeeds::Pai;
        let ends_by_itself = can_be_over && link.is_coupons_only && paid_until.is_some();
        let is_cancelled = can_be_over && status == Some(SubscriptionStatus::Cancelled);
        SubscriptionView {
            subscription: self.name_pai(flow, link.pai),
            partner: link.partner.clone(),
            title: offer.map(|offer| offer.title.clone()),
            since: link.since,
            state: link.state,
            status,
            paid_until,
            ends_by_itself,
            can_unlink: link.state != PaiState::Closed && !ends_by_itself && !is_cancelled,
            ended: link.closed_reason.map(|reason| ClosureView { at: link.closed_at, reason }),
        }
    }

    /// Names a PAI for this flow only, so that a browser gets no name that is valid elsewhere.
    fn name_pai(&self, flow: &str, pai: Pai) -> String {
        let flow = sha256(secret_of(flow).as_bytes());
        encode_base64url(&self.vault.link_mac(&flow, pai))
    }
}

/// 400 `invalid-request`, for a name that is none of the owner's.
pub(crate) fn subscription_not_found() -> Reject {
    Reject::invalid_request("There is no such subscription.")
}

fn view_charge(charge: CustomerCharge) -> ChargeView {
    let part = |amount_minor: i64| (amount_minor > 0).then_some(Money { amount_minor, ..charge.amount });
    let is_approved = charge.status == TransactionStatus::Approved;
    ChargeView {
        reference: is_approved.then_some(charge.transaction_id),
        tax: charge.tax_minor.filter(|_| is_approved).and_then(part),
        refunded: part(charge.refunded_minor),
        refunding: part(charge.refunding_minor),
        partner: charge.partner,
        at: charge.created_at,
        description: charge.description,
        service_period: charge.service_period,
        amount: charge.amount,
        status: charge.status,
        decline_reason: charge.decline_reason,
        billed_on: charge.billed_on,
    }
}

/// Opaque to the reader.
pub(crate) fn write_cursor(cursor: &Cursor) -> String {
    format!("{}.{}", cursor.at.unix_seconds(), cursor.id)
}

/// Parses a cursor: 400 `invalid-request` when it is not one that we issued. A forged cursor could
/// only leave out some of the reader's own charges.
pub(crate) fn parse_cursor(text: &str) -> Result<Cursor, Reject> {
    // Our ids are of such characters. No database is asked for others: PostgreSQL takes no NUL.
    let is_of_an_id = |id: &str| id.bytes().all(|byte| byte.is_ascii_graphic());
    let parts = text.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id)));
    let parts = parts.filter(|(_, id)| is_of_an_id(id));
    let (at, id) = parts.ok_or_else(|| Reject::invalid_request("cursor is malformed."))?;
    Ok(Cursor { at: Timestamp::from_unix_seconds(at), id: id.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_is_read_as_it_was_written() {
        let cursor = Cursor { at: Timestamp::from_unix_seconds(1_795_000_000), id: "tx.1".to_owned() };
        assert_eq!(parse_cursor(&write_cursor(&cursor)), Ok(cursor));
        for bad in ["", ".", "tx-1", "x.tx-1", "99999999999999999999.tx-1", "1.tx\0", "1.tx 1", "1.é"] {
            assert!(parse_cursor(bad).is_err(), "{bad}");
        }
    }
}
