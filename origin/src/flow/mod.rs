//! A customer's visit to the widget: how the number is proven, what the customer sees next, and who
//! may buy.

mod account_page;
mod eligibility;
mod next_step;
mod proof;

pub use account_page::AccountPages;
pub(crate) use account_page::{parse_cursor, subscription_not_found};
pub use eligibility::Eligibility;
pub(crate) use eligibility::{EligibleAccount, already_on_bill};
pub use next_step::NextSteps;
pub use proof::FlowProofs;
pub(crate) use proof::{flow_expired, secret_of};
