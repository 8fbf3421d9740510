//! Everything a call needs, put together once: configuration, keys, books, the operator's systems, time and
//! randomness.

pub mod database;
pub mod ledger_identity;
pub mod service;

use crate::ambient::{Clock, Random};
use crate::config::NumberPlan;
use crate::config::{AccountSource, Config, Offer};
use crate::fault::{Failure, Fault};
use crate::http::BillingSystem;
use crate::http::Peer;
use crate::keys::Vault;
use crate::sms::{self, Texts};
use crate::store::{KnownAccount, Store};
use onbill_domain::ids::OfferId;
use onbill_domain::key::{Key, KeyUse, Keyring};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::timestamp::Timestamp;
use std::sync::Arc;
use tokio::sync::watch;

/// The origin of one operator.
pub struct App {
    /// The configuration.
    pub config: Config,
    /// The keys of every interface.
    pub keys: Arc<Keyring>,
    /// The books.
    pub store: Arc<Store>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where unpredictable bytes come from.
    pub random: Arc<dyn Random>,
    /// The network, towards operator and partners.
    pub peer: Arc<dyn Peer>,
    /// The operator's own systems.
    pub bss: Arc<BillingSystem>,
    /// Text messages to customers.
    pub texts: Arc<dyn Texts>,
    /// Reads typed numbers.
    pub numbers: NumberPlan,
    /// Seals numbers.
    pub vault: Vault,
    /// Rung when something was put into the outbox: see [`Self::ring_outbox`].
    pub outbox_bell: watch::Sender<()>,
}

impl App {
    /// Puts the parts together and checks that the ring has a key for every interface.
    pub fn new(
        config: Config,
        keys: Keyring,
        store: Arc<Store>,
        peer: Arc<dyn Peer>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, String> {
        config.check()?;
        let keys = Arc::new(keys);
        let own_party = format!("operator:{}", config.operator);
        for key_use in [
            KeyUse::EdgeToOrigin,
            KeyUse::OriginToEdge,
            KeyUse::OriginToOperator,
            KeyUse::OperatorToOrigin,
            KeyUse::SignupToken,
            KeyUse::SessionAssertion,
            KeyUse::ReturnResult,
            KeyUse::NumberSealing,
        ] {
            if keys.signing_key(key_use, &own_party).is_none() {
                return Err(format!("the key ring has no key of use {} for {own_party}", key_use.as_str()));
            }
        }
        let listeners = config.partners.iter().filter(|partner| partner.url.is_some());
        let listeners = listeners.map(|partner| (&partner.id, KeyUse::OriginToPartner));
        let sellers = config.offers.iter().flat_map(|offer| {
            [KeyUse::PartnerCall, KeyUse::OriginToPartner].map(|key_use| (&offer.partner, key_use))
        });
        for (partner, key_use) in sellers.chain(listeners) {
            let party = format!("partner:{partner}");
            if keys.signing_key(key_use, &party).is_none() {
                return Err(format!("the key ring has no key of use {} for {party}", key_use.as_str()));
            }
        }
        let numbers = NumberPlan::for_country(&config.country).ok_or("country has no numbering plan")?;
        let vault = Vault::new(&keys)?;
        let bss = Arc::new(BillingSystem::new(
            &config.bss_url,
            config.operator.as_str(),
            Arc::clone(&keys),
            Arc::clone(&peer),
            Arc::clone(&clock),
            Arc::clone(&random),
        ));
        let texts = sms::open(&config.sms, &bss, &peer, &clock, &random)?;
        let outbox_bell = watch::Sender::new(());
        Ok(Self { config, keys, store, clock, random, peer, bss, texts, numbers, vault, outbox_bell })
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Has the outbox looked at, by each that delivers from it: something was put in.
    pub fn ring_outbox(&self) {
        self.outbox_bell.send_replace(());
    }

    /// The offer of that name, or 400 `parameter-not-supported`.
    pub fn offer(&self, id: &OfferId) -> Result<&Offer, Reject> {
        self.config
            .offer(id)
            .ok_or_else(|| Reject::new(ErrorCode::ParameterNotSupported, "offer is not on sale here."))
    }

    /// The key that signs this kind of token.
    pub fn signing_key(&self, key_use: KeyUse) -> Result<&Key, Fault> {
        self.keys
            .signing_key(key_use, &format!("operator:{}", self.config.operator))
            .ok_or(Fault::Broken("a signing key that was there at the start is gone"))
    }

    /// What is known of a number's account, from wherever this operator keeps it. One look-up, whatever the number.
    pub async fn account(&self, msisdn: &Msisdn) -> Result<Option<KnownAccount>, Failure> {
        match self.config.accounts {
            AccountSource::Table => Ok(self.store.account(self.vault.index(msisdn)).await?),
            AccountSource::Csp => {
                let answer = self.bss.account(msisdn).await.map_err(|_| Fault::Bss("account/validate"))?;
                Ok(answer.map(|answer| KnownAccount {
                    generation: answer.subscriber_id.clone(),
                    account: answer.into(),
                }))
            }
        }
    }
}
