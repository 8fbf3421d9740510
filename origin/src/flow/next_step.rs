//! Decides what the widget shows once a number is proven, by PIN or by the dashboard's assertion.

use super::account_page::{AccountPages, PageOwner};
use super::agreement::Agreements;
use super::eligibility::{Eligibility, ExpectedSubscriber};
use super::mark::{add_agreement, mark_flow};
use crate::account::FoundAccount;
use crate::config::Offer;
use crate::fault::Failure;
use crate::keys::Vault;
use onbill_domain::account::AccountType;
use onbill_domain::agreement::{Agreement, hash_agreement};
use onbill_domain::locale::Locale;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::wire::edge::{FlowStep, OfferView};
use std::sync::Arc;

pub struct NextSteps {
    pub(crate) vault: Arc<Vault>,
    pub(crate) eligibility: Arc<Eligibility>,
    pub(crate) pages: Arc<AccountPages>,
    pub(crate) agreements: Arc<Agreements>,
}

/// The next step, and the subscriber of the number for whom it is.
pub(crate) struct NextStep {
    known: FoundAccount,
    view: View,
}

enum View {
    /// The customer asked for an offer and may buy it.
    Confirm { account_type: AccountType, offer: OfferView, agreement: Box<Agreement> },
    /// The customer asked for an offer that is already on the bill.
    AlreadyOnBill,
    /// The customer asked for their own page.
    Account(PageOwner),
}

impl NextSteps {
    /// A customer who asks for an offer must be eligible for it: see [`Eligibility::check_buyer`]
    /// for the refusals. A customer without an offer sees their own page, if there is an account:
    /// 404 `account-not-found`.
    pub(crate) async fn decide_next(
        &self,
        offer: Option<&Offer>,
        locale: Locale,
        msisdn: &Msisdn,
        expected: ExpectedSubscriber<'_>,
    ) -> Result<NextStep, Failure> {
        let Some(offer) = offer else {
            let known = self.eligibility.find_live_account(msisdn, expected).await?;
            let number = self.vault.index_number(msisdn);
            let owner = PageOwner { number, subscriber_ref: known.subscriber_ref.clone() };
            return Ok(NextStep { known, view: View::Account(owner) });
        };
        let eligible = self.eligibility.check_buyer(offer, msisdn, expected).await?;
        let view = if eligible.pays_already {
            View::AlreadyOnBill
        } else {
            let agreement = self.agreements.word_agreement(offer, locale, msisdn, &eligible).await?;
            View::Confirm {
                account_type: eligible.account_type,
                offer: offer.to_view(),
                agreement: Box::new(agreement),
            }
        };
        Ok(NextStep { known: eligible.known, view })
    }

    /// Renders the step for the flow with this secret, which is marked for the subscriber.
    pub(crate) async fn show(&self, next: NextStep, secret: &str) -> Result<FlowStep, Failure> {
        let flow = mark_flow(&self.vault, secret, &next.known.subscriber_ref);
        Ok(match next.view {
            View::Confirm { account_type, offer, agreement } => {
                let flow = add_agreement(&flow, &hash_agreement(&agreement));
                FlowStep::Confirm { flow, account_type, offer, agreement: *agreement, notice: None }
            }
            View::AlreadyOnBill => FlowStep::AlreadyOnBill { flow },
            View::Account(owner) => {
                let page = self.pages.read_page(&owner, &flow, None).await?;
                FlowStep::Account { flow, page }
            }
        })
    }
}
