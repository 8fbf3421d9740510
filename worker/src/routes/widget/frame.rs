//! `GET /widget/v1/frame`: the page inside the operator's page. Its words and its behaviour are in
//! `widget/`; here its shell is filled, and is restricted to the pages that may frame it.

use crate::call::Call;
use crate::config::{Operator, Partner};
use crate::fault::{Fault, HandlerError};
use crate::html::{escape_html, escape_json, fill_template};
use crate::number_format::find_number_format;
use crate::page::{HTML, allow_embedding, page_locale};
use crate::platform::Platform;
use crate::query::find_parameter;
use crate::response::new_response;
use crate::words::Words;
use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use onbill_domain::encoding::encode_base64url;
use onbill_domain::ids::{LogoId, OfferId};
use onbill_domain::locale::Locale;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::return_url::{ReturnUrlFault, check_return_url};
use onbill_domain::words_section;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

const SHELL: &str = include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/frame.html"));
const STYLE: &str = include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/frame.css"));
/// One script in one scope. xtask minifies these files together, in this order.
const SCRIPT: &str = concat!(
    include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/frame-typed.js")),
    include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/frame-state.js")),
    include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/frame-words.js")),
    include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/frame-steps.js")),
    include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/frame-edge.js")),
    include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/frame-refusal.js")),
    include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/frame-number.js")),
    include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/frame-challenge.js")),
    include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/frame-code.js")),
    include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/frame-look.js")),
    include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/frame-sandbox.js")),
    include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/frame-confirm.js")),
    include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/frame-around.js")),
    include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/frame.js"))
);

/// The name of the operator's font in the style sheet.
const FONT_FAMILY: &str = "onbill-operator";

/// What the script ends with where onbill has no words in the language that was asked for.
const LOCALE_WARNING: &str =
    "console.warn(`onbill: no words in this locale, see ${new URL('refusals#locale', location)}`);\n";

/// What the frame shows: an offer to buy, or the customer's own page.
enum FramePurpose<'c> {
    SignUp(&'c Partner, OfferId),
    Account,
}

/// Each refusal has a code of its own, which its page sends to the page around it.
///
/// 1. The sandbox around the frame lets it work, as far as the frame has seen → else 400. We serve the
///    operator → else 404; none is named → 400. With `view=account` it is about the customer's own
///    page; else the operator sells the offer → else 404; neither is named → 400. Its entry is
///    wrong → 503.
/// 2. The embedding page names its site origin, if it does, and it is one of the operator's → else
///    403.
/// 3. The return URL is on one of the operator's dashboards, and has no result yet → else 400.
/// 4. 200: the shell with words, style and script, a fresh nonce, and a policy that lets only the
///    operator's pages frame it, or only the one that was named.
pub(crate) async fn get_frame<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, HandlerError> {
    let query = call.request.uri().query().unwrap_or_default();
    // 1.
    check_sandbox(query)?;
    let id = find_parameter(query, "operator").ok_or_else(attribute_missing)?;
    let operator = call.find_operator(&id).await?;
    let operator = operator
        .ok_or_else(|| Reject::new(ErrorCode::OperatorNotServed, "This operator is not served here."))?;
    let purpose = parse_purpose(call, &operator, query)?;
    // 2.
    let ancestors = match find_parameter(query, "parent") {
        None => operator.dashboards.join(" "),
        Some(parent) if operator.dashboards.contains(&parent) => parent,
        Some(_) => {
            return Err(Reject::new(ErrorCode::PageNotListed, "This page may not frame the widget.").into());
        }
    };
    // 3.
    let return_url = find_parameter(query, "return-url");
    if let Some(Err(fault)) = return_url.as_deref().map(|url| check_return_url(url, &operator.dashboards)) {
        let code = match fault {
            ReturnUrlFault::NotListed => ErrorCode::ReturnUrlNotListed,
            ReturnUrlFault::HasResult => ErrorCode::ReturnUrlTaken,
        };
        return Err(Reject::new(code, fault.message()).into());
    }
    // 4.
    let nonce = encode_base64url(&call.platform.random_bytes().ok_or(Fault::NoRandomness)?);
    let body = render_shell(call, &operator, &purpose, return_url.as_deref(), &nonce)?;
    let mut response = new_response(StatusCode::OK, HTML, Bytes::from(body));
    let headers = response.headers_mut();
    let has_challenge = call.config.challenge().is_some();
    let loads = LaterLoads {
        challenge: has_challenge,
        logos: !find_logos(&operator, &purpose).is_empty(),
        font: operator.font.is_some(),
    };
    headers.insert(CONTENT_SECURITY_POLICY, content_security_policy(&nonce, &ancestors, &loads)?);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let permissions = HeaderValue::from_static(
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), publickey-credentials-get=(), usb=()",
    );
    headers.insert(HeaderName::from_static("permissions-policy"), permissions);
    // What the challenge loads is not ours to promise.
    if !has_challenge {
        allow_embedding(headers);
    }
    if let FramePurpose::SignUp(..) = purpose {
        call.notes.note_shown(&operator.id, page_locale(call.request));
    }
    Ok(response)
}

/// What a frame loads after its page.
struct LaterLoads {
    /// Another site's script and frame.
    challenge: bool,
    logos: bool,
    font: bool,
}

/// What a frame has no use for is not allowed.
fn content_security_policy(nonce: &str, ancestors: &str, loads: &LaterLoads) -> Result<HeaderValue, Fault> {
    let (script, frame) = if loads.challenge {
        (" https://challenges.cloudflare.com", "frame-src https://challenges.cloudflare.com; ")
    } else {
        ("", "")
    };
    let image = if loads.logos { "img-src 'self'; " } else { "" };
    let font = if loads.font { "font-src 'self'; " } else { "" };
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'{script}; style-src 'nonce-{nonce}'; connect-src 'self'; \
         {image}{font}{frame}frame-ancestors {ancestors}; base-uri 'none'; form-action 'none'"
    );
    HeaderValue::from_str(&policy).map_err(|_| Fault::Asset("the content security policy"))
}

/// The logos that the frame shows: the operator's, and that of the partner whose offer it is about.
fn find_logos<'c>(operator: &'c Operator, purpose: &FramePurpose<'c>) -> Vec<&'c LogoId> {
    let partner = match purpose {
        FramePurpose::SignUp(partner, _) => partner.logo.as_ref(),
        FramePurpose::Account => None,
    };
    operator.logo.as_ref().into_iter().chain(partner).collect()
}

/// They are decoration: the title beside them has the names.
fn write_logos(logos: &[&LogoId]) -> String {
    let images =
        logos.iter().map(|logo| format!("<img src=\"logo/{}\" alt=\"\">", escape_html(logo.as_str())));
    images.collect()
}

/// The rule that names the operator's font, where the edge has one. It is for every weight, because
/// most fonts of brands are variable; of another one the browser makes the bold.
fn write_font_face(operator: &Operator) -> String {
    operator.font.as_ref().map_or_else(String::new, |font| {
        format!(
            "@font-face{{font-family:{FONT_FAMILY};src:url(font/{font});font-weight:1 1000;font-display:fallback}}\n"
        )
    })
}

/// The frame has found out what its sandbox keeps from it, and asks for the page that says so.
fn check_sandbox(query: &str) -> Result<(), Reject> {
    let code = match find_parameter(query, "lacks").as_deref() {
        Some("allow-forms") => ErrorCode::LacksForms,
        Some("allow-same-origin") => ErrorCode::LacksSameOrigin,
        _ => return Ok(()),
    };
    Err(Reject::new(code, "The sandbox around the frame does not let it work."))
}

fn attribute_missing() -> Reject {
    Reject::new(ErrorCode::AttributeMissing, "The frame needs an operator, and an offer or a view.")
}

fn parse_purpose<'c, P: Platform>(
    call: &Call<'c, P>,
    operator: &Operator,
    query: &str,
) -> Result<FramePurpose<'c>, Reject> {
    match find_parameter(query, "view").as_deref() {
        Some("account") => Ok(FramePurpose::Account),
        Some(_) => Err(Reject::new(ErrorCode::ViewNotServed, "There is no such view.")),
        None => {
            let id = find_parameter(query, "offer").ok_or_else(attribute_missing)?;
            let offer = OfferId::parse(&id);
            let sold =
                offer.and_then(|offer| Some((call.config.find_partner_by_offer(operator, &offer)?, offer)));
            let (partner, offer) = sold.ok_or_else(|| {
                Reject::new(ErrorCode::OfferNotServed, "The operator does not sell this here.")
            })?;
            Ok(FramePurpose::SignUp(partner, offer))
        }
    }
}

fn render_shell<P: Platform>(
    call: &Call<'_, P>,
    operator: &Operator,
    purpose: &FramePurpose<'_>,
    return_url: Option<&str>,
    nonce: &str,
) -> Result<String, Fault> {
    let locale = page_locale(call.request);
    let asked = find_parameter(call.request.uri().query().unwrap_or_default(), "locale");
    let is_other = asked.is_some_and(|tag| Locale::from_tag(&tag).is_none());
    let script =
        if is_other { Cow::Owned(format!("{SCRIPT}{LOCALE_WARNING}")) } else { Cow::Borrowed(SCRIPT) };
    let FrameWords { words, strings } = find_words(locale)?;
    let (partner_name, own_words) = match purpose {
        FramePurpose::SignUp(partner, _) => (partner.name.as_str(), None),
        FramePurpose::Account => ("", Some(find_own_words(locale)?)),
    };
    let names = [("operator", operator.name.as_str()), ("partner", partner_name)];
    let title = match &own_words {
        None => words.fill("title", &names),
        Some(own) => own.fill("own-title", &names),
    };
    let boot = make_boot(call, operator, purpose, (locale, own_words.as_ref()), return_url)?;
    let boot = escape_json(&boot.to_string());
    let boot = boot.strip_suffix('}').ok_or(Fault::Asset("the frame's settings"))?;
    let boot = format!("{boot},\"strings\":{strings}}}");
    let values = [
        ("nonce", nonce),
        ("lang", locale.as_str()),
        ("dir", locale.direction()),
        ("title", &escape_html(&title)),
        ("loading", &escape_html(words.text("loading"))),
        ("logos", &write_logos(&find_logos(operator, purpose))),
        ("boot", &boot),
        ("style", &format!("{}{STYLE}", write_font_face(operator))),
        ("script", &script),
    ];
    Ok(fill_template(SHELL, &values))
}

/// What the frame's script begins with, apart from its strings.
fn make_boot<P: Platform>(
    call: &Call<'_, P>,
    operator: &Operator,
    purpose: &FramePurpose<'_>,
    (locale, own_words): (Locale, Option<&Words>),
    return_url: Option<&str>,
) -> Result<Value, Fault> {
    let (partner, offer) = match purpose {
        FramePurpose::SignUp(partner, offer) => (Some(partner), Some(offer)),
        FramePurpose::Account => (None, None),
    };
    let names: BTreeMap<&str, &str> =
        call.config.partners_of(operator).map(|each| (each.id.as_str(), each.name.as_str())).collect();
    let mut boot = json!({
        "operator": {"id": operator.id, "name": operator.name, "country": operator.country,
                     "numbers": find_number_format(&operator.country)},
        "partner": partner.map(|partner| {
            json!({"id": partner.id, "name": partner.name, "url": partner.ui_site_origins.first()})
        }),
        "offer": offer,
        "partners": names,
        "locale": locale.as_str(),
        "dashboards": operator.dashboards,
        "returnURL": return_url,
    });
    if let Some(challenge) = call.config.challenge() {
        let challenge = json!({"siteKey": challenge.site_key});
        boot.as_object_mut()
            .ok_or(Fault::Asset("the frame's settings"))?
            .insert("challenge".to_owned(), challenge);
    }
    if let Some(own) = own_words {
        let own = json!(own.0);
        boot.as_object_mut().ok_or(Fault::Asset("the frame's settings"))?.insert("own".to_owned(), own);
    }
    Ok(boot)
}

/// The frame's words in one language: parsed, and as they stand in the page.
struct FrameWords {
    words: Words,
    strings: String,
}

/// Finds the words of one language, which are parsed once in each isolate: this is most of the work
/// for a frame.
fn find_words(locale: Locale) -> Result<&'static FrameWords, Fault> {
    static WORDS: [OnceLock<Result<FrameWords, Fault>>; Locale::ALL.len()] =
        [const { OnceLock::new() }; Locale::ALL.len()];
    let parse = || {
        let words = Words::parse(words_section!("widget", locale))?;
        let strings = escape_json(&json!(words.0).to_string());
        Ok(FrameWords { words, strings })
    };
    let place = WORDS.iter().zip(Locale::ALL).find(|(_, each)| *each == locale).map(|(place, _)| place);
    place.ok_or(Fault::Asset("the list of languages"))?.get_or_init(parse).as_ref().map_err(Clone::clone)
}

/// Finds the words that a frame for the customer's own page begins with, instead of those about an
/// offer. All others come with the page.
fn find_own_words(locale: Locale) -> Result<Words, Fault> {
    let mut words = Words::parse(words_section!("account", locale))?;
    words.0.retain(|key, _| key.starts_with("own-"));
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_and_script_cannot_end_their_elements() {
        assert!(!SCRIPT.to_ascii_lowercase().contains("</script"), "would end the script");
        assert!(!STYLE.to_ascii_lowercase().contains("</style"), "would end the style");
        assert_eq!(STYLE.matches(FONT_FAMILY).count(), 1, "it is used where there is one");
        for name in ["nonce", "lang", "dir", "title", "loading", "logos", "boot", "style", "script"] {
            assert!(SHELL.contains(&format!("{{{{{name}}}}}")), "{name}");
        }
    }

    /// How many decimals a price has comes with it: a list here would be another one than the origin's.
    #[test]
    fn script_knows_no_currency() {
        let own_page = include_str!(concat!(env!("ONBILL_WIDGET_DIR"), "/frame-account.js"));
        for code in ["USD", "EUR", "JPY", "KRW", "KWD", "BHD", "CLP", "HUF"] {
            assert!(!SCRIPT.contains(code) && !own_page.contains(code), "{code}");
        }
    }

    #[test]
    fn title_has_no_placeholder_left() {
        for locale in Locale::ALL {
            let words = Words::parse(words_section!("widget", locale)).expect("is a map of texts");
            let own = find_own_words(locale).expect("is a map of texts");
            assert_eq!(own.0.len(), 5, "{locale:?}");
            for (words, title) in [(&words, "title"), (&own, "own-title")] {
                let filled = words.fill(title, &[("operator", "Acme"), ("partner", "Netflix")]);
                assert!(filled.contains("Acme") && !filled.contains(['{', '}']), "{filled}");
            }
        }
    }
}
