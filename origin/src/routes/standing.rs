//! What the holder of a proven number may be told: whether they can buy, or whether it is theirs at all. Nobody else is
//! told any of it.

use crate::app::App;
use crate::config::Offer;
use crate::fault::Failure;
use crate::store::{KnownAccount, NumberIndex};
use onbill_domain::account::{self, AccountStatus, AccountType};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::{ErrorCode, Reject};

/// An account in good standing.
pub(in crate::routes) struct Good {
    pub(in crate::routes) known: KnownAccount,
    pub(in crate::routes) account_type: AccountType,
    /// It pays this partner on the bill, so there is nothing to buy.
    pub(in crate::routes) pays_already: bool,
}

/// The account, if it is in good standing for the offer: see [`standing::check`] for the refusals.
pub(in crate::routes) async fn check(app: &App, offer: &Offer, msisdn: &Msisdn) -> Result<Good, Failure> {
    let (known, account_type) = in_good_standing(app.account(msisdn).await?, offer)?;
    let pays_already = pays_on_bill(app, offer, msisdn, &known).await?;
    Ok(Good { known, account_type, pays_already })
}

/// The account, if there is one: 404 `account-not-found`. Whether it is suspended does not matter to whoever only wants to
/// see what is theirs.
pub(in crate::routes) async fn holder(app: &App, msisdn: &Msisdn) -> Result<KnownAccount, Failure> {
    let known = app.account(msisdn).await?;
    let is_there = |known: &KnownAccount| known.account.status != AccountStatus::Ceased;
    Ok(known.filter(is_there).ok_or_else(not_found)?)
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
    let account_type = account::check_account(known.as_ref().map(|known| &known.account), offer.price)?;
    Ok((known.ok_or_else(not_found)?, account_type))
}

fn not_found() -> Reject {
    Reject::new(ErrorCode::AccountNotFound, "There is no such account.")
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

/// A PIN, and an app on the device, prove who has the SIM. Where that is a new one, it may be somebody who has tricked a
/// shop, and so for some days that is no proof: 400 `account-not-eligible`.
pub(in crate::routes) async fn check_sim(app: &App, number: NumberIndex) -> Result<(), Failure> {
    match app.store.sim_swapped_at(number).await? {
        Some(swapped_at) if app.now().seconds_since(swapped_at) < app.config.sim_swap_hours.seconds() => {
            let message = "The SIM was changed lately: only the operator's own site can prove the number.";
            Err(Reject::new(ErrorCode::AccountNotEligible, message).into())
        }
        _ => Ok(()),
    }
}

pub(in crate::routes) fn already_on_bill() -> Reject {
    Reject::new(ErrorCode::AlreadyOnBill, "The subscriber already pays this partner on the bill.")
}
