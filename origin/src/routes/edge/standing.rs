//! What the holder of a proven number may be told: whether they can buy. Nobody else is told any of it.

use crate::app::App;
use crate::config::Offer;
use crate::fault::Failure;
use crate::store::{KnownAccount, NumberIndex};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::{Code, Reject};
use onbill_domain::standing::{self, AccountType};

/// The account, if it is in good standing for the offer: see [`standing::check`] for the refusals; one more is
/// 409 `already-on-bill`.
pub(super) async fn check(
    app: &App,
    offer: &Offer,
    msisdn: &Msisdn,
) -> Result<(KnownAccount, AccountType), Failure> {
    let known = app.account(msisdn).await?;
    let account_type = standing::check(known.as_ref().map(|known| &known.account), offer.price)?;
    let known = known.ok_or_else(|| Reject::new(Code::AccountNotFound, "There is no such account."))?;
    let (partner, number) = (offer.partner.clone(), app.vault.index(msisdn));
    if app.store.pays_on_bill(partner, number, known.generation.clone()).await? {
        return Err(already_on_bill().into());
    }
    Ok((known, account_type))
}

/// A PIN proves who has the SIM. Where that is a new one, it may be somebody who has tricked a shop, and so for some days
/// it is no proof for a sign-up: 400 `account-not-eligible`.
pub(super) async fn check_sim(app: &App, number: NumberIndex) -> Result<(), Failure> {
    match app.store.sim_swapped_at(number).await? {
        Some(swapped_at) if app.now().seconds_since(swapped_at) < app.config.sim_swap_hours.seconds() => {
            let message = "The SIM was changed lately: only the operator's own site can sign the number up.";
            Err(Reject::new(Code::AccountNotEligible, message).into())
        }
        _ => Ok(()),
    }
}

pub(super) fn already_on_bill() -> Reject {
    Reject::new(Code::AlreadyOnBill, "The subscriber already pays this partner on the bill.")
}
