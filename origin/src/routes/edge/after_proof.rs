//! What the holder of a number comes to once it is proven, by PIN or by the dashboard's word.

use super::own_page::Owner;
use super::proven_flow;
use crate::app::App;
use crate::config::Offer;
use crate::fault::Failure;
use crate::routes::standing;
use crate::store::KnownAccount;
use onbill_domain::account::AccountType;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::wire::edge::{FlowStep, OfferView};

/// What comes next, and for which holder of the number.
pub(super) struct AfterProof {
    known: KnownAccount,
    next: Next,
}

enum Next {
    /// They came to buy, and may.
    Confirm { account_type: AccountType, offer: OfferView },
    /// They came to buy what they have.
    AlreadyOnBill,
    /// They came to see their own page.
    Account(Owner),
}

impl AfterProof {
    /// Whoever wants an offer has to be in good standing for it: see [`standing::check`] for the refusals. Whoever wants none
    /// sees their own page, if there is an account: 404 `account-not-found`.
    pub(super) async fn of(app: &App, offer: Option<&Offer>, msisdn: &Msisdn) -> Result<Self, Failure> {
        let Some(offer) = offer else {
            let known = standing::holder(app, msisdn).await?;
            let owner = Owner { number: app.vault.index(msisdn), generation: known.generation.clone() };
            return Ok(Self { known, next: Next::Account(owner) });
        };
        let good = standing::check(app, offer, msisdn).await?;
        let next = if good.pays_already {
            Next::AlreadyOnBill
        } else {
            Next::Confirm { account_type: good.account_type, offer: offer.view() }
        };
        Ok(Self { known: good.known, next })
    }

    /// The step, in the flow with this secret, which is marked for the holder.
    pub(super) async fn step(self, app: &App, secret: &str) -> Result<FlowStep, Failure> {
        let flow = proven_flow::mark(app, secret, &self.known.generation);
        Ok(match self.next {
            Next::Confirm { account_type, offer } => FlowStep::Confirm { flow, account_type, offer },
            Next::AlreadyOnBill => FlowStep::AlreadyOnBill { flow },
            Next::Account(owner) => {
                let page = owner.page(app, &flow, None).await?;
                FlowStep::Account { flow, page }
            }
        })
    }
}
