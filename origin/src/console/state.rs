//! What the pages share.

use super::cookies::Cookies;
use super::sign_in::SignIn;
use crate::config::LookUpsPerHour;
use crate::routes::RouteState;
use std::sync::Arc;

/// What the pages use.
#[derive(Clone)]
pub(crate) struct Console {
    /// The parts that the signed calls use as well.
    pub(crate) parts: RouteState,
    pub(super) cookies: Cookies,
    pub(super) sign_in: Arc<SignIn>,
    pub(super) look_ups_per_hour: LookUpsPerHour,
}
