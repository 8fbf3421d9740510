//! A store that its program can die at: before a write or right after it. It is the real store otherwise.
//!
//! In most worlds there is one call at a time among all stores, in the order in which they came, or nothing else happens
//! while it lasts: with threads below, that is what makes a run the same run each time.

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use onbill_domain::day::Day;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::Pai;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{PartnerSubscriptionRequest, RefundResponse, TransactionResponse};
use onbill_domain::wire::subscription::SubscriptionChange;
use onbill_origin::store::{
    AccountRow, Addressee, Charge, ChargeLine, CouponBuyer, CouponChange, CouponIssue, CouponRow, CouponText,
    Coupons, Cursor, Customers, DevicePin, Entry, Erasure, Erasures, Errand, EventRecord, Events, File,
    FileLine, Filing, Flow, FlowStart, HandOff, Hash, KnownAccount, Lane, Ledger, Link, Names, NewCharge,
    NewCoupon, NewEvent, NewFlow, NewNotification, NewPai, NewRedemption, NewRefund, NewSignup,
    Notifications, Notifying, NumberIndex, Outbox, OwnCharge, Page, PaiEnd, PaiRow, PaiStanding, ParkedEntry,
    PinTry, Posting, Redeeming, RedemptionEnd, Refund, RefundLine, RefundPosting, ReminderDue, Reports,
    Resealing, ResponseTaking, SealedAt, SealedColumn, SealedValue, Sealing, SeenTo, Select, Settling,
    SignupEnd, SignupIssue, Store, StoreError, SubscriptionRecord, SubscriptionUpdate, TextEnd, TokenSpend,
    WhichCoupons,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

/// When, around a call to the store, the program dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Before,
    After,
}

/// Whether a program is alive, and when it dies.
#[derive(Default)]
pub struct Life {
    over: AtomicBool,
    /// Calls until then, and on which side of the last one.
    death: Mutex<Option<(u32, Moment)>>,
}

impl Life {
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// The program dies at its `calls`-th call to the store from now on, counted from 1.
    pub fn ends_at(&self, calls: u32, moment: Moment) {
        *self.death.lock().unwrap_or_else(PoisonError::into_inner) = Some((calls, moment));
    }

    /// Takes a step, as far as there is life for it: `None` when the program dies before it or right after.
    pub(crate) async fn take<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        if self.is_over() {
            return None;
        }
        let last = self.count();
        if last == Some(Moment::Before) {
            self.over.store(true, Ordering::SeqCst);
            return None;
        }
        let result = step.await;
        if last == Some(Moment::After) {
            self.over.store(true, Ordering::SeqCst);
            return None;
        }
        Some(result)
    }

    /// Whether the death that was foretold has not come.
    pub fn was_spared(&self) -> bool {
        self.death.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }

    /// Counts a call; gives the moment if this is the last one.
    fn count(&self) -> Option<Moment> {
        let mut death = self.death.lock().unwrap_or_else(PoisonError::into_inner);
        let (calls, moment) = death.as_mut()?;
        *calls -= 1;
        let moment = *moment;
        if *calls == 0 {
            *death = None;
            Some(moment)
        } else {
            None
        }
    }
}

/// Whose turn it is, among all programs of a world.
pub type Turn = Arc<tokio::sync::Mutex<()>>;

/// How the calls of several callers go together.
pub enum Pace {
    /// Everybody at once.
    Free,
    /// One at a time.
    InTurn(Turn),
    /// Each is over when its caller goes on, who need not wait: nothing of the books happens in between.
    Whole,
}

/// The store of a program with that life.
pub struct Fragile {
    store: Arc<dyn Store>,
    life: Arc<Life>,
    pace: Pace,
}

impl Fragile {
    pub fn new(store: Arc<dyn Store>, life: Arc<Life>, pace: Pace) -> Self {
        Self { store, life, pace }
    }

    async fn call<T: Send>(
        &self,
        work: impl FnOnce(Arc<dyn Store>) -> BoxFuture<'static, Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let turn = match &self.pace {
            Pace::InTurn(turn) => Some(turn.lock().await),
            Pace::Free | Pace::Whole => None,
        };
        let step = async {
            let work = work(Arc::clone(&self.store));
            let result = if matches!(self.pace, Pace::Whole) { wait_for(work) } else { work.await };
            if turn.is_some() {
                // However quick the store was: everybody who is to have a turn after this one stands in line by now.
                tokio::task::yield_now().await;
            }
            result
        };
        let dead = || Err(StoreError::Failed("the program has died".to_owned()));
        self.life.take(step).await.unwrap_or_else(dead)
    }
}

/// Waits in this thread for what other threads do.
fn wait_for<T>(mut work: BoxFuture<'_, T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// Every use case, passed on as it is.
macro_rules! pass_on {
    ($($trait:ident { $(fn $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)* })*) => {
        $(#[async_trait]
        impl $trait for Fragile {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$answer, StoreError> {
                self.call(|store| Box::pin(async move { store.$name($($argument),*).await })).await
            })*
        })*
    };
}

pass_on! {
    Store {
        fn begin_with(facts: Vec<(&'static str, Vec<u8>)>) -> Option<&'static str>;
        fn import_accounts(accounts: Vec<AccountRow>) -> ();
        fn account(number: NumberIndex) -> Option<KnownAccount>;
        fn start_flow(nonce: Nonce, now: Timestamp, flow: NewFlow) -> FlowStart;
        fn try_pin(nonce: Nonce, now: Timestamp, flow: Hash, pin: Hash) -> PinTry<Flow>;
        fn try_device_pin(nonce: Nonce, now: Timestamp, pin: DevicePin) -> PinTry<()>;
        fn newest_device_flow(partner: PartnerId, number: NumberIndex) -> Option<Hash>;
        fn has_flow(flow: Hash) -> bool;
        fn proven_flow(now: Timestamp, flow: Hash) -> Option<Flow>;
        fn pays_on_bill(partner: PartnerId, number: NumberIndex, generation: String) -> bool;
        fn issue_pai(nonce: Option<Nonce>, now: Timestamp, new: NewPai) -> PaiRow;
        fn issue_signup(nonce: Nonce, now: Timestamp, new: NewSignup) -> SignupIssue;
        fn spend_token(
            nonce: Nonce, now: Timestamp, partner: PartnerId, jti: String, reference: ExtId
        ) -> TokenSpend;
        fn signup_end(ticket: Hash) -> Option<SignupEnd>;
        fn pai(partner: PartnerId, pai: Pai) -> Option<PaiRow>;
        fn record_subscription(
            nonce: Nonce, now: Timestamp, partner: PartnerId, new_id: String, request: PartnerSubscriptionRequest
        ) -> SubscriptionRecord;
        fn has_subscription(partner: PartnerId, id: ExtId) -> bool;
        fn change_subscription(
            nonce: Nonce, now: Timestamp, partner: PartnerId, id: ExtId, change: SubscriptionChange
        ) -> SubscriptionUpdate;
        fn sweep(now: Timestamp) -> ();
    }
    Ledger {
        fn post_transaction(nonce: Nonce, now: Timestamp, new: NewCharge) -> Posting;
        fn answer_transaction(now: Timestamp, transaction_id: String, outcome: HandOff) -> (Vec<u8>, Settling);
        fn transaction(partner: PartnerId, id: ExtId) -> Option<TransactionResponse>;
        fn charge(transaction_id: String) -> Option<Charge>;
        fn post_refund(nonce: Nonce, now: Timestamp, new: NewRefund) -> RefundPosting;
        fn answer_refund(now: Timestamp, refund_id: String, outcome: HandOff) -> (Vec<u8>, Settling);
        fn refund_answer(partner: PartnerId, transaction: ExtId, refund: ExtId) -> Option<RefundResponse>;
        fn refund(refund_id: String) -> Option<Refund>;
        fn told_of_charge(transaction_id: String) -> Option<(PartnerId, TransactionResponse)>;
        fn told_of_refund(refund_id: String) -> Option<(PartnerId, RefundResponse)>;
    }
    Coupons {
        fn issue_coupon(nonce: Option<Nonce>, now: Timestamp, new: NewCoupon) -> CouponIssue;
        fn coupon(id: ExtId) -> Option<CouponRow>;
        fn coupons(after: Option<ExtId>, which: WhichCoupons, limit: u32) -> Vec<CouponRow>;
        fn coupon_buyer(id: ExtId) -> Option<CouponBuyer>;
        fn renew_coupon(
            nonce: Option<Nonce>, now: Timestamp, id: ExtId, resend_id: Option<ExtId>, text: CouponText
        ) -> CouponChange;
        fn void_coupon(nonce: Option<Nonce>, now: Timestamp, id: ExtId) -> CouponChange;
        fn redeem_coupon(nonce: Nonce, now: Timestamp, new: NewRedemption) -> Redeeming;
        fn answer_redemption(now: Timestamp, transaction_id: String, outcome: HandOff) -> (RedemptionEnd, Settling);
        fn paid_until(pai: Pai, today: Day) -> Option<Day>;
        fn text_ended(now: Timestamp, message_id: String, end: TextEnd) -> Option<String>;
        fn reminders_due(today: Day, ends_by: Day, limit: u32) -> Vec<ReminderDue>;
        fn remind(now: Timestamp, transaction_id: String, message: Vec<u8>) -> bool;
    }
    Notifications {
        fn notify(nonce: Nonce, now: Timestamp, new: NewNotification) -> Notifying;
        fn addressee(notification_id: String) -> Option<Addressee>;
    }
    Outbox {
        fn lease_due(lane: Lane, now: Timestamp, until: Timestamp, limit: u32) -> Vec<Entry>;
        fn settle(now: Timestamp, entry: Entry, outcome: HandOff) -> Settling;
        fn next_due(lane: Lane) -> Option<Timestamp>;
    }
    Filing {
        fn last_filed_at() -> Option<Timestamp>;
        fn file(now: Timestamp, file_id: String, entries: Vec<Entry>) -> u32;
        fn unwritten_files() -> Vec<File>;
        fn file_named(file_id: String) -> Option<File>;
        fn file_lines(file_id: String) -> Vec<FileLine>;
        fn file_written(now: Timestamp, file_id: String, sha256: Hash) -> ();
        fn take_response(file_id: String, sha256: Hash) -> ResponseTaking;
        fn settle_line(now: Timestamp, file_id: String, line: u32, verdict: HandOff) -> Settling;
        fn file_acknowledged(now: Timestamp, file_id: String) -> ();
        fn unacknowledged_files(made_by: Timestamp) -> Vec<String>;
    }
    Events {
        fn record_event(nonce: Option<Nonce>, now: Timestamp, new: NewEvent) -> EventRecord;
        fn sim_swapped_at(number: NumberIndex) -> Option<Timestamp>;
        fn standing_of_pai(pai: Pai) -> Option<PaiStanding>;
        fn standings(after: Option<Pai>, limit: u32) -> Vec<(Pai, PaiStanding)>;
    }
    Erasures {
        fn erase(nonce: Option<Nonce>, now: Timestamp, name: Option<ExtId>, number: NumberIndex) -> Erasure;
    }
    Sealing {
        fn note_sealing_key(key_id: String) -> ();
        fn sealing_key() -> Option<String>;
        fn sealed_values(column: SealedColumn, after: Option<SealedAt>, limit: u32) -> Vec<SealedValue>;
        fn reseal(values: Vec<Resealing>) -> u64;
    }
    Customers {
        fn links(number: NumberIndex, generation: String) -> Vec<Link>;
        fn charges_on(pais: Vec<Pai>, before: Option<Cursor>, limit: u32) -> Page<OwnCharge>;
        fn unlink(
            nonce: Nonce, now: Timestamp, number: NumberIndex, generation: String, pai: Pai
        ) -> Option<Link>;
    }
    Reports {
        fn charges(select: Select, after: Option<Cursor>, limit: u32) -> Page<ChargeLine>;
        fn refunds(select: Select, after: Option<Cursor>, limit: u32) -> Page<RefundLine>;
        fn charges_named(partner: PartnerId, names: Names) -> Vec<ChargeLine>;
        fn refunds_named(partner: PartnerId, names: Names) -> Vec<RefundLine>;
        fn parked(after: Option<i64>, limit: u32) -> Vec<ParkedEntry>;
        fn redrive(now: Timestamp, entry_id: i64) -> bool;
        fn see_to(now: Timestamp, errand: Errand) -> SeenTo;
        fn close_pai(now: Timestamp, partner: PartnerId, pai: Pai, reason: DeclineReason) -> PaiEnd;
    }
}
