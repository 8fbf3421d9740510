//! The simulated device and the app on it: its SIM, the app's stage, and the calls of its server so
//! far. No HTTP, no clock.

use super::super::network::NetworkCode;
use super::super::signup_form::SignupError;
use onbill_domain::account::AccountType;
use onbill_domain::day::Day;
use onbill_domain::ids::{ExtId, OperatorId};
use onbill_domain::locale::Locale;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::pai::Pai;
use onbill_domain::reject::ErrorCode;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::device::DevicePinResponse;
use onbill_domain::wire::ott::SubscriptionSource;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Seconds for which a device is kept: a day, so that a user who comes back after work finds it as
/// it was.
const DEVICE_SECONDS: i64 = 24 * 3600;

/// Most devices kept at once: beyond it the oldest is deleted.
const DEVICES_MAX: usize = 500;

/// What an app can read of a SIM.
pub(super) struct SimCard {
    pub(super) network: NetworkCode,
    /// Not every SIM has it.
    pub(super) msisdn: Option<Msisdn>,
}

/// A device with the app preloaded. Everything but the SIM is the app's and its server's.
pub(super) struct Device {
    pub(super) sim: SimCard,
    /// The device's language.
    pub(super) locale: Locale,
    pub(super) stage: AppStage,
    /// Counts the actions. A form has the turn in which it was made, so that a double click or an
    /// old page acts once.
    pub(super) turn: u32,
    pub(super) calls: Vec<AppCall>,
}

/// The stage of the app.
pub(super) enum AppStage {
    /// No call has been made yet.
    Offer,
    /// A code was sent to the number.
    Code { pin: DevicePinResponse, complaint: Option<WrongPin> },
    /// The operator has confirmed this subscriber, who now chooses the account to pay for.
    Account { subscriber: FoundSubscriber, problem: Option<SignupError> },
    /// The app cannot continue without the customer.
    Stopped { why: AppStop, again: PinRequest },
    /// The account is on the bill.
    Done { account_id: String, account_type: AccountType, is_news: bool },
}

/// The subscriber whom the operator has confirmed. Nothing in it reveals the number.
#[derive(Clone)]
pub(super) struct FoundSubscriber {
    pub(super) operator: OperatorId,
    pub(super) pai: Pai,
    pub(super) account_type: AccountType,
    /// The last day that coupons have paid for already.
    pub(super) paid_until: Option<Day>,
    /// Our id of the subscription that may follow: fixed, so that a second try is the same request.
    pub(super) ext_subscription_id: ExtId,
}

/// What is wrong with a code that was entered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum WrongPin {
    Missing,
    Wrong,
    Expired,
}

/// Why the app cannot continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AppStop {
    /// The operator has refused.
    Refused(ErrorCode),
    /// Rate limited; from then on the same call may be repeated.
    TooOften { until: Timestamp },
    /// The code was tried too often: only a new one helps.
    CodeUsedUp,
    /// No response, or an unusable one.
    Silence,
}

/// A call that the app asks of its server, with everything that is needed to repeat it.
pub(super) enum PinRequest {
    /// Whether the number may be billed, with the code that proves it where one was entered.
    Validate { entered: Option<EnteredCode> },
    /// A code for the number.
    NewCode,
    /// The account on the bill, and when the customer agreed to it: a second try says the same.
    Subscribe { subscriber: FoundSubscriber, origin: SubscriptionSource, email: String, agreed_at: Timestamp },
}

/// A code as it was entered, and which one it is meant to be.
pub(super) struct EnteredCode {
    pub(super) pin: DevicePinResponse,
    pub(super) code: String,
}

/// A call of the server's, without the number.
pub(super) struct AppCall {
    pub(super) path: &'static str,
    pub(super) with: &'static str,
    pub(super) answer: String,
}

/// A device whose actions run one after the other.
pub(super) type SharedDevice = Arc<Mutex<Device>>;

/// All devices.
#[derive(Default)]
pub(in super::super) struct Devices(HashMap<String, (Timestamp, SharedDevice)>);

impl Devices {
    /// A device with this SIM, its app never opened.
    pub(super) fn put(&mut self, id: String, sim: SimCard, locale: Locale, now: Timestamp) {
        self.0.retain(|_, (since, _)| now.seconds_since(*since) < DEVICE_SECONDS);
        if self.0.len() >= DEVICES_MAX {
            let oldest = self.0.iter().min_by_key(|(_, (since, _))| *since).map(|(id, _)| id.clone());
            oldest.map(|id| self.0.remove(&id));
        }
        let device = Device { sim, locale, stage: AppStage::Offer, turn: 0, calls: Vec::new() };
        self.0.insert(id, (now, Arc::new(Mutex::new(device))));
    }

    /// The device with this id, if it is still kept.
    pub(super) fn find(&self, id: &str, now: Timestamp) -> Option<SharedDevice> {
        let (since, device) = self.0.get(id)?;
        (now.seconds_since(*since) < DEVICE_SECONDS).then(|| device.clone())
    }
}
