//! The books in PostgreSQL, or an engine that speaks its protocol: for more than one machine, with several origins on
//! one database. Every file here has its twin beside [`super::sqlite`]; what is said there of a use case is not said
//! again here, only what several writers at once ask for.
//!
//! No advisory locks, no LISTEN, and no id or order that counts comes from a sequence: other engines do these in other
//! ways. What several origins need to agree on is a row or a unique index.

mod accounts;
mod begun_with;
mod charges;
mod coupon_texts;
mod coupons;
mod customers;
mod erasures;
mod events;
mod failure;
mod filing;
mod flows;
mod ledger;
mod notifications;
mod outbox;
mod pais;
mod redemptions;
mod refunds;
mod reports;
mod rows;
mod schema;
mod sealing;
mod signups;
mod spending;
mod statements;
mod subscriptions;
mod tls;
mod transaction;
mod turns;

use super::{
    AccountRow, DevicePin, Flow, FlowStart, Hash, KnownAccount, NewFlow, NewPai, NewSignup, NumberIndex,
    PaiRow, PinTry, SignupEnd, SignupIssue, Store, StoreError, SubscriptionRecord, SubscriptionUpdate,
    TokenSpend,
};
use crate::config::PostgresAddress;
use async_trait::async_trait;
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use failure::Broken;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::Pai;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::PartnerSubscriptionRequest;
use onbill_domain::wire::subscription::SubscriptionChange;
use statements::Db;
use std::time::Duration;
use tokio_postgres::NoTls;
use transaction::in_transaction;

/// Connections of one origin when its configuration names no number: enough for commits to share an fsync, and six
/// origins of it fit into the hundred that PostgreSQL allows as it comes.
pub const CONNECTIONS_DEFAULT: usize = 16;

/// How long a caller waits for a connection, new or free, before it is told to come back.
const CONNECTION_PATIENCE: Duration = Duration::from_secs(5);

/// Each connection's own settings. A commit is acknowledged when it is on the disk, whatever the server's default; a
/// statement that takes longer than its caller waits is given up; and the locks of an origin that fell silent
/// in mid-transaction are let go.
const SESSION: &str = "SET synchronous_commit = on; SET statement_timeout = '5s';
    SET idle_in_transaction_session_timeout = '10s'";

/// Rows forgotten in one transaction: a few milliseconds, after which those who wait for one of them get it.
const FORGET_MAX: i64 = 1000;

/// The books in a PostgreSQL database.
pub struct PostgresStore {
    pool: Pool,
}

impl PostgresStore {
    /// Connects, and brings the schema up to date.
    pub async fn open(address: &PostgresAddress, connections: usize) -> Result<Self, StoreError> {
        let settings = address.settings().clone();
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = if address.is_encrypted() {
            Manager::from_config(settings, tls::Tls::new().map_err(StoreError::Failed)?, recycling)
        } else {
            Manager::from_config(settings, NoTls, recycling)
        };
        let pool = Pool::builder(manager)
            .max_size(connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(CONNECTION_PATIENCE))
            .create_timeout(Some(CONNECTION_PATIENCE))
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async move { client.batch_execute(SESSION).await.map_err(HookError::Backend) })
            }))
            .build()
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        in_transaction!(&pool, ReadCommitted, |tx| { schema::migrate(tx).await? })?;
        Ok(Self { pool })
    }
}

/// One use case that only reads: one statement, which sees one state of the books without a transaction.
macro_rules! read {
    ($pool:expr, |$db:ident| $work:expr) => {{
        let connection = $crate::store::postgres::transaction::connection($pool).await?;
        let $db = &$crate::store::postgres::statements::Db::Alone(&connection);
        $work.await.map_err($crate::store::StoreError::from)
    }};
}
use read;

/// Spends a nonce, once. Whoever is about to spend the same one is waited for.
async fn spend(tx: &Db<'_>, nonce: &Nonce) -> Result<(), Broken> {
    let spent = tx
        .change(
            "INSERT INTO nonces (key_id, nonce, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            &[&nonce.key_id(), &nonce.value(), &nonce.expires_at().unix_seconds()],
        )
        .await?;
    if spent == 1 { Ok(()) } else { Err(StoreError::NonceSpent.into()) }
}

async fn forget_nonces(tx: &Db<'_>, now: Timestamp) -> Result<u64, Broken> {
    tx.change(
        "DELETE FROM nonces WHERE (key_id, nonce) IN (SELECT key_id, nonce FROM nonces WHERE expires_at <= $1 LIMIT $2)",
        &[&now.unix_seconds(), &FORGET_MAX],
    )
    .await
}

/// The traits are lists of use cases; each is told in the file of its noun. Those of the money are in `ledger.rs`.
#[async_trait]
impl Store for PostgresStore {
    async fn begin_with(
        &self,
        facts: Vec<(&'static str, Vec<u8>)>,
    ) -> Result<Option<&'static str>, StoreError> {
        in_transaction!(&self.pool, Serializable, |tx| { begun_with::compare(tx, &facts).await? })
    }

    async fn import_accounts(&self, accounts: Vec<AccountRow>) -> Result<(), StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| { accounts::import(tx, &accounts).await? })
    }

    async fn account(&self, number: NumberIndex) -> Result<Option<KnownAccount>, StoreError> {
        read!(&self.pool, |db| accounts::find(db, number))
    }

    async fn start_flow(&self, nonce: Nonce, now: Timestamp, flow: NewFlow) -> Result<FlowStart, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            spend(tx, &nonce).await?;
            flows::start(tx, now, &flow).await?
        })
    }

    async fn try_pin(
        &self,
        nonce: Nonce,
        now: Timestamp,
        flow: Hash,
        pin: Hash,
    ) -> Result<PinTry<Flow>, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            spend(tx, &nonce).await?;
            flows::try_pin(tx, now, &flow, &pin).await?
        })
    }

    async fn try_device_pin(
        &self,
        nonce: Nonce,
        now: Timestamp,
        pin: DevicePin,
    ) -> Result<PinTry<()>, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            spend(tx, &nonce).await?;
            flows::try_device_pin(tx, now, &pin).await?
        })
    }

    async fn newest_device_flow(
        &self,
        partner: PartnerId,
        number: NumberIndex,
    ) -> Result<Option<Hash>, StoreError> {
        read!(&self.pool, |db| flows::newest_of_device(db, &partner, number))
    }

    async fn has_flow(&self, flow: Hash) -> Result<bool, StoreError> {
        read!(&self.pool, |db| flows::is_there(db, &flow))
    }

    async fn proven_flow(&self, now: Timestamp, flow: Hash) -> Result<Option<Flow>, StoreError> {
        read!(&self.pool, |db| flows::proven(db, now, &flow))
    }

    async fn pays_on_bill(
        &self,
        partner: PartnerId,
        number: NumberIndex,
        generation: String,
    ) -> Result<bool, StoreError> {
        read!(&self.pool, |db| subscriptions::pays_on_bill(db, &partner, number, &generation))
    }

    async fn issue_pai(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        new: NewPai,
    ) -> Result<PaiRow, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            if let Some(nonce) = &nonce {
                spend(tx, nonce).await?;
            }
            pais::issue_and_tell(tx, now, &new).await?
        })
    }

    async fn issue_signup(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewSignup,
    ) -> Result<SignupIssue, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            spend(tx, &nonce).await?;
            signups::issue(tx, now, &new).await?
        })
    }

    async fn spend_token(
        &self,
        nonce: Nonce,
        now: Timestamp,
        partner: PartnerId,
        jti: String,
        ext_reference: ExtId,
    ) -> Result<TokenSpend, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            spend(tx, &nonce).await?;
            signups::spend_token(tx, now, &partner, &jti, &ext_reference).await?
        })
    }

    async fn signup_end(&self, ticket: Hash) -> Result<Option<SignupEnd>, StoreError> {
        read!(&self.pool, |db| signups::end(db, &ticket))
    }

    async fn pai(&self, partner: PartnerId, pai: Pai) -> Result<Option<PaiRow>, StoreError> {
        read!(&self.pool, |db| pais::find(db, &partner, pai))
    }

    async fn record_subscription(
        &self,
        nonce: Nonce,
        now: Timestamp,
        partner: PartnerId,
        new_id: String,
        request: PartnerSubscriptionRequest,
    ) -> Result<SubscriptionRecord, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            spend(tx, &nonce).await?;
            subscriptions::record(tx, now, &partner, &new_id, &request).await?
        })
    }

    async fn has_subscription(&self, partner: PartnerId, id: ExtId) -> Result<bool, StoreError> {
        read!(&self.pool, |db| subscriptions::is_there(db, &partner, &id))
    }

    async fn change_subscription(
        &self,
        nonce: Nonce,
        now: Timestamp,
        partner: PartnerId,
        id: ExtId,
        change: SubscriptionChange,
    ) -> Result<SubscriptionUpdate, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            spend(tx, &nonce).await?;
            subscriptions::change(tx, now, &partner, &id, &change).await?
        })
    }

    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| { outbox::take_back(tx, now).await? })?;
        while in_transaction!(&self.pool, ReadCommitted, |tx| {
            forget_nonces(tx, now).await?
                + flows::forget(tx, now, FORGET_MAX).await?
                + turns::forget(tx, now, FORGET_MAX).await?
                + coupon_texts::forget_receipts(tx, now, FORGET_MAX).await?
                + notifications::forget_unnamed(tx, now, FORGET_MAX).await?
                + events::forget_sim_swaps(tx, now, FORGET_MAX).await?
                + erasures::go_on(tx, FORGET_MAX).await?
        })? > 0
        {}
        Ok(())
    }
}
