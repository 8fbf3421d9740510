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
pub(in crate::routes) async fn check(
    app: &App,
    offer: &Offer,
    msisdn: &Msisdn,
) -> Result<(KnownAccount, AccountType), Failure> {
    let (known, account_type) = in_good_standing(app.account(msisdn).await?, offer)?;
    if pays_on_bill(app, offer, msisdn, &known).await? {
        return Err(already_on_bill().into());
    }
    Ok((known, account_type))
}

/// The same for a number that a partner's app has read. Whoever pays already is in as good a standing, and their SIM may be
/// a new one: the partner learns nothing that it has not been told before. See [`check_sim`] for everybody else's.
pub(in crate::routes) async fn check_device(
    app: &App,
    offer: &Offer,
    msisdn: &Msisdn,
) -> Result<(KnownAccount, AccountType), Failure> {
    let known = app.account(msisdn).await?;
    let pays = match &known {
        Some(known) => pays_on_bill(app, offer, msisdn, known).await?,
        None => false,
    };
    if !pays {
        check_sim(app, app.vault.index(msisdn)).await?;
    }
    Ok(in_good_standing(known, offer)?)
}

fn in_good_standing(
    known: Option<KnownAccount>,
    offer: &Offer,
) -> Result<(KnownAccount, AccountType), Reject> {
    let account_type = standing::check(known.as_ref().map(|known| &known.account), offer.price)?;
    let known = known.ok_or_else(|| Reject::new(Code::AccountNotFound, "There is no such account."))?;
    Ok((known, account_type))
}

async fn pays_on_bill(
    app: &App,
    offer: &Offer,
    msisdn: &Msisdn,
    known: &KnownAccount,
) -> Result<bool, Failure> {
    let (partner, number) = (offer.partner.clone(), app.vault.index(msisdn));
    Ok(app.store.pays_on_bill(partner, number, known.generation.clone()).await?)
}

/// A PIN, and an app on the device, prove who has the SIM. Where that is a new one, it may be somebody who has tricked a shop, and so for some days
/// that is no proof for a sign-up: 400 `account-not-eligible`.
pub(in crate::routes) async fn check_sim(app: &App, number: NumberIndex) -> Result<(), Failure> {
    match app.store.sim_swapped_at(number).await? {
        Some(swapped_at) if app.now().seconds_since(swapped_at) < app.config.sim_swap_hours.seconds() => {
            let message = "The SIM was changed lately: only the operator's own site can sign the number up.";
            Err(Reject::new(Code::AccountNotEligible, message).into())
        }
        _ => Ok(()),
    }
}

pub(in crate::routes) fn already_on_bill() -> Reject {
    Reject::new(Code::AlreadyOnBill, "The subscriber already pays this partner on the bill.")
}
