//! What a browser loads: the loader, the frame, the return page and the pages of refusals.

use super::recorder::ResponseRecorder;
use super::request::{CallerKind, ScriptedCall};
use http::Method;
use onbill_domain::locale::Locale;
use onbill_edge::platform::RateLimiter;
use onbill_test_harness::NetworkFault;

const LOADER: &str = "/widget/v1/onbill.js";
const FRAME: &str = "/widget/v1/frame";
const RETURN: &str = "/widget/v1/return/acme/a-ticket";

fn page_call(path: &str) -> ScriptedCall {
    ScriptedCall::get(CallerKind::Browser, path)
}

pub(super) async fn record(recorder: &mut ResponseRecorder) {
    record_loader(recorder).await;
    record_frames(recorder).await;
    for locale in Locale::ALL {
        refused_frames(recorder, locale.as_str()).await;
        refused_returns(recorder, locale.as_str()).await;
    }
    no_paths(recorder).await;
}

async fn record_loader(recorder: &mut ResponseRecorder) {
    recorder.begin_section("the loader");
    recorder.call("the script", page_call(LOADER)).await;
    recorder.call("its head", page_call(LOADER).method(Method::HEAD)).await;
    recorder.call("any version is known", page_call(LOADER).header("if-none-match", "*")).await;
    recorder.call("another version is known", page_call(LOADER).header("if-none-match", "\"x\"")).await;
    recorder.call("by POST", page_call(LOADER).method(Method::POST)).await;
}

async fn record_frames(recorder: &mut ResponseRecorder) {
    recorder.begin_section("the frame");
    for locale in Locale::ALL {
        let locale = locale.as_str();
        let offer = format!("{FRAME}?operator=acme&offer=netflix-standard&locale={locale}");
        recorder.call(&format!("an offer in {locale}"), page_call(&offer)).await;
        let own_page = format!("{FRAME}?operator=acme&view=account&locale={locale}");
        recorder.call(&format!("the own page in {locale}"), page_call(&own_page)).await;
    }
    let nova = format!("{FRAME}?operator=nova&offer=netflix-standard");
    recorder
        .call("another operator, in the browser's language", page_call(&nova).header("accept-language", "es"))
        .await;
    let acme = format!("{FRAME}?operator=acme&offer=netflix-standard");
    recorder.call("in a language without words", page_call(&acme).header("accept-language", "fi")).await;
    let parent = format!(
        "{acme}&parent=http%3A%2F%2F127.0.0.1%3A8790&return-url=http%3A%2F%2F127.0.0.1%3A8790%2Fdone"
    );
    recorder.call("with its parent and a return URL", page_call(&parent)).await;
    recorder.call("its head", page_call(&acme).method(Method::HEAD)).await;
    recorder.call("by POST", page_call(&acme).method(Method::POST)).await;
    recorder.call("a malformed correlator", page_call(&acme).header("x-correlator", "not one")).await;
    recorder.system.edge.fail_randomness(true);
    recorder.call("without randomness", page_call(&acme)).await;
    recorder.system.edge.fail_randomness(false);
}

async fn refused_frames(recorder: &mut ResponseRecorder, locale: &str) {
    recorder.begin_section(&format!("refused frames in {locale}"));
    for (label, query) in [
        ("an unknown operator", "operator=none&offer=netflix-standard"),
        ("an unknown offer", "operator=acme&offer=none"),
        ("an unknown view", "operator=acme&view=none"),
        ("no query", ""),
        ("another site's page", "operator=acme&offer=netflix-standard&parent=https%3A%2F%2Fevil.example"),
        (
            "a return URL elsewhere",
            "operator=acme&offer=netflix-standard&return-url=https%3A%2F%2Fevil.example",
        ),
    ] {
        recorder.call(label, page_call(&format!("{FRAME}?{query}&locale={locale}"))).await;
    }
}

async fn refused_returns(recorder: &mut ResponseRecorder, locale: &str) {
    recorder.begin_section(&format!("refused return pages in {locale}"));
    let page = format!("{RETURN}?locale={locale}");
    recorder.call("an unknown ticket", page_call(&page)).await;
    recorder
        .call("an unknown operator", page_call(&format!("/widget/v1/return/none/t?locale={locale}")))
        .await;
    recorder.call("no ticket", page_call(&format!("/widget/v1/return/acme/%20?locale={locale}"))).await;
    recorder.system.edge.exhaust_rate(RateLimiter::Widget, true);
    recorder.call("over the rate", page_call(&page)).await;
    recorder.system.edge.exhaust_rate(RateLimiter::Widget, false);
    recorder
        .call_disturbed("no origin answers", "127.0.0.1:8788", NetworkFault::Lost, page_call(&page))
        .await;
    recorder.call("by POST", page_call(&page).method(Method::POST)).await;
}

async fn no_paths(recorder: &mut ResponseRecorder) {
    recorder.begin_section("health, and paths that do not exist");
    recorder.call("health of the edge", page_call("/healthz")).await;
    recorder.call("its head", page_call("/healthz").method(Method::HEAD)).await;
    recorder.call("by POST", page_call("/healthz").method(Method::POST)).await;
    let long = "c".repeat(257);
    recorder.call("a long correlator", page_call("/healthz").header("x-correlator", &long)).await;
    recorder.call("a given correlator", page_call("/healthz").header("x-correlator", "abc-1")).await;
    for path in ["/", "/healthz/", "/widget/v1/return/acme", "/ott/v1/transactions"] {
        recorder.call("no such path at the edge", page_call(path)).await;
    }
    recorder.call("health of the origin", ScriptedCall::get(CallerKind::Edge, "/healthz")).await;
    recorder.call("by POST", ScriptedCall::get(CallerKind::Edge, "/healthz").method(Method::POST)).await;
    recorder.call("no such path at the origin", ScriptedCall::get(CallerKind::Edge, "/nothing")).await;
    recorder
        .call("no gateway reports here", ScriptedCall::get(CallerKind::Edge, "/sms/v1/receipt/x?status=1"))
        .await;
}
