//! The echo, by which a partner's engineer tries a signature.

use super::recorder::ResponseRecorder;
use super::refusals;
use super::request::{CallerKind, ScriptedCall};

const PATH: &str = "/ott/v1/echo";
const NETFLIX: CallerKind = CallerKind::Partner("netflix");

pub(super) async fn record(recorder: &mut ResponseRecorder) {
    recorder.begin_section("the echo of a call");
    let named = || ScriptedCall::get(NETFLIX, format!("{PATH}?operator=acme"));
    recorder.call("with a correlator", named().header("x-correlator", "first-call")).await;
    recorder.call("without one", named()).await;
    recorder.call("another operator", ScriptedCall::get(NETFLIX, format!("{PATH}?operator=nova"))).await;
    recorder.call("no operator", ScriptedCall::get(NETFLIX, PATH)).await;
    recorder.call("an unknown operator", ScriptedCall::get(NETFLIX, format!("{PATH}?operator=none"))).await;
    refusals::record(recorder, &named()).await;
}
