//! Customers on their way to a subscription: PINs, and the steps of the funnel.

use super::labels::{ByPartner, Counters, LabelLists};
use super::page::Page;
use super::series::{FUNNEL_STEPS, PINS, SUBSCRIPTIONS};
use onbill_domain::ids::PartnerId;
use prometheus_client::metrics::counter::Counter;
use std::fmt;

onbill_domain::word_enum! {
    /// What became of a PIN, or of an attempt to enter one.
    pub enum PinResult {
        /// The gateway has accepted its SMS.
        Sent = "sent",
        Right = "right",
        Wrong = "wrong",
        /// It has expired, or there is no such visit.
        Expired = "expired",
        /// Its attempts were used up, or none may be asked for now.
        Limited = "limited",
        /// It is sent only after a challenge.
        Challenged = "challenged",
    }
}

onbill_domain::word_enum! {
    /// Where a customer is.
    pub enum Channel {
        /// In the widget, on the operator's page.
        Widget = "widget",
        /// In a partner's app, on a device.
        App = "app",
    }
}

onbill_domain::word_enum! {
    /// A step on the way to a subscription.
    pub enum FunnelStep {
        /// The number was taken. In an app: its subscriber may pay on the bill.
        Validated = "validated",
        /// A PIN was issued for the number.
        PinIssued = "pin-issued",
        /// The PIN was right.
        PinRight = "pin-right",
        /// The customer has agreed, and continues to the partner.
        SignupBegun = "sign-up-begun",
        /// The partner has spent the sign-up token.
        TokenSpent = "token-spent",
    }
}

/// The steps that there are in a channel. A sign-up with a token begins in the widget.
fn steps_of(channel: Channel) -> &'static [FunnelStep] {
    use FunnelStep::{PinIssued, PinRight, SignupBegun, TokenSpent, Validated};
    match channel {
        Channel::Widget => &[Validated, PinIssued, PinRight, SignupBegun, TokenSpent],
        Channel::App => &[PinIssued, PinRight, Validated],
    }
}

/// PINs and steps.
#[derive(Debug)]
pub(crate) struct VisitMetrics {
    pins: Counters<{ PinResult::ALL.len() }>,
    steps: [Counters<{ FunnelStep::ALL.len() }>; Channel::ALL.len()],
    subscriptions: ByPartner<Counter>,
}

impl VisitMetrics {
    pub(super) fn new(lists: &LabelLists) -> Self {
        Self {
            pins: Counters::default(),
            steps: std::array::from_fn(|_| Counters::default()),
            subscriptions: ByPartner::new(&lists.partners, Counter::default),
        }
    }

    pub(crate) fn note_pin(&self, result: PinResult) {
        self.pins.count(result as usize);
    }

    pub(crate) fn note_step(&self, channel: Channel, step: FunnelStep) {
        self.steps[channel as usize].count(step as usize);
    }

    /// The partner has reported a subscription for the first time.
    pub(crate) fn note_subscription(&self, partner: &PartnerId) {
        self.subscriptions.of(partner).inc();
    }

    pub(super) fn write(&self, page: &mut Page<'_>) -> fmt::Result {
        let pins = PinResult::ALL.into_iter().zip(self.pins.read());
        page.counters(PINS, pins.map(|(result, count)| ([result.as_str()], count)))?;
        page.counters(
            FUNNEL_STEPS,
            Channel::ALL.into_iter().flat_map(|channel| {
                let counts = self.steps[channel as usize].read();
                let steps = steps_of(channel).iter();
                steps.map(move |step| ([channel.as_str(), step.as_str()], counts[*step as usize]))
            }),
        )?;
        let subscriptions = self.subscriptions.iter();
        page.counters(SUBSCRIPTIONS, subscriptions.map(|(partner, count)| ([partner], count.get())))
    }
}
