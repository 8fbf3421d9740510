//! KV's mapping from a charge to the operator that answered it, for the calls about a charge, which
//! name no PAI. It is kept where more operators sell the partner than can be asked at once, and where
//! the operators are in the store. Like every mapping it is a hint: the operator that it names decides
//! whether it has the charge.

use crate::call::Call;
use crate::config::{KnownOperator, Operator, Operators, Partner};
use crate::ott::owner::ASKED_AT_ONCE_MAX;
use crate::platform::Platform;
use onbill_domain::ids::{ExtId, OperatorId};
use onbill_domain::wire::kv::{TransactionMapping, transaction_key};
use onbill_domain::wire::read_object;

/// How long a mapping is kept, in seconds: 400 days. Charges are refunded within the year.
const TTL_SECONDS: u32 = 400 * 86_400;

/// A call that acts believes a mapping that is this many seconds old, as another location may still
/// have another operator for a while. The store shows a write everywhere after a minute in most cases,
/// and promises no bound: this is twice that. Where it takes longer, a charge of the same name at a
/// second operator can make the first one forgotten (docs/decisions/62-owner-among-many.md).
const SETTLED_SECONDS: i64 = 120;

/// What is known of a charge's operator.
pub(crate) struct ChargeOwner {
    key: String,
    /// `None` also when the store does not respond.
    mapping: Option<TransactionMapping>,
    /// Whether the store has answered: what is there is never overwritten unseen.
    is_read: bool,
}

impl ChargeOwner {
    /// Reads the mapping of a charge; `None` where none is kept.
    pub(crate) async fn read<P: Platform>(call: &Call<'_, P>, partner: &Partner, id: &ExtId) -> Option<Self> {
        // All operators are counted only where that costs nothing; those of a store are many.
        if let Operators::Listed(listed) = call.config.operators() {
            let may_sell =
                |known: &&KnownOperator| known.as_ref().map_or(true, |operator| operator.sells(&partner.id));
            if listed.iter().filter(may_sell).count() <= ASKED_AT_ONCE_MAX {
                return None;
            }
        }
        let key = transaction_key(&partner.id, id);
        let value = call.platform.kv_get(&key).await;
        if value.is_err() {
            call.warn("KV does not respond");
        }
        let is_read = value.is_ok();
        let mapping = value.ok().flatten().and_then(|value| read_object(value.as_bytes()).ok());
        Some(Self { key, mapping, is_read })
    }

    /// The operator to ask first.
    pub(crate) fn operator(&self) -> Option<&OperatorId> {
        self.mapping.as_ref()?.operator.as_ref()
    }

    /// The operator that a call which acts may be sent to without asking the others.
    pub(crate) fn settled_operator<P: Platform>(&self, call: &Call<'_, P>) -> Option<&OperatorId> {
        let age = call.platform.now().unix_seconds().saturating_sub(self.mapping.as_ref()?.since);
        self.operator().filter(|_| age >= SETTLED_SECONDS)
    }

    /// Remembers that `operator` answered the charge, after the response has left. A charge that two
    /// operators answered is neither's: calls about it ask all of them.
    pub(crate) fn remember<P: Platform>(self, call: &Call<'_, P>, operator: &Operator) {
        let owner = match self.mapping {
            _ if !self.is_read => return,
            None => Some(operator.id.clone()),
            Some(TransactionMapping { operator: Some(known), .. }) if known != operator.id => {
                call.warn("two operators have a charge with the same id");
                None
            }
            Some(_) => return,
        };
        let mapping = TransactionMapping { operator: owner, since: call.platform.now().unix_seconds() };
        if let Ok(value) = serde_json::to_string(&mapping) {
            call.platform.kv_put_later(&self.key, &value, TTL_SECONDS);
        }
    }
}
