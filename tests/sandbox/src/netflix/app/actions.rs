//! The effect of a tap in the app: which call its server makes, and the app's screen after the
//! response.

use super::super::Netflix;
use super::super::config::KnownOperator;
use super::super::edge::EdgeFailure;
use super::super::members::PaymentMethod;
use super::super::signup_form::{EnteredSignup, SignupError};
use super::device::{AppCall, AppStage, AppStop, Device, EnteredCode, FoundSubscriber, PinRequest, WrongPin};
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
    entered: EnteredSignup,
}

/// An action of the customer, with the input for it.
pub(super) enum AppAction {
    Validate,
    Code(String),
    NewCode,
    Subscribe(SubscriptionSource, EnteredSignup),
    Again,
}

impl AppAction {
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
    pub(super) async fn act(&self, device: &mut Device, act: AppAction) {
        let stage = std::mem::replace(&mut device.stage, AppStage::Offer);
        device.stage = match (act, stage) {
            (AppAction::Validate, AppStage::Offer | AppStage::Done { .. }) => {
                self.answer(device, PinRequest::Validate { entered: None }).await
            }
            (AppAction::Code(code), AppStage::Code { pin, .. }) if code.trim().is_empty() => {
                AppStage::Code { pin, complaint: Some(WrongPin::Missing) }
            }
            (AppAction::Code(code), AppStage::Code { pin, .. }) => {
                let entered = Some(EnteredCode { pin, code });
                self.answer(device, PinRequest::Validate { entered }).await
            }
            (AppAction::NewCode, AppStage::Code { .. }) => self.answer(device, PinRequest::NewCode).await,
            (AppAction::Subscribe(origin, entered), AppStage::Account { subscriber, .. }) => {
                let email = entered.email().to_owned();
                match entered.check().and_then(|()| self.may_take(origin, &entered)) {
                    Ok(()) => {
                        let agreed_at = self.now();
                        let ask = PinRequest::Subscribe { subscriber, origin, email, agreed_at };
                        self.answer(device, ask).await
                    }
                    Err(wrong) => again_with(subscriber, origin, email, wrong),
                }
            }
            (AppAction::Again, AppStage::Stopped { again, .. }) => self.answer(device, again).await,
            (_, stage) => stage,
        };
    }

    /// The app's stage after its server has made the call.
    async fn answer(&self, device: &mut Device, ask: PinRequest) -> AppStage {
        let operator = self.0.config.operator_of(&device.sim.network);
        let (Some(operator), Some(msisdn)) = (operator, device.sim.msisdn.clone()) else {
            return AppStage::Offer;
        };
        match ask {
            PinRequest::Validate { entered } => self.ask_whether(device, (operator, &msisdn), entered).await,
            PinRequest::NewCode => self.ask_for_code(device, (operator, &msisdn)).await,
            PinRequest::Subscribe { subscriber, origin, email, agreed_at } => {
                self.subscribe_app(device, subscriber, (origin, agreed_at), email).await
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
    ) -> AppStage {
        let asked_at = self.now();
        let why = match self.validate(device, whose, entered.as_ref()).await {
            Ok(answer) => return self.recognise(answer, asked_at),
            Err(why) => why,
        };
        match (why, entered) {
            (AppStop::Refused(ErrorCode::PinInvalid), None) => self.ask_for_code(device, whose).await,
            (AppStop::Refused(ErrorCode::PinInvalid), Some(EnteredCode { pin, .. })) => {
                AppStage::Code { pin, complaint: Some(WrongPin::Wrong) }
            }
            (AppStop::Refused(ErrorCode::PinExpired), Some(EnteredCode { pin, .. })) => {
                AppStage::Code { pin, complaint: Some(WrongPin::Expired) }
            }
            (AppStop::TooOften { .. }, Some(_)) => {
                AppStage::Stopped { why: AppStop::CodeUsedUp, again: PinRequest::NewCode }
            }
            // As before, with the code: it stays valid for some more tries, and a customer who has
            // topped up needs no new one.
            (why, entered) => AppStage::Stopped { why, again: PinRequest::Validate { entered } },
        }
    }

    async fn ask_for_code(&self, device: &mut Device, whose: (&KnownOperator, &Msisdn)) -> AppStage {
        match self.send_code(device, whose).await {
            Ok(pin) => AppStage::Code { pin, complaint: None },
            Err(why) => AppStage::Stopped { why, again: PinRequest::NewCode },
        }
    }

    /// A customer who already pays for an account, or a new one.
    fn recognise(&self, answer: DeviceValidateResponse, asked_at: Timestamp) -> AppStage {
        let DeviceValidateResponse { operator, pai, account_type, paid_until, .. } = answer;
        self.ledger().meet(&operator, pai, asked_at);
        let ext_subscription_id = self.subscription_name();
        let subscriber = FoundSubscriber { operator, pai, account_type, paid_until, ext_subscription_id };
        match self.account_on_bill(&subscriber) {
            Some(account_id) => AppStage::Done { account_id, account_type, is_news: false },
            None => AppStage::Account { subscriber, problem: None },
        }
    }

    fn account_on_bill(&self, subscriber: &FoundSubscriber) -> Option<String> {
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
        subscriber: FoundSubscriber,
        (origin, agreed_at): (SubscriptionSource, Timestamp),
        email: String,
    ) -> AppStage {
        // 1.
        let account_type = subscriber.account_type;
        if let Some(account_id) = self.account_on_bill(&subscriber) {
            return AppStage::Done { account_id, account_type, is_news: false };
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
            // What the app's own page has shown.
            price: self.0.config.operator(&subscriber.operator).map(|operator| operator.price),
            consent_at: Some(agreed_at),
        };
        let outcome = self
            .0
            .edge
            .post::<PartnerSubscriptionResponse>(SUBSCRIPTION, &request, Some(&subscriber.operator))
            .await;
        let shown = match &outcome.answer {
            Ok((status, _)) => status.as_u16().to_string(),
            Err(EdgeFailure::Refused { status, code }) => format!("{} {code}", status.as_u16()),
            Err(EdgeFailure::Silent) => "no answer".to_owned(),
        };
        device.calls.push(AppCall { path: SUBSCRIPTION, with: "", answer: shown });
        let partner_subscription_id = match outcome.answer {
            Ok((_, answer)) => answer.partner_subscription_id,
            Err(failure) => {
                let (why, again) = match &failure {
                    EdgeFailure::Refused { code, .. } if !failure.is_passing() => {
                        let code =
                            serde_json::from_value(code.as_str().into()).unwrap_or(ErrorCode::InternalError);
                        (AppStop::Refused(code), PinRequest::Validate { entered: None })
                    }
                    _ => (AppStop::Silence, PinRequest::Subscribe { subscriber, origin, email, agreed_at }),
                };
                return AppStage::Stopped { why, again };
            }
        };
        // 4.
        let FoundSubscriber { operator, pai, ext_subscription_id, paid_until, .. } = subscriber;
        let pays = PaymentMethod::Bill { operator, pai, ext_subscription_id, partner_subscription_id };
        let account_id = self.members().put_on_bill(&email, pays, paid_until);
        AppStage::Done { account_id, account_type, is_news: true }
    }
}

/// The forms again, with the reason at the one that was sent.
fn again_with(
    subscriber: FoundSubscriber,
    origin: SubscriptionSource,
    email: String,
    (message, field): (String, &'static str),
) -> AppStage {
    AppStage::Account {
        subscriber,
        problem: Some(SignupError { origin, message, field: Some(field), email }),
    }
}
