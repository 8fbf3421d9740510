//! Decides who may pay on the bill, and who may see their own page. Only the subscriber of a proven
//! number learns any of it.

use super::mark::{flow_expired, is_marked_for};
use crate::account::{AccountLookup, FoundAccount, Purchase, live_account};
use crate::ambient::Clock;
use crate::config::{Links, Offer, Signups, SimSwapHours};
use crate::fault::Failure;
use crate::keys::Vault;
use crate::pin::pin_expired;
use crate::store::{NumberIndex, PinRecipient, Store};
use onbill_domain::account::{AccountType, check_account};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::csp::AccountPurpose;
use std::sync::Arc;

pub struct Eligibility {
    pub(crate) store: Arc<Store>,
    pub(crate) accounts: Arc<AccountLookup>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sim_swap_hours: SimSwapHours,
    pub(crate) links: Links,
    pub(crate) signups: Signups,
}

/// Whose account it has to be.
#[derive(Clone, Copy)]
pub(crate) enum ExpectedSubscriber<'f> {
    /// The number's present subscriber.
    Present,
    /// The subscriber to whom the PIN was sent that has just proved the number.
    PinRecipient(&'f PinRecipient),
    /// The subscriber for whom this flow was marked when it proved the number.
    MarkedIn(&'f str),
}

/// An account that may buy an offer.
pub(crate) struct EligibleAccount {
    pub(crate) known: FoundAccount,
    pub(crate) account_type: AccountType,
    /// It already pays this partner on the bill, so there is nothing to buy.
    pub(crate) pays_already: bool,
}

impl Eligibility {
    /// Returns the account if it may buy the offer: see [`check_account`] for the refusals, and
    /// [`Self::find_account`] for those of another subscriber than the expected one. 403 `signups-closed`
    /// for one that does not pay this partner yet, while the operator takes no new customers.
    pub(crate) async fn check_buyer(
        &self,
        offer: &Offer,
        msisdn: &Msisdn,
        expected: ExpectedSubscriber<'_>,
    ) -> Result<EligibleAccount, Failure> {
        let known = self.find_account(msisdn, expected, Some(offer)).await?;
        let (known, account_type) = self.check_price(known, offer)?;
        let pays_already = self.pays_on_bill(offer, msisdn, &known).await?;
        if !pays_already {
            self.check_signups()?;
        }
        Ok(EligibleAccount { known, account_type, pays_already })
    }

    /// Returns the account if it exists: 404 `account-not-found`. A suspended one may still see its
    /// page.
    pub(crate) async fn find_live_account(
        &self,
        msisdn: &Msisdn,
        expected: ExpectedSubscriber<'_>,
    ) -> Result<FoundAccount, Failure> {
        let known = self.find_account(msisdn, expected, None).await?;
        Ok(live_account(known).ok_or_else(|| self.links.show_way_on(account_not_found()))?)
    }

    /// The account of a number, if it is the expected subscriber's: 400 `pin-expired` or `token-expired`
    /// when the number has another subscriber now, of whom the response discloses nothing. The operator
    /// learns which offer the account is to pay for, if there is one.
    async fn find_account(
        &self,
        msisdn: &Msisdn,
        expected: ExpectedSubscriber<'_>,
        offer: Option<&Offer>,
    ) -> Result<Option<FoundAccount>, Failure> {
        let known = match offer.map(signing_up_for) {
            Some(purchase) => self.accounts.find_paying_account(msisdn, purchase).await?,
            None => self.accounts.find_account(msisdn).await?,
        };
        let Some(live) = live_account(known.clone()) else { return Ok(known) };
        match expected {
            ExpectedSubscriber::Present => {}
            ExpectedSubscriber::PinRecipient(pin) => {
                if pin.mac != Some(self.vault.recipient_mac(&pin.flow, &live.subscriber_ref)) {
                    return Err(pin_expired().into());
                }
            }
            ExpectedSubscriber::MarkedIn(flow) => {
                if !is_marked_for(&self.vault, flow, &live.subscriber_ref) {
                    return Err(flow_expired().into());
                }
            }
        }
        Ok(known)
    }

    /// Returns the account of a number that a partner's app has read, if it may buy the offer. A
    /// subscriber who already pays the partner is eligible even with a new SIM: the partner learns
    /// nothing that it did not know. See [`Self::check_sim`] and [`Self::check_signups`] for all others.
    pub(crate) async fn check_device(
        &self,
        offer: &Offer,
        msisdn: &Msisdn,
        expected: ExpectedSubscriber<'_>,
    ) -> Result<(FoundAccount, AccountType), Failure> {
        let known = self.find_account(msisdn, expected, Some(offer)).await?;
        let pays = match &known {
            Some(known) => self.pays_on_bill(offer, msisdn, known).await?,
            None => false,
        };
        if !pays {
            self.check_sim(self.vault.index_number(msisdn)).await?;
        }
        let eligible = self.check_price(known, offer)?;
        if !pays {
            self.check_signups()?;
        }
        Ok(eligible)
    }

    /// 403 `signups-closed` while the operator takes no new customers here.
    fn check_signups(&self) -> Result<(), Reject> {
        match self.signups {
            Signups::Here => Ok(()),
            Signups::Closed => {
                let message = "The operator takes no new customers here at the moment.";
                Err(self.links.show_way_on(Reject::new(ErrorCode::SignupsClosed, message)))
            }
        }
    }

    /// A PIN, or an app on the device, proves who has the SIM. A new SIM may be in the hands of an
    /// attacker who has deceived a shop (SIM swap), and so for some days it is no proof: 400
    /// `account-not-eligible`.
    pub(crate) async fn check_sim(&self, number: NumberIndex) -> Result<(), Failure> {
        let suspicious = self.sim_swap_hours.seconds();
        match self.store.find_sim_swap_time(number).await? {
            Some(swapped_at) if self.clock.now().seconds_since(swapped_at) < suspicious => {
                let message =
                    "The SIM was changed lately: only the operator's own site can prove the number.";
                Err(self.links.show_way_on(Reject::new(ErrorCode::AccountNotEligible, message)).into())
            }
            _ => Ok(()),
        }
    }

    async fn pays_on_bill(
        &self,
        offer: &Offer,
        msisdn: &Msisdn,
        known: &FoundAccount,
    ) -> Result<bool, Failure> {
        let (partner, number) = (offer.partner.clone(), self.vault.index_number(msisdn));
        Ok(self.store.pays_on_bill(partner, number, known.subscriber_ref.clone()).await?)
    }

    /// The refusals are those of [`check_account`], with the page of the operator's that helps.
    fn check_price(
        &self,
        known: Option<FoundAccount>,
        offer: &Offer,
    ) -> Result<(FoundAccount, AccountType), Reject> {
        let checked = check_account(known.as_ref().map(|known| &known.account), offer.price);
        let checked =
            checked.and_then(|account_type| Ok((known.ok_or_else(account_not_found)?, account_type)));
        checked.map_err(|reject| self.links.show_way_on(reject))
    }
}

/// What the operator is asked about a customer who wants to buy an offer.
fn signing_up_for(offer: &Offer) -> Purchase<'_> {
    Purchase {
        purpose: AccountPurpose::SignUp,
        partner: &offer.partner,
        offer: Some(&offer.id),
        amount: offer.price,
    }
}

fn account_not_found() -> Reject {
    Reject::new(ErrorCode::AccountNotFound, "There is no such account.")
}

/// 409 `already-on-bill`.
pub(crate) fn already_on_bill() -> Reject {
    Reject::new(ErrorCode::AlreadyOnBill, "The subscriber already pays this partner on the bill.")
}
