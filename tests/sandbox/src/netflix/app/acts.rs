//! The effect of a tap in the app: which call its server makes, and the app's screen after the
//! response.

use super::super::Netflix;
use super::super::config::KnownOperator;
use super::super::edge::Failure;
use super::super::members::Pays;
use super::super::signup_form::{Entered, Problem};
use super::device::{Ask, BadCode, Call, Device, EnteredCode, Stage, Stop, Subscriber};
use onbill_domain::ids::ExtId;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::ErrorCode;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::device::DeviceValidateResponse;
use onbill_domain::wire::ott::{PartnerSubscriptionRequest, PartnerSubscriptionResponse, SubscriptionSource};
use serde::Deserialize;

const SUBSCRIPTION: &str = "/ott/v1/partnerSubscription";

/// A form of the app's as it was sent.
#[derive(Deserialize)]
pub(in super::super) struct Tap {
    #[serde(default)]
    pub(super) turn: String,
    #[serde(default)]
    code: String,
    #[serde(flatten)]
    entered: Entered,
}

/// An action of the customer, with the input for it.
pub(super) enum Act {
    Validate,
    Code(String),
    NewCode,
    Subscribe(SubscriptionSource, Entered),
    Again,
}

impl Act {
    /// Parses it from the last segment of its path.
    pub(super) fn of(name: &str, tap: Tap) -> Option<Self> {
        Some(match name {
            "validate" => Self::Validate,
            "code" => Self::Code(tap.code),
            "new-code" => Self::NewCode,
            "new" => Self::Subscribe(SubscriptionSource::NewAccount, tap.entered),
            "existing" => Self::Subscribe(SubscriptionSource::ExistingAccount, tap.entered),
            "again" => Self::Again,
            _ => return None,
        })
    }
}

impl Netflix {
    /// Performs the action. A button of another screen changes nothing.
    pub(super) async fn act(&self, device: &mut Device, act: Act) {
        let stage = std::mem::replace(&mut device.stage, Stage::Offer);
        device.stage = match (act, stage) {
            (Act::Validate, Stage::Offer | Stage::Done { .. }) => {
                self.answer(device, Ask::Validate { entered: None }).await
            }
            (Act::Code(code), Stage::Code { pin, .. }) if code.trim().is_empty() => {
                Stage::Code { pin, complaint: Some(BadCode::Missing) }
            }
            (Act::Code(code), Stage::Code { pin, .. }) => {
                let entered = Some(EnteredCode { pin, code });
                self.answer(device, Ask::Validate { entered }).await
            }
            (Act::NewCode, Stage::Code { .. }) => self.answer(device, Ask::NewCode).await,
            (Act::Subscribe(origin, entered), Stage::Account { subscriber, .. }) => {
                let email = entered.email().to_owned();
                match entered.check().and_then(|()| self.may_take(origin, &entered)) {
                    Ok(()) => self.answer(device, Ask::Subscribe { subscriber, origin, email }).await,
                    Err(wrong) => again_with(subscriber, origin, email, wrong),
                }
            }
            (Act::Again, Stage::Stopped { again, .. }) => self.answer(device, again).await,
            (_, stage) => stage,
        };
    }

    /// The app's stage after its server has made the call.
    async fn answer(&self, device: &mut Device, ask: Ask) -> Stage {
        let operator = self.0.config.operator_of(&device.sim.network);
        let (Some(operator), Some(msisdn)) = (operator, device.sim.msisdn.clone()) else {
            return Stage::Offer;
        };
        match ask {
            Ask::Validate { entered } => self.ask_whether(device, (operator, &msisdn), entered).await,
            Ask::NewCode => self.ask_for_code(device, (operator, &msisdn)).await,
            Ask::Subscribe { subscriber, origin, email } => {
                self.subscribe_app(device, subscriber, origin, email).await
            }
        }
    }

    /// The call is tried without a code first. Where the operator wants one, it answers so before
    /// it has looked anything up.
    async fn ask_whether(
        &self,
        device: &mut Device,
        whose: (&KnownOperator, &Msisdn),
        entered: Option<EnteredCode>,
    ) -> Stage {
        let asked_at = self.now();
        let why = match self.validate(device, whose, entered.as_ref()).await {
            Ok(answer) => return self.recognise(answer, asked_at),
            Err(why) => why,
        };
        match (why, entered) {
            (Stop::Refused(ErrorCode::PinInvalid), None) => self.ask_for_code(device, whose).await,
            (Stop::Refused(ErrorCode::PinInvalid), Some(EnteredCode { pin, .. })) => {
                Stage::Code { pin, complaint: Some(BadCode::Wrong) }
            }
            (Stop::Refused(ErrorCode::PinExpired), Some(EnteredCode { pin, .. })) => {
                Stage::Code { pin, complaint: Some(BadCode::Expired) }
            }
            (Stop::TooOften { .. }, Some(_)) => Stage::Stopped { why: Stop::CodeUsedUp, again: Ask::NewCode },
            // As before, with the code: it stays valid for some more tries, and a customer who has
            // topped up needs no new one.
            (why, entered) => Stage::Stopped { why, again: Ask::Validate { entered } },
        }
    }

    async fn ask_for_code(&self, device: &mut Device, whose: (&KnownOperator, &Msisdn)) -> Stage {
        match self.send_code(device, whose).await {
            Ok(pin) => Stage::Code { pin, complaint: None },
            Err(why) => Stage::Stopped { why, again: Ask::NewCode },
        }
    }

    /// A customer who already pays for an account, or a new one.
    fn recognise(&self, answer: DeviceValidateResponse, asked_at: Timestamp) -> Stage {
        let DeviceValidateResponse { operator, pai, account_type, paid_until, .. } = answer;
        self.books().meet(&operator, pai, asked_at);
        let ext_subscription_id = self.subscription_name();
        let subscriber = Subscriber { operator, pai, account_type, paid_until, ext_subscription_id };
        match self.account_on_bill(&subscriber) {
            Some(account_id) => Stage::Done { account_id, account_type, is_news: false },
            None => Stage::Account { subscriber, problem: None },
        }
    }

    fn account_on_bill(&self, subscriber: &Subscriber) -> Option<String> {
        let members = self.members();
        members.account_of((&subscriber.operator, subscriber.pai)).map(|account| account.id.clone())
    }

    /// 1. Another device with this SIM was faster → it is done already.
    /// 2. The account cannot be moved to the bill any more → the form again.
    /// 3. The edge is called. No response → the same call may be repeated; a refusal → the account
    ///    is chosen again.
    /// 4. The account is on the bill.
    async fn subscribe_app(
        &self,
        device: &mut Device,
        subscriber: Subscriber,
        origin: SubscriptionSource,
        email: String,
    ) -> Stage {
        // 1.
        let account_type = subscriber.account_type;
        if let Some(account_id) = self.account_on_bill(&subscriber) {
            return Stage::Done { account_id, account_type, is_news: false };
        }
        // 2.
        if let Err(wrong) = self.is_free(origin, &email) {
            return again_with(subscriber, origin, email, wrong);
        }
        // 3.
        let request = PartnerSubscriptionRequest {
            pai: subscriber.pai,
            ext_subscription_id: subscriber.ext_subscription_id.clone(),
            source: origin,
            plan: ExtId::parse("standard").expect("a word is an identifier"),
        };
        let outcome = self
            .0
            .edge
            .post::<PartnerSubscriptionResponse>(SUBSCRIPTION, &request, Some(&subscriber.operator))
            .await;
        let said = match &outcome.answer {
            Ok((status, _)) => status.as_u16().to_string(),
            Err(Failure::Refused { status, code }) => format!("{} {code}", status.as_u16()),
            Err(Failure::Silent) => "no answer".to_owned(),
        };
        device.calls.push(Call { path: SUBSCRIPTION, with: "", answer: said });
        let partner_subscription_id = match outcome.answer {
            Ok((_, answer)) => answer.partner_subscription_id,
            Err(failure) => {
                let (why, again) = match &failure {
                    Failure::Refused { code, .. } if !failure.is_passing() => {
                        let code =
                            serde_json::from_value(code.as_str().into()).unwrap_or(ErrorCode::InternalError);
                        (Stop::Refused(code), Ask::Validate { entered: None })
                    }
                    _ => (Stop::Silence, Ask::Subscribe { subscriber, origin, email }),
                };
                return Stage::Stopped { why, again };
            }
        };
        // 4.
        let Subscriber { operator, pai, ext_subscription_id, paid_until, .. } = subscriber;
        let pays = Pays::Bill { operator, pai, ext_subscription_id, partner_subscription_id };
        let account_id = self.members().put_on_bill(&email, pays, paid_until);
        Stage::Done { account_id, account_type, is_news: true }
    }
}

/// The forms again, with the reason at the one that was sent.
fn again_with(
    subscriber: Subscriber,
    origin: SubscriptionSource,
    email: String,
    (message, field): (String, &'static str),
) -> Stage {
    Stage::Account { subscriber, problem: Some(Problem { origin, message, field: Some(field), email }) }
}
