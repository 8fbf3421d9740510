//! Assembles what submits, delivers and sends.

use super::assembly::Base;
use crate::delivery::files::FileExchange;
use crate::delivery::{BillingSubmission, EdgeMappings, RetrySchedule, SmsJobs, Webhooks, Worker};
use crate::http::{CspClient, SignedClient};
use crate::sms::SmsGateway;
use std::sync::Arc;
use std::time::Duration;

impl Base {
    fn make_retry_schedule(&self) -> RetrySchedule {
        RetrySchedule::new(self.clock.clone(), self.random.clone())
    }

    pub(super) fn make_billing(&self, csp: Arc<CspClient>) -> BillingSubmission {
        BillingSubmission {
            mode: self.config.billing.by,
            codes: self.config.billing.codes.clone(),
            deadline: Duration::from_secs(self.config.hand_off_seconds.seconds()),
            store: self.store.clone(),
            csp,
            accounts: self.accounts.clone(),
            vault: self.vault.clone(),
            retry: self.make_retry_schedule(),
            clock: self.clock.clone(),
            instruments: self.instruments.clone(),
        }
    }

    pub(super) fn make_edge_mappings(&self, client: SignedClient) -> EdgeMappings {
        EdgeMappings {
            operator: self.config.operator.clone(),
            edge_url: self.config.edge_url.clone(),
            store: self.store.clone(),
            client,
            retry: self.make_retry_schedule(),
            instruments: self.instruments.clone(),
        }
    }

    pub(super) fn make_worker(
        &self,
        billing: &Arc<BillingSubmission>,
        edge: &Arc<EdgeMappings>,
        client: SignedClient,
        gateway: &Arc<dyn SmsGateway>,
    ) -> Worker {
        Worker {
            store: self.store.clone(),
            billing: billing.clone(),
            webhooks: Webhooks {
                config: self.config.clone(),
                store: self.store.clone(),
                client,
                retry: self.make_retry_schedule(),
                instruments: self.instruments.clone(),
            },
            edge: edge.clone(),
            sms: SmsJobs {
                store: self.store.clone(),
                accounts: self.accounts.clone(),
                vault: self.vault.clone(),
                gateway: gateway.clone(),
                retry: self.make_retry_schedule(),
                clock: self.clock.clone(),
                instruments: self.instruments.clone(),
            },
            wake_up: self.wake_up.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            instruments: self.instruments.clone(),
            workers: self.workers.clone(),
            is_recovering: self.is_recovering,
        }
    }

    pub(super) fn make_file_exchange(&self, billing: &Arc<BillingSubmission>) -> FileExchange {
        FileExchange {
            operator: self.config.operator.clone(),
            settings: self.config.files.clone(),
            store: self.store.clone(),
            vault: self.vault.clone(),
            billing: billing.clone(),
            wake_up: self.wake_up.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            instruments: self.instruments.clone(),
        }
    }
}
