//! Coupons: issuing, resending, voiding, redeeming, and reminding subscribers that their months
//! end.

mod change;
mod desk;
mod file;
mod issue;
mod message;
mod redeem;
mod remind;
mod text;

pub(crate) use change::coupon_not_found;
pub use desk::Coupons;
pub use file::{CouponFileError, CouponFileReport, HEADER, issue_file};
pub use issue::{CouponField, NotIssued};
pub(crate) use redeem::ClaimedCoupon;
pub use redeem::CouponRedemptions;

const DAY_SECONDS: i64 = 86_400;
