//! The customer's own page: who may see it, and what is on it.
//!
//! It is of the number's present holder, by the operator's own word at this moment, and of nobody who had the number before.
//! A suspended account may see it, a ceased one has no holder.

use super::proven_flow;
use crate::app::App;
use crate::fault::Failure;
use crate::routes::standing;
use crate::store::{Cursor, Link, NumberIndex, OwnCharge};
use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::limits::{ACCOUNT_CHARGES_PER_PAGE, ACCOUNT_SUBSCRIPTIONS_MAX};
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::reject::Reject;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::account_page::{AccountPage, ChargeView, ClosureView, SubscriptionView};

/// Whose page it is.
pub(super) struct Owner {
    pub(super) number: NumberIndex,
    pub(super) generation: String,
}

impl Owner {
    /// 1. The flow must be proven and open: see [`proven_flow::find`] for the refusals.
    /// 2. The account must be there now: 404 `account-not-found`.
    /// 3. It must be the holder who proved it: 400 `token-expired`.
    pub(super) async fn of_flow(app: &App, flow: &str) -> Result<Self, Failure> {
        // 1.
        let (proven, msisdn) = proven_flow::find(app, flow).await?;
        // 2.
        let known = standing::holder(app, &msisdn).await?;
        // 3.
        if !proven_flow::is_marked_for(app, flow, &known.generation) {
            return Err(proven_flow::expired().into());
        }
        Ok(Self { number: proven.number.index, generation: known.generation })
    }

    /// What they see, with the charges before a place in the list or else the newest.
    pub(super) async fn page(
        &self,
        app: &App,
        flow: &str,
        before: Option<Cursor>,
    ) -> Result<AccountPage, Failure> {
        let links = app.store.links(self.number, self.generation.clone()).await?;
        let pais = links.iter().map(|link| link.pai).collect();
        let charges = app.store.charges_on(pais, before, ACCOUNT_CHARGES_PER_PAGE).await?;
        let shown = links.iter().take(ACCOUNT_SUBSCRIPTIONS_MAX);
        Ok(AccountPage {
            subscriptions: shown.map(|link| subscription(app, flow, link)).collect(),
            charges: charges.lines.into_iter().map(charge).collect(),
            cursor: charges.next.as_ref().map(write_cursor),
        })
    }

    /// The PAI that they know by this name: 400 `invalid-request` when there is none.
    pub(super) async fn pai(&self, app: &App, flow: &str, name: &str) -> Result<Pai, Failure> {
        let links = app.store.links(self.number, self.generation.clone()).await?;
        let link = links.iter().find(|link| name_of(app, flow, link.pai) == name);
        Ok(link.ok_or_else(not_theirs)?.pai)
    }
}

/// A link as its holder reads it in this flow.
pub(super) fn subscription(app: &App, flow: &str, link: &Link) -> SubscriptionView {
    let mut offers = app.config.offers.iter().filter(|offer| offer.partner == link.partner);
    let (plan, status) = link.subscription.as_ref().map(|(plan, status)| (plan, *status)).unzip();
    let offer = offers.find(|offer| Some(&offer.plan) == plan);
    SubscriptionView {
        subscription: name_of(app, flow, link.pai),
        partner: link.partner.clone(),
        title: offer.map(|offer| offer.title.clone()),
        since: link.since,
        state: link.state,
        status,
        ended: link.closed_reason.map(|reason| ClosureView { at: link.closed_at, reason }),
    }
}

/// What a PAI is called in this flow, and in no other: a browser gets no name that means something elsewhere.
fn name_of(app: &App, flow: &str, pai: Pai) -> String {
    let flow = sha256(proven_flow::secret(flow).as_bytes());
    encode_base64url(&app.vault.link_mac(&flow, pai))
}

/// The refusal of a name that is none of theirs.
pub(super) fn not_theirs() -> Reject {
    Reject::invalid_request("There is no such subscription.")
}

fn charge(charge: OwnCharge) -> ChargeView {
    let part = |amount_minor: i64| (amount_minor > 0).then_some(Money { amount_minor, ..charge.amount });
    ChargeView {
        refunded: part(charge.refunded_minor),
        refunding: part(charge.refunding_minor),
        partner: charge.partner,
        at: charge.created_at,
        description: charge.description,
        service_period: charge.service_period,
        amount: charge.amount,
        status: charge.status,
        decline_reason: charge.decline_reason,
    }
}

fn write_cursor(cursor: &Cursor) -> String {
    format!("{}.{}", cursor.at.unix_seconds(), cursor.id)
}

/// A place in the list: 400 `invalid-request` when it is none of ours. One that was made up only leaves out charges of the
/// reader's own.
pub(super) fn read_cursor(text: &str) -> Result<Cursor, Reject> {
    let parts = text.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id)));
    let (at, id) = parts.ok_or_else(|| Reject::invalid_request("cursor is not a place in the list."))?;
    Ok(Cursor { at: Timestamp::from_unix_seconds(at), id: id.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let cursor = Cursor { at: Timestamp::from_unix_seconds(1_795_000_000), id: "tx.1".to_owned() };
        assert_eq!(read_cursor(&write_cursor(&cursor)), Ok(cursor));
        for bad in ["", ".", "tx-1", "x.tx-1", "99999999999999999999.tx-1"] {
            assert!(read_cursor(bad).is_err(), "{bad}");
        }
    }
}
