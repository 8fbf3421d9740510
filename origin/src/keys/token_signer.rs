//! Tokens that this operator's origin signs.

use crate::fault::Fault;
use onbill_domain::ids::OperatorId;
use onbill_domain::key::{Keyring, Party};
use onbill_domain::token::{self, TokenClaims};
use std::sync::Arc;

/// Signs tokens with the operator's newest keys.
pub struct TokenSigner {
    keys: Arc<Keyring>,
    operator: Party,
}

impl TokenSigner {
    pub fn new(keys: Arc<Keyring>, operator: &OperatorId) -> Self {
        Self { keys, operator: Party::operator(operator) }
    }

    pub(crate) fn sign<T: TokenClaims>(&self, claims: &T) -> Result<String, Fault> {
        let key = self.keys.signing_key(T::KEY_USE, &self.operator);
        let key = key.ok_or(Fault::Broken("a signing key that was there at the start is gone"))?;
        token::sign(key, claims).ok_or(Fault::Broken("a token's key does not sign"))
    }
}
