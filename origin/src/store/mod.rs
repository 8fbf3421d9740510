//! The origin's ledger. Each public method of [`Store`] is one whole use case and one database transaction, which never
//! leaves this folder; what can go either way is in its return type, and only our own failures are errors.
//!
//! A use case that acts on a signed call takes its nonce and spends it in the same transaction, so that a replayed call
//! changes nothing and a lost one can be made again.
//!
//! The noun is the folder: `NOUN/mod.rs` has its types and use cases, `NOUN/sqlite.rs` and `NOUN/postgres.rs` the SQL of
//! both databases in the same order; `NOUN/postgres_group.rs` has what PostgreSQL does for several calls in one
//! transaction, see `postgres/groups.rs`. Otherwise [`sqlite`] and [`postgres`] know no noun but [`ledger_identity`],
//! which they compare before they migrate: they connect, migrate, and run transactions. Nouns call each other downwards only, in the order of the modules below.

mod clock_skew;
mod commits;
mod error;
mod migration;
mod number;
mod open_mode;
mod page;
mod schema;
mod schema_version;

pub mod postgres;
pub mod sqlite;

mod database;

// The ground floor: calls no noun.
mod alarm;
mod audit;
mod queue;
mod readiness;
mod rollup;
mod tally;

mod account;
mod console_session;
mod coupon_sms;
mod dead_letter;
mod flow;
mod kept_report;
mod ledger_identity;
mod nonce;
mod recovery;
mod refund_request;
mod report;
mod sealing;
mod session_assertion;
mod spending;

mod pai;

mod coupon;
mod mandate;
mod notification;
mod own_page;
mod subscription;

mod charge;
mod signup;

mod coupon_reminder;
mod redemption_outcome;

mod redemption;
mod refund;

mod billing_file;

mod figures;

mod migration_file;

mod account_event;
mod subscriber;

// The roof: no noun calls it.
mod adoption;
mod backup;
mod correlation;
mod cut_over;
mod desk;
mod dispute;
mod person;
mod settle;
mod sweep;
mod way_back;

pub use account::{ImportedAccount, SubscriberAccount};
pub use account_event::{NewAccountEvent, RecordEventResult};
pub use adoption::{AdoptResult, FollowResult, LostCharge, LostPai, LostRedemption, LostRefund};
pub use alarm::{ALARMS_LISTED_MAX, AlarmFilter};
pub use audit::{AuditEnd, AuditFilter, AuditStamp};
pub use billing_file::{AcceptResponseResult, BillingFile, BillingFileLine, BillingItem};
pub use charge::{Charge, ChargeRules, NewCharge, PostChargeResult, PostedAmount};
pub(crate) use commits::CommitMetrics;
pub use commits::PoolStatus;
pub use console_session::{ConsoleSession, IDLE_SECONDS, NewConsoleSession, SESSION_SECONDS};
pub use correlation::{LinkRow, LinkedSubscription, UnchargedPage, UnfittingCharge};
pub use coupon::{
    ChangeCouponResult, CouponBuyer, CouponCodeSms, CouponFilter, CouponRow, IssueCouponResult, NewCoupon,
};
pub use coupon_reminder::DueReminder;
pub use coupon_sms::{RECEIPT_SECONDS, SmsReceipt};
pub use cut_over::{CutOverPaiResult, SwitchAct, SwitchablePai, TurnOffPaiResult};
pub use database::{FaultHook, Store};
pub use dead_letter::DeadLetter;
pub use desk::{DeskEvent, DeskLink, DeskMandate, DeskRefund, DeskSms, DeskSmsKind, DeskSubscriber};
pub use dispute::{DisputeChange, DisputeStep, PostDisputeResult};
pub use error::StoreError;
pub use figures::{CouponFigure, FileFigures, LedgerFigures, QueueFigures};
pub use flow::{
    DevicePin, Flow, Journey, NewFlow, NewPin, PinAsker, PinAttempt, PinCeiling, PinRecipient,
    StartFlowResult,
};
pub use kept_report::{FINDINGS_KEPT_MAX, KeptFinding, KeptReport, ReportKind};
pub use ledger_identity::LedgerFact;
pub(crate) use mandate::max_by_consent;
pub use mandate::{
    AgreedTerms, MandateEvidence, MandatePlace, MandateRow, ShownWords, SubscriptionTerms, WidgetAgreement,
};
pub use migration::{MIGRATIONS, Migration, SCHEMA_VERSION};
pub use migration_file::{
    AccountsAre, Claim, DarkPai, DarkSubscription, FileProgress, LineFingerprint, LoadOutcome, LoadPlace,
    LoadRefusal, MigrationFileKind, NewMigrationFile, NewSubscriberIds,
};
pub use notification::{NewNotification, NotificationRecipient, PostNotificationResult, UNNAMED_SECONDS};
pub use number::{BilledSubscriber, Hash, NumberIndex, SealedNumber};
pub use open_mode::OpenMode;
pub use own_page::{CustomerCharge, PartnerLink};
pub use page::{Cursor, Page};
pub use pai::{ClosePaiResult, NewPai, NewPaiIds, PaiRow, PaiStatus};
pub use person::KeptTable;
pub use queue::{
    AfterLastRetry, BillingOutcome, ChargeDecision, ChargeOutcome, DeliveryOutcome, Expiry, Job, JobKind,
    JobSpec, LEASE_SECONDS_MAX, Lease, LeasedJob, LineDecision, NextStep, Queue, RefundDecision,
    RefundOutcome, RetryPolicy, SettleResult, SmsJob, SmsOutcome, Subject, WebhookJob, WebhookOutcome,
};
pub use readiness::OriginStatus;
pub use recovery::RecoveryMarks;
pub use redemption::{CouponChargeId, NewRedemption, RedeemResult};
pub use redemption_outcome::{Redemption, RedemptionOutcome};
pub use refund::{NewRefund, PostRefundResult, Refund};
pub use refund_request::{
    AskRefundResult, AskedBy, DecideRefundResult, NewRefundRequest, RefundRequestCursor,
    RefundRequestDecision, RefundRequestRow, RefundRequestState,
};
pub use report::{LookupIds, Period, ReportDate, ReportFilter, ReportedCharge, ReportedRefund};
pub use rollup::{CountedSpan, DaySpan, RefusedVisits};
pub use schema_version::SchemaVersion;
pub use sealing::{SealedAt, SealedColumn, SealedValue, SealedValueUpdate};
pub use session_assertion::PresentedAssertion;
pub use settle::{RedriveResult, RedriveTarget};
pub use signup::{IssueSignupResult, NewSignup, Signup, SignupResult, SpendTokenResult, SubscriptionStart};
pub use subscriber::ErasureState;
pub use subscription::{
    ChangeSubscriptionResult, ChangeTermsResult, NewTerms, RecordSubscriptionResult, SubscriptionMandate,
};
pub use tally::{Ceiling, Exceeded, NumberCheck, Tallied};
pub use way_back::{HandedBackCharge, HandedBackPai, HandedBackSubscription};
