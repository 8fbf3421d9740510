//! What leaves the origin besides charges: SMS to customers, and webhooks to partners.

use super::labels::{ByPartner, Counters, LabelLists};
use super::page::Page;
use super::series::{SMS, SMS_LINK_UP, WEBHOOKS};
use http::StatusCode;
use onbill_domain::ids::PartnerId;
use prometheus_client::metrics::gauge::Gauge;
use std::fmt;

onbill_domain::word_enum! {
    /// The state that the gateway has reported of an SMS, at once or in a receipt.
    pub enum SmsState {
        Accepted = "accepted",
        /// The gateway was overloaded, and has not got it.
        Throttled = "throttled",
        /// There was no gateway to connect to.
        Unreachable = "unreachable",
        /// The gateway may have got it.
        Unclear = "unclear",
        /// The gateway will never accept it.
        Refused = "refused",
        Delivered = "delivered",
        Undeliverable = "undeliverable",
        Rejected = "rejected",
        Deleted = "deleted",
        Expired = "expired",
    }
}

/// SMS by their states.
#[derive(Debug)]
pub(crate) struct SmsMetrics {
    gateway: &'static str,
    states: Counters<{ SmsState::ALL.len() }>,
    link_up: Gauge,
}

impl SmsMetrics {
    pub(super) fn new(lists: &LabelLists) -> Self {
        Self { gateway: lists.sms_gateway, states: Counters::default(), link_up: Gauge::default() }
    }

    pub(crate) fn note(&self, state: SmsState) {
        self.states.count(state as usize);
    }

    /// Notes whether the gateway can be reached: by the session of SMPP, or by the latest call.
    pub(crate) fn note_link(&self, is_up: bool) {
        self.link_up.set(i64::from(is_up));
    }

    pub(super) fn write(&self, page: &mut Page<'_>) -> fmt::Result {
        let states = SmsState::ALL.into_iter().zip(self.states.read());
        page.counters(SMS, states.map(|(state, count)| ([self.gateway, state.as_str()], count)))?;
        page.gauges(SMS_LINK_UP, [([self.gateway], self.link_up.get())])
    }
}

onbill_domain::word_enum! {
    /// What came of a webhook.
    pub enum WebhookResult {
        Delivered = "delivered",
        /// The partner has answered, and not with success.
        Refused = "refused",
        /// There was no response.
        Unreachable = "unreachable",
    }
}

impl WebhookResult {
    /// That of a response with this status, if there was one.
    pub(crate) fn of(status: Option<StatusCode>) -> Self {
        match status {
            Some(status) if status.is_success() => Self::Delivered,
            Some(_) => Self::Refused,
            None => Self::Unreachable,
        }
    }
}

/// Webhooks by partner.
#[derive(Debug)]
pub(crate) struct WebhookMetrics(ByPartner<Counters<{ WebhookResult::ALL.len() }>>);

impl WebhookMetrics {
    pub(super) fn new(lists: &LabelLists) -> Self {
        Self(ByPartner::new(&lists.partners, Counters::default))
    }

    pub(crate) fn note(&self, partner: &PartnerId, result: WebhookResult) {
        self.0.of(partner).count(result as usize);
    }

    pub(super) fn write(&self, page: &mut Page<'_>) -> fmt::Result {
        page.counters(
            WEBHOOKS,
            self.0.iter().flat_map(|(partner, results)| {
                let results = WebhookResult::ALL.into_iter().zip(results.read());
                results.map(move |(result, count)| ([partner, result.as_str()], count))
            }),
        )
    }
}
