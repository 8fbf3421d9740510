//! What another system has issued and charged, as it is loaded from its files: PAIs, which are dark until
//! they are cut over, and claims, which are charges that it has posted.
//!
//! A batch of lines is one transaction, which also notes how far the file is loaded: a load that is killed
//! continues after its last batch. What becomes of each line is planned in `pais.rs` and `claims.rs`, from
//! what the ledger has of the batch.

mod claims;
mod pais;
pub(super) mod postgres;
mod postgres_claims;
pub(super) mod sqlite;
mod sqlite_claims;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::mandate::MandateRow;
use crate::store::number::{BilledSubscriber, Hash};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{SubscriptionSource, TransactionStatus};

impl Store {
    /// Begins to load a file, or continues one whose load was interrupted. One that was loaded begins
    /// again: its lines that are loaded are unchanged, and those that were refused may be sound by now.
    pub async fn begin_migration_file(
        &self,
        now: Timestamp,
        new: NewMigrationFile,
    ) -> Result<FileProgress, StoreError> {
        use_case!(self, write, begin_migration_file(now, &new))
    }

    /// Notes that all lines of the file are loaded.
    pub async fn finish_migration_file(&self, now: Timestamp, file_id: i64) -> Result<(), StoreError> {
        use_case!(self, write, finish_migration_file(now, file_id))
    }

    /// What [`Self::load_dark_pais`] would make of these lines. Writes nothing.
    pub async fn check_dark_pais(
        &self,
        accounts: AccountsAre,
        pais: Vec<DarkPai>,
    ) -> Result<Vec<LoadOutcome>, StoreError> {
        use_case!(self, read, check_dark_pais(accounts, &pais))
    }

    /// Loads lines of a file of PAIs, which are dark from then on: with their subscriber, if they are new,
    /// and their subscription and its mandate. No party is informed of them.
    pub async fn load_dark_pais(
        &self,
        now: Timestamp,
        place: LoadPlace,
        accounts: AccountsAre,
        pais: Vec<DarkPai>,
    ) -> Result<Vec<LoadOutcome>, StoreError> {
        use_case!(self, write, load_dark_pais(now, place, accounts, &pais))
    }

    /// What [`Self::load_claims`] would make of these lines. Writes nothing.
    pub async fn check_claims(&self, claims: Vec<Claim>) -> Result<Vec<LoadOutcome>, StoreError> {
        use_case!(self, read, check_claims(&claims))
    }

    /// Loads lines of a file of charges. They are in no report of the origin's, and count against no limit.
    pub async fn load_claims(
        &self,
        place: LoadPlace,
        claims: Vec<Claim>,
    ) -> Result<Vec<LoadOutcome>, StoreError> {
        use_case!(self, write, load_claims(place, &claims))
    }
}

onbill_domain::word_enum! {
    /// Which lines a file has.
    pub enum MigrationFileKind {
        Pais = "pais",
        Charges = "charges",
    }
}

/// A file that is about to be loaded.
#[derive(Clone, Debug)]
pub struct NewMigrationFile {
    pub sha256: Hash,
    pub kind: MigrationFileKind,
    /// Without its folder.
    pub name: String,
    /// Lines without those that are refused, and those.
    pub lines: i64,
    pub refused: i64,
}

/// How far a file is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileProgress {
    pub file_id: i64,
    /// The last line that is loaded; 0 before the first.
    pub loaded_through: i64,
}

/// Which file a batch is of, and its last line.
#[derive(Clone, Copy, Debug)]
pub struct LoadPlace {
    pub file_id: i64,
    pub through: i64,
}

/// Whether the ledger has the operator's accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountsAre {
    /// In the embedded table: each open PAI needs its own there.
    Embedded,
    /// At the operator's CSP API.
    Elsewhere,
}

/// By which it is known whether a line has changed: two hashes, of what stays and of what may change. No
/// number is in them but as its keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineFingerprint {
    pub stays: [u8; 16],
    pub changes: [u8; 16],
}

impl LineFingerprint {
    fn to_bytes(self) -> Hash {
        std::array::from_fn(|place| if place < 16 { self.stays[place] } else { self.changes[place - 16] })
    }
}

/// Whether a file is older than the one that a row is as in. Ids are given in the order in which files were loaded
/// first. What was never loaded has none, and is the newest.
fn is_older(file_id: Option<i64>, of_row: Option<i64>) -> bool {
    file_id.zip(of_row).is_some_and(|(file_id, of_row)| file_id < of_row)
}

/// A line of a file of PAIs.
#[derive(Clone, Debug)]
pub struct DarkPai {
    pub line: i64,
    pub fingerprint: LineFingerprint,
    pub partner: PartnerId,
    pub pai: Pai,
    /// `None` for some that are closed.
    pub subscriber: Option<BilledSubscriber>,
    pub state: PaiState,
    /// When it was issued.
    pub since: Timestamp,
    pub paid_until: Option<Day>,
    pub subscription: Option<DarkSubscription>,
    /// Ids of its subscriber, should there be none yet.
    pub fresh: NewSubscriberIds,
}

/// The subscription of a PAI.
#[derive(Clone, Debug)]
pub struct DarkSubscription {
    pub partner_subscription_id: String,
    pub ext_subscription_id: ExtId,
    pub source: SubscriptionSource,
    pub mandate: MandateRow,
}

/// Random ids of a subscriber.
#[derive(Clone, Debug)]
pub struct NewSubscriberIds {
    pub subscriber_id: String,
    pub handle: String,
}

/// A line of a file of charges.
#[derive(Clone, Debug)]
pub struct Claim {
    pub line: i64,
    pub fingerprint: LineFingerprint,
    pub transaction_id: String,
    pub partner: PartnerId,
    pub ext_transaction_id: ExtId,
    pub pai: Pai,
    pub amount: Money,
    /// What the other system has given back.
    pub refunded_minor: i64,
    pub status: TransactionStatus,
    pub billing_ref: Option<ExtId>,
    /// What the customer reads on their own page.
    pub description: String,
    pub posted_at: Timestamp,
    pub service_period: ServicePeriod,
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadOutcome {
    Loaded,
    /// It was loaded before, as it is.
    Unchanged,
    /// It was loaded before, and has another state now, or was paid or refunded further.
    Updated,
    Refused(LoadRefusal),
}

/// Why the ledger takes a line not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadRefusal {
    /// It was loaded with other values, which stay.
    Changed,
    /// The PAI is one of onbill's own, or another partner's.
    PaiTaken,
    /// There is no account with this number.
    NumberUnknown,
    /// The account has ended.
    NumberCeased,
    /// The number is another subscriber's.
    AnotherSubscriber,
    /// The subscriber has an open PAI at this partner.
    TwoOpenPais,
    /// The partner's id of the subscription is another one's.
    SubscriptionTaken,
    /// The PAI is one of onbill's own, with another subscription, plan or price.
    OtherSubscription,
    /// The PAI of a claim was not loaded, and is not one of onbill's own that is dark.
    PaiUnknown,
    /// The partner has posted a charge under this id here, with other contents or for a PAI that is on.
    ChargeTaken,
    /// With what was refunded here, it is more than the amount.
    RefundedAboveCharged,
}
