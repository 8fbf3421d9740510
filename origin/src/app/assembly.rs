//! Assembles the parts of an origin once. Each part is in its own module, and gets here what it
//! depends on.

use crate::account::AccountLookup;
use crate::alarm_watch::AlarmWatch;
use crate::ambient::{Clock, Random};
use crate::charge::{ChargePosts, RefundPosts};
use crate::config::{ChargeCodes, Config, NumberPlan};
use crate::coupon::{CouponRedemptions, Coupons};
use crate::delivery::files::FileExchange;
use crate::delivery::{
    AlarmWebhook, BillingSubmission, EdgeMappings, Heartbeats, QueueWorkers, ReceiptRecorder, RetrySchedule,
    SmsJobs, WakeUp, Webhooks, Worker,
};
use crate::flow::{AccountPages, Agreements, Eligibility, FlowProofs, NextSteps};
use crate::http::{CspClient, Peer, SignedClient};
use crate::instruments::{Instruments, LabelLists};
use crate::keys::{StableIds, TokenSigner, Vault};
use crate::mandate::TermsChanges;
use crate::metrics_page::MetricsPage;
use crate::pin::PinIssuer;
use crate::readiness::Readiness;
use crate::routes::admin::admin_router;
use crate::routes::{CallVerifier, OTHER_ROUTES, PARTNER_ROUTES, Recovering, RouteState, router};
use crate::sms::{self, SmsGateway};
use crate::store::{Queue, Store};
use axum::Router;
use onbill_domain::key::{KeyUse, Keyring, Party};
use onbill_domain::timestamp::Timestamp;
use std::sync::Arc;
use std::time::Duration;

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

        let billing = Arc::new(base.billing(csp));
        let edge = Arc::new(base.edge(client.clone()));
        let worker = base.worker(&billing, &edge, client, &sms);
        let files = Arc::new(base.files(&billing));
        let coupons = Arc::new(base.coupons());
        let routes = base.routes(&billing, &coupons);
        let readiness = Arc::clone(&routes.readiness);
        let alarm_watch = Arc::new(base.alarm_watch());
        let alarm_webhook = base.alarm_webhook(&alarm_watch, &peer)?.map(Arc::new);
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

    /// Keeps up the connection that an SMS gateway may need, and receives its delivery receipts.
    pub async fn run_sms_gateway(self: Arc<Self>) {
        self.sms.run(&*self.routes.receipts).await;
    }
}

/// Checks that the ring has a key of every use that this origin signs, seals or verifies with.
fn check_keys(config: &Config, keys: &Keyring) -> Result<(), String> {
    list_missing_keys(config, keys).into_iter().next().map_or(Ok(()), Err)
}

/// What the key ring lacks of the keys that this origin signs, seals or verifies with.
pub(super) fn list_missing_keys(config: &Config, keys: &Keyring) -> Vec<String> {
    let own = [
        KeyUse::EdgeToOrigin,
        KeyUse::OriginToEdge,
        KeyUse::OriginToOperator,
        KeyUse::OperatorToOrigin,
        KeyUse::SignupToken,
        KeyUse::SessionAssertion,
        KeyUse::ReturnResult,
        KeyUse::NumberSealing,
    ];
    let own = own.into_iter().map(|key_use| (key_use, Party::operator(&config.operator)));
    let sold = config.offers.iter().flat_map(|offer| {
        let partner = Party::partner(&offer.partner);
        [(KeyUse::PartnerCall, partner.clone()), (KeyUse::OriginToPartner, partner)]
    });
    let told = config.partners.iter().filter(|partner| partner.url.is_some());
    let told = told.map(|partner| (KeyUse::OriginToPartner, Party::partner(&partner.id)));
    let mut missing = Vec::new();
    for (key_use, party) in own.chain(sold).chain(told) {
        let complaint = format!("the key ring has no key of use {} for {party}", key_use.as_str());
        if keys.signing_key(key_use, &party).is_none() && !missing.contains(&complaint) {
            missing.push(complaint);
        }
    }
    missing
}

/// Dependencies that several parts share.
struct Base {
    config: Arc<Config>,
    keys: Arc<Keyring>,
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    numbers: NumberPlan,
    vault: Arc<Vault>,
    ids: Arc<StableIds>,
    codes: Arc<ChargeCodes>,
    accounts: Arc<AccountLookup>,
    wake_up: WakeUp,
    is_recovering: bool,
    instruments: Arc<Instruments>,
    workers: Arc<QueueWorkers>,
}

impl Base {
    fn alarm_watch(&self) -> AlarmWatch {
        AlarmWatch::new(
            self.config.clone(),
            self.keys.clone(),
            self.store.clone(),
            self.clock.clone(),
            self.instruments.clone(),
            self.is_recovering,
        )
    }

    fn alarm_webhook(
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

    fn retry(&self) -> RetrySchedule {
        RetrySchedule::new(self.clock.clone(), self.random.clone())
    }

    fn billing(&self, csp: Arc<CspClient>) -> BillingSubmission {
        BillingSubmission {
            mode: self.config.billing.by,
            codes: self.config.billing.codes.clone(),
            deadline: Duration::from_secs(self.config.hand_off_seconds.seconds()),
            store: self.store.clone(),
            csp,
            accounts: self.accounts.clone(),
            vault: self.vault.clone(),
            retry: self.retry(),
            clock: self.clock.clone(),
            instruments: self.instruments.clone(),
        }
    }

    fn edge(&self, client: SignedClient) -> EdgeMappings {
        EdgeMappings {
            operator: self.config.operator.clone(),
            edge_url: self.config.edge_url.clone(),
            store: self.store.clone(),
            client,
            retry: self.retry(),
            instruments: self.instruments.clone(),
        }
    }

    fn worker(
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
                retry: self.retry(),
                instruments: self.instruments.clone(),
            },
            edge: edge.clone(),
            sms: SmsJobs {
                store: self.store.clone(),
                accounts: self.accounts.clone(),
                vault: self.vault.clone(),
                gateway: gateway.clone(),
                retry: self.retry(),
                clock: self.clock.clone(),
                instruments: self.instruments.clone(),
            },
            wake_up: self.wake_up.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            beats: Heartbeats::default(),
            instruments: self.instruments.clone(),
            workers: self.workers.clone(),
            is_recovering: self.is_recovering,
        }
    }

    fn files(&self, billing: &Arc<BillingSubmission>) -> FileExchange {
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

    fn coupons(&self) -> Coupons {
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

    fn routes(&self, billing: &Arc<BillingSubmission>, coupons: &Arc<Coupons>) -> RouteState {
        let (store, vault, clock, random) = (&self.store, &self.vault, &self.clock, &self.random);
        let eligibility = Arc::new(Eligibility {
            store: store.clone(),
            accounts: self.accounts.clone(),
            vault: vault.clone(),
            clock: clock.clone(),
            sim_swap_hours: self.config.sim_swap_hours,
            links: self.config.links.clone(),
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
        let readiness = Arc::new(Readiness::new(store.clone(), workers, instruments));
        RouteState {
            config: self.config.clone(),
            keys: self.keys.clone(),
            store: store.clone(),
            vault: vault.clone(),
            ids: self.ids.clone(),
            numbers: self.numbers,
            clock: clock.clone(),
            random: random.clone(),
            wake_up: self.wake_up.clone(),
            verifier: Arc::new(self.verifier()),
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
            charges: Arc::new(self.charges(billing)),
            refunds: Arc::new(self.refunds(billing)),
            terms_changes: Arc::new(self.terms_changes()),
            coupons: coupons.clone(),
            redemptions: Arc::new(self.redemptions(billing)),
            receipts: Arc::new(ReceiptRecorder::new(store.clone(), clock.clone(), self.instruments.clone())),
            metrics_page: Arc::new(self.metrics_page(&readiness)),
            readiness,
            recovering: Recovering(self.is_recovering),
            instruments: self.instruments.clone(),
        }
    }

    fn metrics_page(&self, readiness: &Arc<Readiness>) -> MetricsPage {
        let (store, clock) = (self.store.clone(), self.clock.clone());
        MetricsPage::new(store, readiness.clone(), clock, self.instruments.clone())
    }

    fn verifier(&self) -> CallVerifier {
        CallVerifier {
            keys: self.keys.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            edge_authority: self.config.edge_authority().to_owned(),
            instruments: self.instruments.clone(),
        }
    }

    fn charges(&self, billing: &Arc<BillingSubmission>) -> ChargePosts {
        ChargePosts {
            config: self.config.clone(),
            store: self.store.clone(),
            billing: billing.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            codes: self.codes.clone(),
            wake_up: self.wake_up.clone(),
            instruments: self.instruments.clone(),
        }
    }

    fn refunds(&self, billing: &Arc<BillingSubmission>) -> RefundPosts {
        RefundPosts {
            store: self.store.clone(),
            billing: billing.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            wake_up: self.wake_up.clone(),
            instruments: self.instruments.clone(),
        }
    }

    fn terms_changes(&self) -> TermsChanges {
        TermsChanges {
            config: self.config.clone(),
            store: self.store.clone(),
            vault: self.vault.clone(),
            ids: self.ids.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            wake_up: self.wake_up.clone(),
        }
    }

    fn redemptions(&self, billing: &Arc<BillingSubmission>) -> CouponRedemptions {
        CouponRedemptions {
            settings: self.config.coupons.clone(),
            store: self.store.clone(),
            vault: self.vault.clone(),
            billing: billing.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            codes: self.codes.clone(),
            wake_up: self.wake_up.clone(),
            instruments: self.instruments.clone(),
        }
    }
}
