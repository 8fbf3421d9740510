//! A customer's visit to the widget: how the number is proven, what the customer sees next, and who
//! may buy.

mod account_page;
mod agreement;
mod eligibility;
mod mark;
mod next_step;
mod proof;

pub use account_page::AccountPages;
pub(crate) use account_page::{parse_cursor, subscription_not_found, write_cursor};
pub use agreement::Agreements;
pub use eligibility::Eligibility;
pub(crate) use eligibility::{EligibleAccount, ExpectedSubscriber, already_on_bill};
pub(crate) use mark::{flow_expired, is_agreed_in, replace_agreement, secret_of};
pub use next_step::NextSteps;
pub use proof::FlowProofs;
