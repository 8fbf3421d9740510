//! The partner charges and refunds; an employee closes PAIs by hand.

use super::{LifecycleRun, ext_id, partner_id};
use onbill_domain::currency::Currency;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::digest::sha256;
use onbill_domain::money::Money;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::spending::SpendingLimits;
use onbill_domain::wire::ott::{RefundRequest, TransactionRequest, TransactionResponse};
use onbill_origin::store::{
    ChargeRules, ClosePaiResult, NewCharge, NewRefund, PostChargeResult, PostRefundResult,
};
use onbill_test_harness::Dice;
use serde_json::json;

impl LifecycleRun<'_> {
    pub(super) async fn charge_some(&mut self, dice: &mut Dice) {
        let pais = self.network.lock_parties().truth.pais();
        if !pais.is_empty() {
            let pai = *dice.pick_one(&pais);
            self.charge(pai, 100 + i64::try_from(dice.draw_below(2000)).expect("is small")).await;
        }
    }

    /// A post whose program crashes before it responds: its submission is left to the outbox.
    pub(super) async fn charge(&mut self, pai: Pai, amount_minor: i64) {
        let transaction_id = self.fresh();
        let request = TransactionRequest {
            ext_transaction_id: ext_id(&transaction_id),
            pai,
            amount: usd(amount_minor),
            description: "Netflix Standard".to_owned(),
            service_period: serde_json::from_value(json!({"from": "2026-12-01", "to": "2026-12-31"}))
                .expect("is a period"),
            tax: None,
            partner_subscription_id: None,
        };
        let new = NewCharge {
            transaction_id: transaction_id.clone(),
            partner: partner_id(),
            fingerprint: sha256(transaction_id.as_bytes()),
            request,
            codes: std::sync::Arc::default(),
            offer: None,
            limits: Some(SpendingLimits::default()),
            rules: ChargeRules::none(self.now()),
            responding_until: self.now(),
        };
        self.network.lock_parties().charges.insert(transaction_id.clone(), pai);
        let nonce = self.next_nonce();
        let posting = self.store().post_charge(nonce, self.now(), new).await.expect("works");
        let reason = match &posting {
            PostChargeResult::Created(_) => {
                self.created.insert(transaction_id.clone());
                None
            }
            PostChargeResult::Declined(answer) => {
                serde_json::from_slice::<TransactionResponse>(answer).expect("is an answer").decline_reason
            }
            other => return self.add_violation(format!("a charge for {pai} is {other:?}")),
        };
        let known = self.watch.0.get(&pai).cloned();
        let expected = known.and_then(|standing| match standing.state {
            PaiState::Active => None,
            PaiState::Suspended => Some(DeclineReason::AccountOnHold.as_str().to_owned()),
            PaiState::Closed => standing.reason,
        });
        let reason = reason.map(DeclineReason::as_str);
        self.tell(|| format!("{pai} is charged, {transaction_id}: {reason:?}"));
        self.meet(match self.stands(pai) {
            PaiState::Active => "charges",
            PaiState::Suspended => "charges on hold",
            PaiState::Closed => "charges of closed PAIs",
        });
        if reason != expected.as_deref() {
            self.add_violation(format!("a charge for {pai} is {reason:?}, and it stands at {expected:?}"));
        }
    }

    pub(super) async fn refund(&mut self, dice: &mut Dice) {
        let billed: Vec<String> = self.network.lock_parties().billing.lines.keys().cloned().collect();
        if billed.is_empty() {
            return;
        }
        let (refund_id, of) = (self.fresh(), dice.pick_one(&billed).clone());
        let amount = *dice.pick_one(&[None, Some(usd(40)), Some(usd(100))]);
        let request = RefundRequest { ext_refund_id: ext_id(&refund_id), amount, reason: "Ended".to_owned() };
        let new = NewRefund {
            refund_id: refund_id.clone(),
            partner: partner_id(),
            ext_transaction_id: ext_id(&of),
            fingerprint: sha256(refund_id.as_bytes()),
            request,
            borne_by: None,
            ceilings: None,
            responding_until: self.now(),
        };
        let nonce = self.next_nonce();
        match self.store().post_refund(nonce, self.now(), new).await.expect("works") {
            PostRefundResult::Created(_) => {
                self.tell(|| format!("{of} is given back: {amount:?}"));
                self.meet("refunds");
            }
            PostRefundResult::ChargePending | PostRefundResult::NotWithinRemainder { .. } => {}
            other => self.add_violation(format!("a refund of {of} is {other:?}")),
        }
    }

    pub(super) async fn close(&mut self, dice: &mut Dice) {
        let pais = self.network.lock_parties().truth.pais();
        if pais.is_empty() {
            return;
        }
        let pai = *dice.pick_one(&pais);
        let was_closed = self.stands(pai) == PaiState::Closed;
        let end =
            self.store().close_pai(self.now(), partner_id(), pai, DeclineReason::PaiRevokedByUser).await;
        let end = end.expect("works");
        self.tell(|| format!("{pai} is closed by hand: {end:?}"));
        self.excused.insert(pai);
        if was_closed != matches!(end, ClosePaiResult::AlreadyClosed(_)) {
            self.add_violation(format!("{pai} was closed ({was_closed}): {end:?}"));
        }
        self.meet("closed by hand");
    }
}

pub(super) fn usd(amount_minor: i64) -> Money {
    Money { amount_minor, currency: Currency::parse("USD").expect("is listed") }
}
