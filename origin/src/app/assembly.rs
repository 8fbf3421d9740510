//! Assembles the parts of an origin once. Each part is in its own module, and gets here what it
//! depends on: what delivers in [`super::delivery_parts`], and what decides calls in
//! [`super::call_parts`].

use super::key_check::check_keys;
use crate::account::AccountLookup;
use crate::alarm_watch::{AlarmWatch, instance_name};
use crate::ambient::{Clock, Random};
use crate::care::{CareDesk, DeskGate, Disputes};
use crate::config::{ChargeCodes, Config, NumberPlan};
use crate::console::console_router;
use crate::coupon::Coupons;
use crate::daily_counts::DailyCounts;
use crate::delivery::files::FileExchange;
use crate::delivery::{
    AlarmWebhook, BillingSubmission, EdgeMappings, QueueWorkers, ReceiptRecorder, WakeUp, Worker,
};
use crate::flow::{AccountPages, Agreements, Eligibility, FlowProofs, NextSteps};
use crate::http::{CspClient, Peer, SignedClient};
use crate::instruments::{Instruments, LabelLists};
use crate::keys::{StableIds, TokenSigner, Vault};
use crate::metrics_page::MetricsPage;
use crate::pin::PinIssuer;
use crate::readiness::Readiness;
use crate::routes::admin::admin_router;
use crate::routes::{OTHER_ROUTES, PARTNER_ROUTES, Recovering, RouteParts, RouteState, router};
use crate::sms::{self, SmsGateway};
use crate::store::{Queue, Store, StoreError};
use axum::Router;
use onbill_domain::key::Keyring;
use onbill_domain::timestamp::Timestamp;
use std::sync::Arc;

/// The origin of one operator.
pub struct App {
    pub config: Arc<Config>,
    pub store: Arc<Store>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub peer: Arc<dyn Peer>,
    pub numbers: NumberPlan,
    pub vault: Arc<Vault>,
    pub ids: Arc<StableIds>,
    pub accounts: Arc<AccountLookup>,
    pub coupons: Arc<Coupons>,
    pub edge: Arc<EdgeMappings>,
    pub worker: Arc<Worker>,
    pub files: Arc<FileExchange>,
    pub sms: Arc<dyn SmsGateway>,
    pub readiness: Arc<Readiness>,
    pub instruments: Arc<Instruments>,
    pub alarm_watch: Arc<AlarmWatch>,
    /// Where alarms are posted, if there is such a place.
    pub alarm_webhook: Option<Arc<AlarmWebhook>>,
    /// The ledger is being recovered: what decides by it is refused, and what acts on it waits.
    pub is_recovering: bool,
    routes: RouteState,
}

impl App {
    /// What care reads of a number, for the command line.
    pub fn care(&self) -> &CareDesk {
        &self.routes.care
    }

    /// Assembles the parts, and checks that the key ring has a key for every interface.
    pub fn new(
        config: Config,
        keys: Keyring,
        store: Arc<Store>,
        peer: Arc<dyn Peer>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, String> {
        Self::assemble(config, keys, store, peer, clock, random, false)
    }

    /// Assembles an origin whose ledger is being recovered.
    pub fn new_recovering(
        config: Config,
        keys: Keyring,
        store: Arc<Store>,
        peer: Arc<dyn Peer>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, String> {
        Self::assemble(config, keys, store, peer, clock, random, true)
    }

    fn assemble(
        config: Config,
        keys: Keyring,
        store: Arc<Store>,
        peer: Arc<dyn Peer>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        is_recovering: bool,
    ) -> Result<Self, String> {
        config.check()?;
        check_keys(&config, &keys)?;
        let numbers = NumberPlan::for_country(&config.country).ok_or("country has no numbering plan")?;
        let vault = Arc::new(Vault::new(&keys)?);
        let ids = Arc::new(StableIds::new(&keys, &config.operator)?);
        let keys = Arc::new(keys);
        let labels = LabelLists::of(&config, PARTNER_ROUTES.iter().chain(OTHER_ROUTES).copied());
        let instruments = Instruments::with_labels(clock.clone(), &labels);
        let client = SignedClient::new(keys.clone(), peer.clone(), clock.clone(), random.clone());
        let csp = CspClient::new(&config.bss_url, &config.operator, client.clone(), instruments.clone());
        let csp = Arc::new(csp);
        let sms = sms::open_gateway(&config.sms, &csp, &peer, &clock, &random, &instruments)?;
        let config = Arc::new(config);
        let accounts = AccountLookup::new(
            config.accounts,
            store.clone(),
            vault.clone(),
            csp.clone(),
            instruments.clone(),
        );
        let accounts = Arc::new(accounts);
        let wake_up = WakeUp::new();
        let codes = Arc::new(config.list_charge_codes());
        let base = Base {
            config,
            keys,
            store,
            clock,
            random,
            numbers,
            vault,
            ids,
            codes,
            accounts,
            wake_up,
            is_recovering,
            instruments,
            workers: Arc::default(),
        };

        let billing = Arc::new(base.make_billing(csp));
        let edge = Arc::new(base.make_edge_mappings(client.clone()));
        let worker = base.make_worker(&billing, &edge, client, &sms);
        let files = Arc::new(base.make_file_exchange(&billing));
        let coupons = Arc::new(base.make_coupons());
        let routes = base.make_route_state(&billing, &coupons);
        let readiness = Arc::clone(&routes.readiness);
        let alarm_watch = Arc::new(base.make_alarm_watch());
        let alarm_webhook = base.make_alarm_webhook(&alarm_watch, &peer)?.map(Arc::new);
        let Base { config, store, clock, random, numbers, vault, ids, accounts, instruments, .. } = base;
        let worker = Arc::new(worker);
        Ok(Self {
            config,
            store,
            clock,
            random,
            peer,
            numbers,
            vault,
            ids,
            accounts,
            coupons,
            edge,
            worker,
            files,
            sms,
            readiness,
            instruments,
            alarm_watch,
            alarm_webhook,
            is_recovering,
            routes,
        })
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Deletes what has expired.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        self.store.sweep(self.now(), self.config.time_zone.clone()).await
    }

    /// What happened on each day.
    pub fn daily_counts(&self) -> &DailyCounts {
        &self.routes.daily_counts
    }

    /// Wakes the workers of the queue.
    pub fn wake_queue(&self) {
        self.worker.wake_up.wake(Queue::All);
    }

    pub fn router(&self) -> Router {
        router(self.routes.clone())
    }

    /// The routes of the admin listener.
    pub fn admin_router(&self) -> Router {
        admin_router(self.routes.clone())
    }

    /// The pages of the console, if there is one. `identity` reaches the identity provider. The error says
    /// which setting is wrong.
    pub fn console_router(&self, identity: Arc<dyn Peer>) -> Result<Option<Router>, String> {
        let Some(settings) = &self.config.console else { return Ok(None) };
        console_router(&self.routes, settings, identity).map(Some)
    }

    /// Keeps up the connection that an SMS gateway may need, and receives its delivery receipts.
    pub async fn run_sms_gateway(self: Arc<Self>) {
        self.sms.run(&*self.routes.receipts).await;
    }
}

/// Dependencies that several parts share.
pub(super) struct Base {
    pub(super) config: Arc<Config>,
    pub(super) keys: Arc<Keyring>,
    pub(super) store: Arc<Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) numbers: NumberPlan,
    pub(super) vault: Arc<Vault>,
    pub(super) ids: Arc<StableIds>,
    pub(super) codes: Arc<ChargeCodes>,
    pub(super) accounts: Arc<AccountLookup>,
    pub(super) wake_up: WakeUp,
    pub(super) is_recovering: bool,
    pub(super) instruments: Arc<Instruments>,
    pub(super) workers: Arc<QueueWorkers>,
}

impl Base {
    fn make_alarm_watch(&self) -> AlarmWatch {
        AlarmWatch::new(
            self.config.clone(),
            self.keys.clone(),
            self.store.clone(),
            self.clock.clone(),
            self.instruments.clone(),
            self.is_recovering,
        )
    }

    fn make_alarm_webhook(
        &self,
        watch: &AlarmWatch,
        peer: &Arc<dyn Peer>,
    ) -> Result<Option<AlarmWebhook>, String> {
        AlarmWebhook::open(
            &self.config.alarms,
            (&self.config.operator, watch.instance()),
            peer.clone(),
            self.clock.clone(),
            self.instruments.clone(),
        )
    }

    fn make_coupons(&self) -> Coupons {
        Coupons {
            config: self.config.clone(),
            numbers: self.numbers,
            store: self.store.clone(),
            accounts: self.accounts.clone(),
            ids: self.ids.clone(),
            vault: self.vault.clone(),
            random: self.random.clone(),
            clock: self.clock.clone(),
            wake_up: self.wake_up.clone(),
        }
    }

    fn make_care(&self, gate: &Arc<DeskGate>) -> CareDesk {
        CareDesk {
            store: self.store.clone(),
            gate: gate.clone(),
            vault: self.vault.clone(),
            accounts: self.accounts.clone(),
            numbers: self.numbers,
            clock: self.clock.clone(),
        }
    }

    fn make_disputes(&self, gate: &Arc<DeskGate>) -> Disputes {
        Disputes {
            store: self.store.clone(),
            gate: gate.clone(),
            ids: self.ids.clone(),
            clock: self.clock.clone(),
            wake_up: self.wake_up.clone(),
        }
    }

    fn make_route_state(&self, billing: &Arc<BillingSubmission>, coupons: &Arc<Coupons>) -> RouteState {
        let (store, vault, clock, random) = (&self.store, &self.vault, &self.clock, &self.random);
        let gate = Arc::new(DeskGate {
            config: self.config.clone(),
            numbers: self.numbers,
            store: store.clone(),
            clock: clock.clone(),
        });
        let eligibility = Arc::new(Eligibility {
            store: store.clone(),
            accounts: self.accounts.clone(),
            vault: vault.clone(),
            clock: clock.clone(),
            sim_swap_hours: self.config.sim_swap_hours,
            links: self.config.links.clone(),
            signups: self.config.migration.signups,
        });
        let proofs = Arc::new(FlowProofs {
            store: store.clone(),
            vault: vault.clone(),
            clock: clock.clone(),
            eligibility: eligibility.clone(),
        });
        let pages = Arc::new(AccountPages {
            config: self.config.clone(),
            store: store.clone(),
            vault: vault.clone(),
            eligibility: eligibility.clone(),
            proofs: proofs.clone(),
            clock: clock.clone(),
        });
        let agreements = Arc::new(Agreements {
            config: self.config.clone(),
            store: store.clone(),
            vault: vault.clone(),
            clock: clock.clone(),
        });
        let next_steps = Arc::new(NextSteps {
            vault: vault.clone(),
            eligibility: eligibility.clone(),
            pages: pages.clone(),
            agreements: agreements.clone(),
        });
        let (workers, instruments) = (self.workers.clone(), self.instruments.clone());
        let instance = instance_name(&self.config);
        let readiness = Readiness::new(store.clone(), workers, clock.clone(), instance, instruments);
        let readiness = Arc::new(readiness);
        RouteState::new(RouteParts {
            config: self.config.clone(),
            keys: self.keys.clone(),
            store: store.clone(),
            vault: vault.clone(),
            ids: self.ids.clone(),
            numbers: self.numbers,
            clock: clock.clone(),
            random: random.clone(),
            wake_up: self.wake_up.clone(),
            verifier: Arc::new(self.make_verifier()),
            signer: Arc::new(TokenSigner::new(self.keys.clone(), &self.config.operator)),
            pins: Arc::new(PinIssuer {
                operator_name: self.config.name.clone(),
                edge_url: self.config.edge_url.clone(),
                vault: vault.clone(),
                random: random.clone(),
                pins_per_hour: self.config.pins_per_hour,
            }),
            eligibility,
            proofs,
            pages,
            agreements,
            next_steps,
            charges: Arc::new(self.make_charges(billing)),
            refunds: Arc::new(self.make_refunds(billing, &gate)),
            terms_changes: Arc::new(self.make_terms_changes()),
            care: Arc::new(self.make_care(&gate)),
            daily_counts: Arc::new(self.make_daily_counts()),
            disputes: Arc::new(self.make_disputes(&gate)),
            gate,
            coupons: coupons.clone(),
            redemptions: Arc::new(self.make_redemptions(billing)),
            receipts: Arc::new(ReceiptRecorder::new(store.clone(), clock.clone(), self.instruments.clone())),
            metrics_page: Arc::new(self.make_metrics_page(&readiness)),
            readiness,
            recovering: Recovering(self.is_recovering),
            instruments: self.instruments.clone(),
        })
    }

    fn make_daily_counts(&self) -> DailyCounts {
        DailyCounts {
            store: self.store.clone(),
            clock: self.clock.clone(),
            time_zone: self.config.time_zone.clone(),
            instruments: self.instruments.clone(),
        }
    }

    fn make_metrics_page(&self, readiness: &Arc<Readiness>) -> MetricsPage {
        let (store, clock) = (self.store.clone(), self.clock.clone());
        MetricsPage::new(store, readiness.clone(), clock, self.instruments.clone())
    }
}
