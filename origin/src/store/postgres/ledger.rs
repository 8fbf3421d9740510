//! The use cases of [`Ledger`], [`Outbox`] and [`Events`], each told in the file of its noun.

use super::transaction::in_transaction;
use super::{PostgresStore, charges, events, outbox, read, refunds, spend};
use crate::store::{
    Charge, Entry, EventRecord, Events, HandOff, Lane, Ledger, NewCharge, NewEvent, NewRefund, NumberIndex,
    Outbox, PaiStanding, Posting, Refund, RefundPosting, Settling, StoreError,
};
use async_trait::async_trait;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::Pai;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{RefundResponse, TransactionResponse};

/// What the caller of an answer's use case has made of the outbox's entry: its first attempt.
const FIRST: u32 = 1;

#[async_trait]
impl Ledger for PostgresStore {
    async fn post_transaction(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewCharge,
    ) -> Result<Posting, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            // What is only looked up shares a round trip with the nonce.
            let ((), found) = tokio::try_join!(spend(tx, &nonce), charges::look_up(tx, &new))?;
            charges::post(tx, now, &new, found).await?
        })
    }

    async fn answer_transaction(
        &self,
        now: Timestamp,
        transaction_id: String,
        outcome: HandOff,
    ) -> Result<(Vec<u8>, Settling), StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            let settling = outbox::settle_charge(tx, now, &transaction_id, FIRST, &outcome).await?;
            let fixed = charges::fix_answer(tx, &transaction_id).await?;
            if fixed.before {
                outbox::tell(tx, now, "charge-notice", &transaction_id, settling, &outcome).await?;
            }
            (fixed.answer, settling)
        })
    }

    async fn transaction(
        &self,
        partner: PartnerId,
        id: ExtId,
    ) -> Result<Option<TransactionResponse>, StoreError> {
        read!(&self.pool, |db| charges::find(db, &partner, &id))
    }

    async fn charge(&self, transaction_id: String) -> Result<Option<Charge>, StoreError> {
        read!(&self.pool, |db| charges::charge(db, &transaction_id))
    }

    async fn post_refund(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewRefund,
    ) -> Result<RefundPosting, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            spend(tx, &nonce).await?;
            refunds::post(tx, now, &new).await?
        })
    }

    async fn answer_refund(
        &self,
        now: Timestamp,
        refund_id: String,
        outcome: HandOff,
    ) -> Result<(Vec<u8>, Settling), StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            let settling = outbox::settle_refund(tx, now, &refund_id, FIRST, &outcome).await?;
            let fixed = refunds::fix_answer(tx, &refund_id).await?;
            if fixed.before {
                outbox::tell(tx, now, "refund-notice", &refund_id, settling, &outcome).await?;
            }
            (fixed.answer, settling)
        })
    }

    async fn refund_answer(
        &self,
        partner: PartnerId,
        transaction: ExtId,
        refund: ExtId,
    ) -> Result<Option<RefundResponse>, StoreError> {
        read!(&self.pool, |db| refunds::find(db, &partner, &transaction, &refund))
    }

    async fn refund(&self, refund_id: String) -> Result<Option<Refund>, StoreError> {
        read!(&self.pool, |db| refunds::refund(db, &refund_id))
    }

    async fn told_of_charge(
        &self,
        transaction_id: String,
    ) -> Result<Option<(PartnerId, TransactionResponse)>, StoreError> {
        read!(&self.pool, |db| charges::told(db, &transaction_id))
    }

    async fn told_of_refund(
        &self,
        refund_id: String,
    ) -> Result<Option<(PartnerId, RefundResponse)>, StoreError> {
        read!(&self.pool, |db| refunds::told(db, &refund_id))
    }
}

#[async_trait]
impl Outbox for PostgresStore {
    async fn lease_due(
        &self,
        lane: Lane,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            outbox::lease_due(tx, lane, now, until, limit).await?
        })
    }

    async fn settle(&self, now: Timestamp, entry: Entry, outcome: HandOff) -> Result<Settling, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| { outbox::settle(tx, now, &entry, &outcome).await? })
    }

    async fn next_due(&self, lane: Lane) -> Result<Option<Timestamp>, StoreError> {
        read!(&self.pool, |db| outbox::next_due(db, lane))
    }
}

#[async_trait]
impl Events for PostgresStore {
    async fn record_event(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        new: NewEvent,
    ) -> Result<EventRecord, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            if let Some(nonce) = &nonce {
                spend(tx, nonce).await?;
            }
            events::record(tx, now, &new).await?
        })
    }

    async fn sim_swapped_at(&self, number: NumberIndex) -> Result<Option<Timestamp>, StoreError> {
        read!(&self.pool, |db| events::sim_swapped_at(db, number))
    }

    async fn standing_of_pai(&self, pai: Pai) -> Result<Option<PaiStanding>, StoreError> {
        read!(&self.pool, |db| events::standing_of_pai(db, pai))
    }

    async fn standings(&self, after: Option<Pai>, limit: u32) -> Result<Vec<(Pai, PaiStanding)>, StoreError> {
        read!(&self.pool, |db| events::standings(db, after, limit))
    }
}
