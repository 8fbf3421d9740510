//! The use cases of [`Ledger`], [`Outbox`] and [`Events`], each told in the file of its noun.

use super::{SqliteStore, charges, events, outbox, refunds, spend};
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
impl Ledger for SqliteStore {
    async fn post_transaction(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewCharge,
    ) -> Result<Posting, StoreError> {
        self.write(move |tx| {
            spend(tx, &nonce)?;
            charges::post(tx, now, &new)
        })
        .await
    }

    async fn answer_transaction(
        &self,
        now: Timestamp,
        transaction_id: String,
        outcome: HandOff,
    ) -> Result<(Vec<u8>, Settling), StoreError> {
        self.write(move |tx| {
            let settling = outbox::settle_charge(tx, now, &transaction_id, FIRST, &outcome)?;
            let fixed = charges::fix_answer(tx, &transaction_id)?;
            if fixed.before {
                outbox::tell(tx, now, "charge-notice", &transaction_id, settling, &outcome)?;
            }
            Ok((fixed.answer, settling))
        })
        .await
    }

    async fn transaction(
        &self,
        partner: PartnerId,
        id: ExtId,
    ) -> Result<Option<TransactionResponse>, StoreError> {
        self.read(move |db| charges::find(db, &partner, &id)).await
    }

    async fn charge(&self, transaction_id: String) -> Result<Option<Charge>, StoreError> {
        self.read(move |db| charges::charge(db, &transaction_id)).await
    }

    async fn post_refund(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewRefund,
    ) -> Result<RefundPosting, StoreError> {
        self.write(move |tx| {
            spend(tx, &nonce)?;
            refunds::post(tx, now, &new)
        })
        .await
    }

    async fn answer_refund(
        &self,
        now: Timestamp,
        refund_id: String,
        outcome: HandOff,
    ) -> Result<(Vec<u8>, Settling), StoreError> {
        self.write(move |tx| {
            let settling = outbox::settle_refund(tx, now, &refund_id, FIRST, &outcome)?;
            let fixed = refunds::fix_answer(tx, &refund_id)?;
            if fixed.before {
                outbox::tell(tx, now, "refund-notice", &refund_id, settling, &outcome)?;
            }
            Ok((fixed.answer, settling))
        })
        .await
    }

    async fn refund_answer(
        &self,
        partner: PartnerId,
        transaction: ExtId,
        refund: ExtId,
    ) -> Result<Option<RefundResponse>, StoreError> {
        self.read(move |db| refunds::find(db, &partner, &transaction, &refund)).await
    }

    async fn refund(&self, refund_id: String) -> Result<Option<Refund>, StoreError> {
        self.read(move |db| refunds::refund(db, &refund_id)).await
    }

    async fn told_of_charge(
        &self,
        transaction_id: String,
    ) -> Result<Option<(PartnerId, TransactionResponse)>, StoreError> {
        self.read(move |db| charges::told(db, &transaction_id)).await
    }

    async fn told_of_refund(
        &self,
        refund_id: String,
    ) -> Result<Option<(PartnerId, RefundResponse)>, StoreError> {
        self.read(move |db| refunds::told(db, &refund_id)).await
    }
}

#[async_trait]
impl Outbox for SqliteStore {
    async fn lease_due(
        &self,
        lane: Lane,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        self.write(move |tx| outbox::lease_due(tx, lane, now, until, limit)).await
    }

    async fn settle(&self, now: Timestamp, entry: Entry, outcome: HandOff) -> Result<Settling, StoreError> {
        self.write(move |tx| outbox::settle(tx, now, &entry, &outcome)).await
    }

    async fn next_due(&self, lane: Lane) -> Result<Option<Timestamp>, StoreError> {
        self.read(move |db| outbox::next_due(db, lane)).await
    }
}

#[async_trait]
impl Events for SqliteStore {
    async fn record_event(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        new: NewEvent,
    ) -> Result<EventRecord, StoreError> {
        self.write(move |tx| {
            nonce.iter().try_for_each(|nonce| spend(tx, nonce))?;
            events::record(tx, now, &new)
        })
        .await
    }

    async fn sim_swapped_at(&self, number: NumberIndex) -> Result<Option<Timestamp>, StoreError> {
        self.read(move |db| events::sim_swapped_at(db, number)).await
    }

    async fn standing_of_pai(&self, pai: Pai) -> Result<Option<PaiStanding>, StoreError> {
        self.read(move |db| events::standing_of_pai(db, pai)).await
    }

    async fn standings(&self, after: Option<Pai>, limit: u32) -> Result<Vec<(Pai, PaiStanding)>, StoreError> {
        self.read(move |db| events::standings(db, after, limit)).await
    }
}
