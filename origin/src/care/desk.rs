//! What care reads of a number: the page of its present subscriber, as the operator names them at
//! this moment. What belonged to an earlier subscriber is not found by the number.

use super::explanation::explain;
use super::gate::DeskGate;
use super::roles::Act;
use crate::account::{AccountLookup, live_account};
use crate::ambient::Clock;
use crate::config::NumberPlan;
use crate::fault::Failure;
use crate::flow::{parse_cursor, write_cursor};
use crate::keys::Vault;
use crate::store::{
    AuditStamp, CustomerCharge, DeskEvent, DeskLink, DeskRefund, DeskSms, DeskSubscriber, Store,
};
use onbill_domain::limits::{ACCOUNT_CHARGES_PER_PAGE, DESK_LINES_MAX};
use onbill_domain::money::Money;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::signature::Nonce;
use onbill_domain::wire::care::{
    CareCharge, CareEvent, CareLink, CareList, CareMandate, CareRefund, CareSms, SubscriberSearchRequest,
    SubscriberSearchResponse,
};
use onbill_domain::wire::csp::ChargeKind;
use onbill_domain::wire::dispute::{CareDispute, Dispute};
use std::sync::Arc;

pub struct CareDesk {
    pub(crate) gate: Arc<DeskGate>,
    pub(crate) store: Arc<Store>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) accounts: Arc<AccountLookup>,
    pub(crate) numbers: NumberPlan,
    pub(crate) clock: Arc<dyn Clock>,
}

impl CareDesk {
    /// 1. Checks the number and the cursor: 400 `invalid-request`; and the role: 403 `forbidden`.
    /// 2. Asks the operator's source of accounts who has the number: 503 `service-unavailable` if it
    ///    does not respond, because the number may have another subscriber by now.
    /// 3. Records the look in the audit, whatever it finds: 404 `account-not-found` when that
    ///    subscriber has never signed up, has left or was erased.
    /// 4. Reads their page.
    pub(crate) async fn search(
        &self,
        nonce: Option<Nonce>,
        key: String,
        request: SubscriberSearchRequest,
    ) -> Result<SubscriberSearchResponse, Failure> {
        // 1.
        let SubscriberSearchRequest { msisdn, actor, role, reference, cursor } = request;
        let msisdn = self.numbers.parse(msisdn.expose())?;
        let before = cursor.as_deref().map(parse_cursor).transpose()?;
        let stamp = AuditStamp { key, actor, role, reference };
        let stamp = self.gate.admit(nonce.as_ref(), stamp, Act::SearchSubscriber).await?;
        // 2.
        let account = live_account(self.accounts.find_account(&msisdn).await?);
        // 3.
        let subscriber_ref = account.map(|account| account.subscriber_ref);
        let number = self.vault.index_number(&msisdn);
        let found =
            self.store.look_up_for_desk(nonce, self.clock.now(), stamp, number, subscriber_ref).await?;
        let not_found = || {
            let message = "No present subscriber of this number has signed up.";
            Reject::new(ErrorCode::AccountNotFound, message)
        };
        let DeskSubscriber { subscriber_id, handle, created_at } = found.ok_or_else(not_found)?;
        // 4.
        let mut more = Vec::new();
        // The charges of a link that is not shown are.
        let links = self.store.list_desk_links(subscriber_id.clone(), LINKS_WITH_CHARGES_MAX).await?;
        let pais = links.iter().map(|link| link.pai).collect();
        let links = cut(links, CareList::Links, &mut more);
        let page = self.store.list_own_charges(pais, before, ACCOUNT_CHARGES_PER_PAGE).await?;
        let charges: Vec<String> = page.lines.iter().map(|charge| charge.transaction_id.clone()).collect();
        let refunds = self.store.list_desk_refunds(charges.clone(), WANTED).await?;
        let disputes = self.store.list_disputes_of_charges(charges, WANTED).await?;
        let sms = self.store.list_desk_sms(subscriber_id.clone(), WANTED).await?;
        let sms = cut(sms, CareList::Sms, &mut more);
        let events = self.store.list_desk_events(subscriber_id, WANTED).await?;
        let events = cut(events, CareList::Events, &mut more);
        Ok(SubscriberSearchResponse {
            handle,
            since: created_at,
            links: links.into_iter().map(view_link).collect(),
            next: page.next.as_ref().map(write_cursor),
            charges: page.lines.into_iter().map(|charge| view_charge(charge, &refunds, &disputes)).collect(),
            sms: sms.into_iter().map(view_sms).collect(),
            events: events.into_iter().map(view_event).collect(),
            more,
        })
    }
}

/// So many links of a subscriber have their charges on the page, the open ones and the newest first: more
/// than a person comes to, and few enough to read the charges of each.
pub(crate) const LINKS_WITH_CHARGES_MAX: u32 = 200;

const _: () = assert!(LINKS_WITH_CHARGES_MAX >= WANTED, "there may be more links than are shown");

/// One more than a desk is shown: it reveals whether there are more.
const WANTED: u32 = DESK_LINES_MAX + 1;

/// Leaves what a desk is shown of a list that was asked for [`WANTED`] lines, and notes in `more` whether
/// there are more.
fn cut<T>(mut lines: Vec<T>, list: CareList, more: &mut Vec<CareList>) -> Vec<T> {
    if lines.len() > DESK_LINES_MAX as usize {
        lines.truncate(DESK_LINES_MAX as usize);
        more.push(list);
    }
    lines
}

fn view_link(link: DeskLink) -> CareLink {
    let (plan, status) = link.subscription.unzip();
    CareLink {
        link_id: link.pai,
        partner: link.partner,
        plan,
        status,
        since: link.created_at,
        state: link.state,
        closed_reason: link.closed_reason,
        explanation: link.closed_reason.map(|reason| explain(reason).to_owned()),
        closed_at: link.closed_at,
        paid_until: link.paid_until,
        mandate: link.mandate.map(|mandate| CareMandate {
            mandate_id: mandate.mandate_id,
            price: mandate.price,
            accepted_at: mandate.accepted_at,
            proof: mandate.proof,
            in_force_from: mandate.in_force_from,
        }),
    }
}

fn view_charge(charge: CustomerCharge, refunds: &[DeskRefund], disputes: &[Dispute]) -> CareCharge {
    let mut more = Vec::new();
    let of_charge = |refund: &&DeskRefund| refund.transaction_id == charge.transaction_id;
    let refunds = refunds.iter().filter(of_charge).map(view_refund).collect();
    let refunds = cut(refunds, CareList::Refunds, &mut more);
    let of_same = |dispute: &&Dispute| dispute.transaction_id == charge.transaction_id;
    let disputes = disputes.iter().filter(of_same).map(view_dispute).collect();
    let disputes = cut(disputes, CareList::Disputes, &mut more);
    let if_any = |amount_minor: i64| {
        (amount_minor > 0).then_some(Money { amount_minor, currency: charge.amount.currency })
    };
    let (refunded, refunding) = (if_any(charge.refunded_minor), if_any(charge.refunding_minor));
    CareCharge {
        transaction_id: charge.transaction_id,
        kind: ChargeKind::of(&charge.ext_transaction_id),
        ext_transaction_id: charge.ext_transaction_id,
        partner: charge.partner,
        at: charge.created_at,
        description: charge.description,
        service_period: charge.service_period,
        amount: charge.amount,
        status: charge.status,
        decline_reason: charge.decline_reason,
        explanation: charge.decline_reason.map(|reason| explain(reason).to_owned()),
        billed_on: charge.billed_on,
        refunded,
        refunding,
        refunds,
        disputes,
        more,
    }
}

fn view_dispute(dispute: &Dispute) -> CareDispute {
    CareDispute {
        dispute_id: dispute.dispute_id.clone(),
        state: dispute.state,
        reason: dispute.reason,
        reference: dispute.reference.clone(),
        opened_at: dispute.opened_at,
        decided_at: dispute.decided_at,
    }
}

fn view_refund(refund: &DeskRefund) -> CareRefund {
    CareRefund {
        refund_id: refund.refund_id.clone(),
        ext_refund_id: refund.ext_refund_id.clone(),
        amount: refund.amount,
        reason: refund.reason.clone(),
        borne_by: refund.borne_by,
        status: refund.status,
        at: refund.created_at,
        settled_at: refund.settled_at,
    }
}

fn view_sms(sms: DeskSms) -> CareSms {
    CareSms {
        kind: sms.kind.as_str().to_owned(),
        id: sms.id,
        partner: sms.partner,
        at: sms.at,
        sent_at: sms.sent_at,
        delivered_at: sms.delivered_at,
        undelivered_at: sms.undelivered_at,
        undelivered_reason: sms.undelivered_reason,
    }
}

fn view_event(event: DeskEvent) -> CareEvent {
    CareEvent {
        event_id: event.event_id,
        event: event.event,
        occurred_at: event.occurred_at,
        recorded_at: event.recorded_at,
        outcome: event.outcome,
    }
}
