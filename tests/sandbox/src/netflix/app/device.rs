//! The played device and the app on it: its SIM, where the app stands, and what its server has asked so far. No HTTP, no
//! clock.

use super::super::network::NetworkCode;
use super::super::signup_form::Problem;
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

/// A device lies here this long, in seconds: a day, so that whoever comes back after work finds it as it was.
const DEVICE_SECONDS: i64 = 24 * 3600;

/// More devices than this at once are nobody's: the oldest goes.
const DEVICES_MAX: usize = 500;

/// What an app can read of a SIM.
pub(super) struct Sim {
    pub(super) network: NetworkCode,
    /// Not every SIM tells it.
    pub(super) msisdn: Option<Msisdn>,
}

/// A device with the app preloaded. Everything but the SIM is the app's and its server's.
pub(super) struct Device {
    pub(super) sim: Sim,
    /// The language that it is set to.
    pub(super) locale: Locale,
    pub(super) stage: Stage,
    /// Counts the acts. A form says in whose turn it was made, so that a double click or an old page acts once.
    pub(super) turn: u32,
    pub(super) calls: Vec<Call>,
}

/// Where the app stands.
pub(super) enum Stage {
    /// Nothing has left the device yet.
    Offer,
    /// A code is on its way to the number.
    Code { pin: DevicePinResponse, complaint: Option<BadCode> },
    /// The operator has answered for this subscriber: which account shall they pay for?
    Account { subscriber: Subscriber, problem: Option<Problem> },
    /// It does not go on from here by itself.
    Stopped { why: Stop, again: Ask },
    /// The account is on the bill.
    Done { account_id: String, account_type: AccountType, is_news: bool },
}

/// Whom the operator has answered for. Nothing of it tells the number.
#[derive(Clone)]
pub(super) struct Subscriber {
    pub(super) operator: OperatorId,
    pub(super) pai: Pai,
    pub(super) account_type: AccountType,
    /// The last day that coupons have paid for already.
    pub(super) paid_until: Option<Day>,
    /// Our name for the subscription that may come of it: fixed, so that a second try is the same request.
    pub(super) ext_subscription_id: ExtId,
}

/// What is wrong with a code that was entered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BadCode {
    Missing,
    Wrong,
    Expired,
}

/// Why it does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The operator's answer is no.
    Refused(ErrorCode),
    /// Asked too often; from then on the same may be asked again.
    TooOften { until: Timestamp },
    /// The code was tried too often: only a new one helps.
    CodeUsedUp,
    /// No answer, or none to work with.
    Silence,
}

/// Something that the app asks of its server, with all that is needed to ask it again.
pub(super) enum Ask {
    /// Whether the number may be billed, with the code that proves it where one was entered.
    Validate { entered: Option<EnteredCode> },
    /// A code for the number.
    NewCode,
    /// The account on the bill.
    Subscribe { subscriber: Subscriber, origin: SubscriptionSource, email: String },
}

/// A code as it was entered, and which one it is meant to be.
pub(super) struct EnteredCode {
    pub(super) pin: DevicePinResponse,
    pub(super) code: String,
}

/// A call of the server's, without the number.
pub(super) struct Call {
    pub(super) path: &'static str,
    pub(super) with: &'static str,
    pub(super) answer: String,
}

/// A device that one act after the other is done with.
pub(super) type SharedDevice = Arc<Mutex<Device>>;

/// All that are there.
#[derive(Default)]
pub(in super::super) struct Devices(HashMap<String, (Timestamp, SharedDevice)>);

impl Devices {
    /// A device with this SIM, its app never opened.
    pub(super) fn put(&mut self, id: String, sim: Sim, locale: Locale, now: Timestamp) {
        self.0.retain(|_, (since, _)| now.seconds_since(*since) < DEVICE_SECONDS);
        if self.0.len() >= DEVICES_MAX {
            let oldest = self.0.iter().min_by_key(|(_, (since, _))| *since).map(|(id, _)| id.clone());
            oldest.map(|id| self.0.remove(&id));
        }
        let device = Device { sim, locale, stage: Stage::Offer, turn: 0, calls: Vec::new() };
        self.0.insert(id, (now, Arc::new(Mutex::new(device))));
    }

    /// The device of this name, if it still lies there.
    pub(super) fn find(&self, id: &str, now: Timestamp) -> Option<SharedDevice> {
        let (since, device) = self.0.get(id)?;
        (now.seconds_since(*since) < DEVICE_SECONDS).then(|| device.clone())
    }
}
