//! Mandates: what customers have agreed to. A change of plan or price is another one. What records
//! the first one of a subscription is [`crate::routes`], and what needs it [`crate::charge`].

mod evidence;
mod terms_change;
mod terms_sms;

pub use evidence::{EvidenceChain, verify_chain};
pub use terms_change::TermsChanges;
pub(crate) use terms_change::{subscription_is_over, subscription_not_found};
