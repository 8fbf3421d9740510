//! The use cases of [`Ledger`] and [`Outbox`], each told in the file of its noun.

use super::PostgresStore;
use crate::store::{
    Charge, Entry, HandOff, Ledger, NewCharge, NewRefund, Outbox, Posting, Refund, RefundPosting, Settling,
    StoreError,
};
use async_trait::async_trait;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{RefundAnswer, TransactionAnswer};

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
        Err(StoreError::Failed("not in PostgreSQL yet".to_owned()))
    }

    async fn answer_transaction(
        &self,
        now: Timestamp,
        transaction_id: String,
        outcome: HandOff,
    ) -> Result<(Vec<u8>, Settling), StoreError> {
        Err(StoreError::Failed("not in PostgreSQL yet".to_owned()))
    }

    async fn transaction(
        &self,
        partner: PartnerId,
        id: ExtId,
    ) -> Result<Option<TransactionAnswer>, StoreError> {
        Err(StoreError::Failed("not in PostgreSQL yet".to_owned()))
    }

    async fn charge(&self, transaction_id: String) -> Result<Option<Charge>, StoreError> {
        Err(StoreError::Failed("not in PostgreSQL yet".to_owned()))
    }

    async fn post_refund(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewRefund,
    ) -> Result<RefundPosting, StoreError> {
        Err(StoreError::Failed("not in PostgreSQL yet".to_owned()))
    }

    async fn answer_refund(
        &self,
        now: Timestamp,
        refund_id: String,
        outcome: HandOff,
    ) -> Result<(Vec<u8>, Settling), StoreError> {
        Err(StoreError::Failed("not in PostgreSQL yet".to_owned()))
    }

    async fn refund_answer(
        &self,
        partner: PartnerId,
        transaction: ExtId,
        refund: ExtId,
    ) -> Result<Option<RefundAnswer>, StoreError> {
        Err(StoreError::Failed("not in PostgreSQL yet".to_owned()))
    }

    async fn refund(&self, refund_id: String) -> Result<Option<Refund>, StoreError> {
        Err(StoreError::Failed("not in PostgreSQL yet".to_owned()))
    }

    async fn told_of_charge(
        &self,
        transaction_id: String,
    ) -> Result<Option<(PartnerId, TransactionAnswer)>, StoreError> {
        Err(StoreError::Failed("not in PostgreSQL yet".to_owned()))
    }

    async fn told_of_refund(
        &self,
        refund_id: String,
    ) -> Result<Option<(PartnerId, RefundAnswer)>, StoreError> {
        Err(StoreError::Failed("not in PostgreSQL yet".to_owned()))
    }
}

#[async_trait]
impl Outbox for PostgresStore {
    async fn lease_due(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        Err(StoreError::Failed("not in PostgreSQL yet".to_owned()))
    }

    async fn settle(&self, now: Timestamp, entry: Entry, outcome: HandOff) -> Result<Settling, StoreError> {
        Err(StoreError::Failed("not in PostgreSQL yet".to_owned()))
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        Err(StoreError::Failed("not in PostgreSQL yet".to_owned()))
    }
}
