//! SMS as they wait in the queue: sealed, with the number that they are for.

use crate::ambient::Random;
use crate::fault::Fault;
use crate::keys::Vault;
use crate::store::Hash;
use onbill_domain::account::AccountType;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::read_object;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

#[derive(Serialize, Deserialize)]
pub(crate) struct PinSms {
    pub(crate) msisdn: Msisdn,
    #[serde(rename = "text")]
    pub(crate) body: String,
    /// The flow that the PIN proves: once that is over, the PIN is of no use.
    pub(crate) flow: Hash,
    /// When the PIN expires, and the message is no longer worth sending.
    pub(crate) expires_at: Timestamp,
}

/// A coupon's SMS: its code, or the reminder that its months end.
#[derive(Serialize, Deserialize)]
pub(crate) struct CouponSms {
    pub(crate) msisdn: Msisdn,
    #[serde(rename = "text")]
    pub(crate) body: String,
    /// The subscriber whom it is for: the number's next subscriber is not sent another's coupon.
    #[serde(rename = "generation")]
    pub(crate) subscriber_ref: String,
    /// When the message is no longer worth sending.
    pub(crate) expires_at: Timestamp,
}

/// A message to a subscriber, whose number is looked up when it is sent.
#[derive(Serialize, Deserialize)]
pub(crate) struct NotificationSms {
    #[serde(rename = "text")]
    pub(crate) body: String,
    /// What a subscriber is sent whose account is prepaid then, if that is another text.
    #[serde(rename = "prepaidText", default, skip_serializing_if = "Option::is_none")]
    pub(crate) prepaid_body: Option<String>,
}

impl NotificationSms {
    /// The text for an account of this type.
    pub(super) fn body_for(&self, account_type: Option<AccountType>) -> &str {
        match (account_type, &self.prepaid_body) {
            (Some(AccountType::Prepaid), Some(prepaid)) => prepaid,
            _ => &self.body,
        }
    }
}

// The contents of a message stay in memory no longer than needed.
impl Drop for NotificationSms {
    fn drop(&mut self) {
        self.body.zeroize();
        self.prepaid_body.zeroize();
    }
}

impl Drop for PinSms {
    fn drop(&mut self) {
        self.body.zeroize();
    }
}

impl Drop for CouponSms {
    fn drop(&mut self) {
        self.body.zeroize();
    }
}

/// Seals a message for the queue.
pub(crate) fn seal<T: Serialize>(vault: &Vault, random: &dyn Random, message: &T) -> Result<Vec<u8>, Fault> {
    let plain = serde_json::to_vec(message).map_err(|_| Fault::Broken("an SMS does not serialize"))?;
    vault.seal_message(random, &Zeroizing::new(plain))
}

/// Opens a message from the queue; `None` when the keyring has no key for it.
pub(super) fn open<T: DeserializeOwned>(vault: &Vault, sealed: &[u8]) -> Option<T> {
    read_object(&vault.open_message(sealed)?).ok()
}
