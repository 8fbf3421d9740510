//! The two calls that have a number in them. Each is made once: only the customer may repeat it, as
//! it may send another SMS or count as another try.
//!
//! The responses are read more strictly than a partner has to: anything in a response about a
//! number that the contract does not permit is recorded as a leak.

use super::super::Netflix;
use super::super::config::KnownOperator;
use super::device::{AppCall, AppStop, Device, EnteredCode};
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Method, Response, StatusCode};
use onbill_domain::ids::{ExtId, OfferId};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::refusal_detail::{RefusalReason, WayOn};
use onbill_domain::reject::ErrorCode;
use onbill_domain::wire::device::{
    DevicePinRequest, DevicePinResponse, DeviceValidateRequest, DeviceValidateResponse,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The offer that the app sells.
const OFFER: &str = "netflix-standard";
/// The app's channel.
const CHANNEL: &str = "app";

/// Seconds to wait when a refusal does not say: as long as the shortest that does.
const WAIT_SECONDS: i64 = 30;

/// The permitted responses of a call.
struct NumberContract {
    path: &'static str,
    status: StatusCode,
    members: &'static [&'static str],
    /// In addition to those with which every call may be refused.
    codes: &'static [ErrorCode],
}

const VALIDATE: NumberContract = NumberContract {
    path: "/ott/v1/account/validate",
    status: StatusCode::OK,
    members: &["status", "type", "pai", "operator", "paidUntil"],
    codes: &[
        ErrorCode::AccountNotFound,
        ErrorCode::SuspendedNonPayment,
        ErrorCode::InsufficientBalance,
        ErrorCode::AccountNotEligible,
        ErrorCode::PinInvalid,
        ErrorCode::PinExpired,
    ],
};

const PIN: NumberContract = NumberContract {
    path: "/ott/v1/pin",
    status: StatusCode::ACCEPTED,
    members: &["pinID", "expiresAt"],
    codes: &[],
};

const ANY_CALL: [ErrorCode; 8] = [
    ErrorCode::InvalidRequest,
    ErrorCode::ParameterNotSupported,
    ErrorCode::AuthorizationFailure,
    ErrorCode::TooManyRequests,
    ErrorCode::BodyTooLarge,
    ErrorCode::UnsupportedMediaType,
    ErrorCode::InternalError,
    ErrorCode::ServiceUnavailable,
];

impl Netflix {
    /// `POST /account/validate` of the number in the device, with the code that was entered.
    pub(super) async fn validate(
        &self,
        device: &mut Device,
        (operator, msisdn): (&KnownOperator, &Msisdn),
        entered: Option<&EnteredCode>,
    ) -> Result<DeviceValidateResponse, AppStop> {
        let question = DeviceValidateRequest {
            msisdn: msisdn.clone(),
            operator: Some(operator.id.clone()),
            offer: OfferId::parse(OFFER),
            pin: entered.map(|entered| entered.code.clone()),
            pin_id: entered.map(|entered| entered.pin.pin_id.clone()),
            channel: ExtId::parse(CHANNEL),
        };
        let with = if entered.is_some() { "with a code" } else { "without a code" };
        let answer: DeviceValidateResponse = self.ask(device, &VALIDATE, with, &question).await?;
        if answer.status != "ACTIVE" || answer.operator != operator.id {
            let found = format!("the status {} at {}", answer.status, answer.operator);
            self.note_leak(&VALIDATE, found);
            return Err(AppStop::Silence);
        }
        Ok(answer)
    }

    /// `POST /pin` to the number in the device.
    pub(super) async fn send_code(
        &self,
        device: &mut Device,
        (operator, msisdn): (&KnownOperator, &Msisdn),
    ) -> Result<DevicePinResponse, AppStop> {
        let question = DevicePinRequest {
            msisdn: msisdn.clone(),
            operator: Some(operator.id.clone()),
            locale: device.locale,
        };
        self.ask(device, &PIN, "", &question).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        device: &mut Device,
        contract: &NumberContract,
        with: &'static str,
        question: &impl Serialize,
    ) -> Result<T, AppStop> {
        let body = Bytes::from(serde_json::to_vec(question).unwrap_or_default());
        let response = self.0.edge.send(Method::POST, contract.path, body, None).await;
        let (answer, received) = match &response {
            Some(response) => self.read(contract, response),
            None => ("no answer".to_owned(), Err(AppStop::Silence)),
        };
        device.calls.push(AppCall { path: contract.path, with, answer });
        received
    }

    /// A response in one word, and its meaning.
    fn read<T: DeserializeOwned>(
        &self,
        contract: &NumberContract,
        response: &Response<Bytes>,
    ) -> (String, Result<T, AppStop>) {
        let status = response.status();
        let Ok(body) = serde_json::from_slice::<Map<String, Value>>(response.body()) else {
            return (format!("{} and no JSON", status.as_u16()), Err(AppStop::Silence));
        };
        if status == contract.status {
            self.compare(contract, &body, contract.members);
            let answer = serde_json::from_value(Value::Object(body)).map_err(|_| AppStop::Silence);
            return (status.as_u16().to_string(), answer);
        }
        self.compare(contract, &body, &["code", "message", "reason", "wayOn"]);
        let word = body.get("code").and_then(Value::as_str).unwrap_or("no code");
        let shown = format!("{} {word}", status.as_u16());
        let code = serde_json::from_value::<ErrorCode>(word.into()).ok().filter(|code| {
            code.status() == status && (contract.codes.contains(code) || ANY_CALL.contains(code))
        });
        let why = match code {
            Some(ErrorCode::TooManyRequests) => {
                let seconds =
                    response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
                AppStop::TooOften { until: self.now().plus_seconds(seconds.unwrap_or(WAIT_SECONDS)) }
            }
            Some(ErrorCode::ServiceUnavailable | ErrorCode::InternalError) => AppStop::Silence,
            Some(code) => self.read_refusal(contract, code, &body),
            None => {
                self.note_leak(contract, format!("the answer {shown}"));
                AppStop::Silence
            }
        };
        (shown, Err(why))
    }

    /// A refusal with what the operator adds to it. A word that is not known says nothing, as the
    /// contract asks; a reason that is not for its code is not permitted.
    fn read_refusal(&self, contract: &NumberContract, code: ErrorCode, body: &Map<String, Value>) -> AppStop {
        let reason = body.get("reason").and_then(Value::as_str).and_then(RefusalReason::parse);
        let way_on =
            body.get("wayOn").cloned().and_then(|way_on| serde_json::from_value::<WayOn>(way_on).ok());
        let is_for_code = match reason {
            None => true,
            Some(RefusalReason::Ineligible(_)) => code == ErrorCode::AccountNotEligible,
            Some(RefusalReason::Suspended(_)) => code == ErrorCode::SuspendedNonPayment,
        };
        if !is_for_code || !way_on.as_ref().is_none_or(WayOn::is_openable) {
            self.note_leak(contract, format!("a reason or a page that is not for {}", code.as_str()));
            return AppStop::Silence;
        }
        match (reason, way_on) {
            (None, None) => AppStop::Refused(code),
            (reason, way_on) => AppStop::Explained { code, reason, way_on },
        }
    }

    fn compare(&self, contract: &NumberContract, body: &Map<String, Value>, members: &[&str]) {
        for member in body.keys().filter(|member| !members.contains(&member.as_str())) {
            self.note_leak(contract, format!("the member {member}"));
        }
    }

    fn note_leak(&self, contract: &NumberContract, found: String) {
        tracing::error!(found, path = contract.path, "a response contains what must not reach the partner");
        self.0.leaks.note(&format!("answer to {}", contract.path), found, self.now());
    }
}
