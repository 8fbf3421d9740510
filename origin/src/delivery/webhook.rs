//! Webhooks: calls that report to a partner the outcome of a charge or refund that was pending when
//! its post was answered, a dispute about fraud, and the state of a PAI.
//!
//! The body about a charge or refund is what a `GET` responds with. The partner may get it twice,
//! but never with two outcomes: a settled state does not change. Only the remaining amount of a
//! charge may differ by then, as its other refunds continue.

use super::retry::RetrySchedule;
use crate::config::Config;
use crate::http::SignedClient;
use crate::instruments::{Instruments, Receiver, WebhookResult};
use crate::store::{JobKind, NextStep, Store, StoreError, WebhookOutcome};
use http::StatusCode;
use onbill_domain::ids::PartnerId;
use onbill_domain::key::{KeyUse, Party};
use onbill_domain::pai::Pai;
use onbill_domain::wire::partner::{
    ACCOUNT_STATE_PATH, AccountStateRequest, DISPUTE_STATE_PATH, REFUND_STATE_PATH, TRANSACTION_STATE_PATH,
};
use serde::Serialize;
use std::sync::Arc;

pub(crate) struct Webhooks {
    pub(crate) config: Arc<Config>,
    pub(crate) store: Arc<Store>,
    pub(crate) client: SignedClient,
    pub(crate) retry: RetrySchedule,
    pub(crate) instruments: Arc<Instruments>,
}

impl Webhooks {
    /// Makes one attempt at reporting a charge.
    pub(super) async fn report_charge(&self, transaction_id: &str, attempt: u32) -> WebhookOutcome {
        let charge = self.store.find_charge_webhook(transaction_id.to_owned()).await;
        self.report_outcome(JobKind::ChargeWebhook, TRANSACTION_STATE_PATH, charge, attempt).await
    }

    /// Makes one attempt at reporting a refund.
    pub(super) async fn report_refund(&self, refund_id: &str, attempt: u32) -> WebhookOutcome {
        let refund = self.store.find_refund_webhook(refund_id.to_owned()).await;
        self.report_outcome(JobKind::RefundWebhook, REFUND_STATE_PATH, refund, attempt).await
    }

    /// Makes one attempt at reporting a dispute.
    pub(super) async fn report_dispute(&self, dispute_id: &str, attempt: u32) -> WebhookOutcome {
        let dispute = self.store.find_dispute_webhook(dispute_id.to_owned()).await;
        self.report_outcome(JobKind::DisputeWebhook, DISPUTE_STATE_PATH, dispute, attempt).await
    }

    async fn report_outcome<T: Serialize>(
        &self,
        kind: JobKind,
        path: &str,
        read: Result<Option<(PartnerId, T)>, StoreError>,
        attempt: u32,
    ) -> WebhookOutcome {
        let retry = || -> WebhookOutcome { self.retry.plan(kind.spec().retry, attempt).into() };
        let (partner, state) = match read {
            Ok(Some(read)) => read,
            Ok(None) => return WebhookOutcome::NotDelivered(NextStep::Drop),
            Err(error) => {
                tracing::error!(fault = ?error, "the contents of a webhook could not be read");
                return retry();
            }
        };
        // A partner without a webhook URL polls instead.
        let Some(url) = self.config.partner_url(&partner) else {
            return WebhookOutcome::NotDelivered(NextStep::Drop);
        };
        match self.post_webhook(&partner, &format!("{url}{path}"), &state).await {
            Some(status) if status.is_success() => WebhookOutcome::Delivered,
            status => {
                let status = status.map(|status| status.as_u16());
                tracing::warn!(%partner, path, attempt, status, "a partner did not accept a webhook");
                retry()
            }
        }
    }

    /// Makes one attempt at reporting the state of a PAI. It is retried until the partner has
    /// accepted it, because a partner that missed it would continue to charge.
    pub(super) async fn report_pai(&self, pai: Pai, attempt: u32) -> WebhookOutcome {
        let status = match self.store.find_pai_status(pai).await {
            Ok(Some(status)) => status,
            Ok(None) => return WebhookOutcome::NotDelivered(NextStep::Drop),
            Err(error) => {
                tracing::error!(fault = ?error, "the state of a PAI could not be read");
                return self.retry.plan(JobKind::PaiWebhook.spec().retry, attempt).into();
            }
        };
        // A partner without a webhook URL learns the state from declined charges.
        let Some(url) = self.config.partner_url(&status.partner) else {
            return WebhookOutcome::NotDelivered(NextStep::Drop);
        };
        let state = AccountStateRequest {
            pai,
            state: status.state,
            reason: status.closed_reason,
            sequence: status.version,
        };
        let partner = &status.partner;
        match self.post_webhook(partner, &format!("{url}{ACCOUNT_STATE_PATH}"), &state).await {
            Some(status) if status.is_success() => WebhookOutcome::Delivered,
            status => {
                let status = status.map(|status| status.as_u16());
                tracing::warn!(%partner, attempt, status, "a partner did not accept the state of a PAI");
                self.retry.plan(JobKind::PaiWebhook.spec().retry, attempt).into()
            }
        }
    }

    /// Returns the status of the response, if there is one.
    async fn post_webhook<T: Serialize>(
        &self,
        partner: &PartnerId,
        url: &str,
        body: &T,
    ) -> Option<StatusCode> {
        let party = Party::partner(partner);
        let response = self.client.post(KeyUse::OriginToPartner, &party, url, body).await;
        let status = response.ok().map(|response| response.status());
        let was_taken = status.is_some_and(|status| status.is_success());
        self.instruments.signals.note_call(Receiver::Partner(partner.clone()), was_taken);
        self.instruments.metrics.webhooks.note(partner, WebhookResult::of(status));
        status
    }
}
