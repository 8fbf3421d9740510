//! What the partner's calls share: authenticating the partner, finding the operator that a number,
//! a PAI or a charge belongs to, and passing the call on as it came.
//!
//! Not here: any decision. Charges, refunds, subscriptions and tokens are decided at the origin,
//! which checks the partner's signature again and spends its nonce.

pub(crate) mod authenticate;
pub(crate) mod by_number;
pub(crate) mod by_owner;
pub(crate) mod by_pai;
pub(crate) mod by_transaction;
pub(crate) mod forward;
pub(crate) mod owner;
