//! The parts of a signature, each right or wrong, and how to mend it.

use super::guess::Puzzle;
use super::message::Message;
use crate::base::{BODY_COMPONENTS, COMPONENTS, Component, base_text, components_of, params_text};
use anyhow::Context as _;
use onbill_domain::digest::{content_digest, matches_content_digest};
use onbill_domain::encoding::decode_base64;
use onbill_domain::key::{Key, KeyUse, Keyring};
use onbill_domain::limits::{NONCE_BYTES_MAX, NONCE_BYTES_MIN, SIGNATURE_SKEW_SECONDS};
use onbill_domain::signature::{
    CONTENT_DIGEST, ReceivedSignature, RequestComponents, SIGNATURE, SIGNATURE_INPUT, SignatureError,
    possible_authorities, verify_request,
};
use onbill_domain::timestamp::Timestamp;
use sfv::{BareItem, Dictionary, InnerList, ListEntry, Parser};
use std::fmt;

/// One part of the signature.
pub(super) struct Finding {
    part: &'static str,
    is_right: bool,
    text: String,
}

/// What is right and wrong with a signature.
pub(super) struct Report {
    findings: Vec<Finding>,
    /// The signature base that the signer should have signed.
    pub(super) base: String,
    result: Result<String, SignatureError>,
}

impl Report {
    pub(super) fn is_valid(&self) -> bool {
        self.result.is_ok()
    }

    fn note(&mut self, part: &'static str, checked: Result<String, String>) {
        let is_right = checked.is_ok();
        let (Ok(text) | Err(text)) = checked;
        self.findings.push(Finding { part, is_right, text });
    }
}

/// Explains the signature of a request, as it is verified at this time. `url` is the address that the
/// request was for.
pub(super) fn explain(
    message: &Message,
    url: Option<&str>,
    ring: &Keyring,
    key_use: Option<KeyUse>,
    now: Timestamp,
) -> anyhow::Result<Report> {
    let hosts = find_authorities(message, url)?;
    let authority = hosts.first().map_or("", String::as_str);
    let (path, query) = message.path_and_query();
    let content_type = message.value("content-type").unwrap_or_default();
    let body = (!message.body.is_empty()).then_some((&message.body[..], content_type.as_str()));
    let request = RequestComponents { method: &message.method, authority, path, query, body };
    let fields = SignatureFields::of(message);
    let input = fields.input.as_deref().ok().and_then(parse_input);
    let key_use = key_use.or_else(|| input.as_ref().and_then(named_use)).unwrap_or(KeyUse::PartnerCall);
    let digest = fields.digest.clone().unwrap_or_else(|| content_digest(&message.body));
    let params = fields
        .input
        .as_deref()
        .map_or_else(|_| right_params(&request, key_use), |input| params_text(input).to_owned());
    let mut report = Report {
        findings: Vec::new(),
        base: base_text(&components_of(&request, &digest), &params),
        result: verify_for_hosts(&request, &hosts, &fields, ring, key_use, now),
    };
    report.note(SIGNATURE_INPUT, fields.input.clone().and_then(|text| check_input(&text)));
    if let Some(input) = &input {
        report.note("components", check_components(input, body.is_some()));
        report.note("created", check_created(input, now));
        report.note("nonce", check_nonce(input));
        report.note("keyid", check_key(input, ring, key_use));
        report.note("tag", check_tag(input, key_use));
        report.note("other parameters", check_parameters(input));
    }
    if body.is_some() || fields.digest.is_some() {
        report.note(CONTENT_DIGEST, check_digest(fields.digest.as_deref(), &message.body));
    }
    if body.is_some() {
        let has_type =
            if content_type.is_empty() { Err("a body needs a content-type") } else { Ok(&content_type) };
        report.note("content-type", has_type.cloned().map_err(str::to_owned));
    }
    let key = input.as_ref().and_then(|input| ring.find(key_use, string_of(input, "keyid")?));
    let checked = fields.signature.clone().and_then(|text| {
        let covered = input.as_ref().map(|input| covered_components(input, message, &request, &digest));
        check_signature(&text, key, covered.as_deref().unwrap_or_default(), &params, &hosts, &message.body)
    });
    report.note(SIGNATURE, checked);
    Ok(report)
}

/// The header fields of a signature, or what is wrong with them.
struct SignatureFields {
    input: Result<String, String>,
    signature: Result<String, String>,
    digest: Option<String>,
}

impl SignatureFields {
    fn of(message: &Message) -> Self {
        let single = |name: &str| match message.values(name)[..] {
            [value] => Ok(value.to_owned()),
            [] => Err("the header field is missing".to_owned()),
            _ => Err("the header field is there more than once".to_owned()),
        };
        Self {
            input: single(SIGNATURE_INPUT),
            signature: single(SIGNATURE),
            digest: message.value(CONTENT_DIGEST),
        }
    }
}

/// The authorities that the signer can have meant, the usual one first.
fn find_authorities(message: &Message, url: Option<&str>) -> anyhow::Result<Vec<String>> {
    let target = message.target.contains("://").then_some(message.target.as_str());
    if let Some(url) = url.or(target) {
        let uri = crate::client::address(url, "/")?;
        return Ok(possible_authorities(uri.authority().context("the address names no host")?.as_str()));
    }
    let host = message.value("host").context("the request names no host: give its address with --url")?;
    let hosts = possible_authorities(&host);
    (!hosts.is_empty()).then_some(hosts).with_context(|| format!("the Host field {host:?} names no host"))
}

fn verify_for_hosts(
    request: &RequestComponents<'_>,
    hosts: &[String],
    fields: &SignatureFields,
    ring: &Keyring,
    key_use: KeyUse,
    now: Timestamp,
) -> Result<String, SignatureError> {
    let (Ok(signature_input), Ok(signature)) = (&fields.input, &fields.signature) else {
        return Err(SignatureError::Malformed);
    };
    let content_digest = fields.digest.as_deref().unwrap_or_default();
    let received = ReceivedSignature { signature_input, signature, content_digest };
    let mut refused = SignatureError::Malformed;
    for authority in hosts {
        match verify_request(&RequestComponents { authority, ..*request }, received, ring, key_use, now) {
            Ok(verified) => return Ok(verified.key.party.as_str().to_owned()),
            Err(why) => refused = why,
        }
    }
    Err(refused)
}

/// The value of `signature-input` as it should be, for a signer that sends none.
fn right_params(request: &RequestComponents<'_>, key_use: KeyUse) -> String {
    let names =
        right_components(request.body.is_some()).map(|name| format!("\"{name}\"")).collect::<Vec<_>>();
    let tag = key_use.as_str();
    format!("({});created=SECONDS;nonce=\"NONCE\";keyid=\"KEY\";tag=\"onbill-{tag}\"", names.join(" "))
}

fn right_components(has_body: bool) -> impl Iterator<Item = &'static str> {
    COMPONENTS.into_iter().chain(BODY_COMPONENTS.into_iter().filter(move |_| has_body))
}

/// The one inner list of the field, under any label.
fn parse_input(text: &str) -> Option<InnerList> {
    let mut dictionary: Dictionary = Parser::new(text).parse().ok()?;
    match dictionary.pop() {
        Some((_, ListEntry::InnerList(list))) if dictionary.is_empty() => Some(list),
        _ => None,
    }
}

fn string_of<'i>(input: &'i InnerList, name: &str) -> Option<&'i str> {
    match input.params.get(name) {
        Some(BareItem::String(text)) => Some(text.as_str()),
        _ => None,
    }
}

/// The use that the tag names.
fn named_use(input: &InnerList) -> Option<KeyUse> {
    KeyUse::parse(string_of(input, "tag")?.strip_prefix("onbill-")?)
}

fn check_input(text: &str) -> Result<String, String> {
    let dictionary: Dictionary = Parser::new(text).parse().map_err(|_| {
        "it is not a structured field (RFC 9651): sig1=(\"@method\" …);created=…;nonce=\"…\"".to_owned()
    })?;
    let labels: Vec<&str> = dictionary.keys().map(|label| label.as_str()).collect();
    if labels != ["sig1"] {
        return Err(format!(
            "it must have one signature, with the label sig1, and has {}",
            labels.join(", ")
        ));
    }
    match parse_input(text) {
        Some(list) if is_exact(text, &list) => Ok("one signature, sig1".to_owned()),
        Some(_) => {
            Err("it must be spelled exactly as RFC 9651 §4.1 writes it: one space between components, \
            none elsewhere, and nothing twice"
                .to_owned())
        }
        None => Err("the value must be a list of components in parentheses".to_owned()),
    }
}

fn is_exact(text: &str, list: &InnerList) -> bool {
    let mut serializer = sfv::ListSerializer::new();
    let mut inner = serializer.inner_list();
    for item in &list.items {
        inner.bare_item(&item.bare_item).parameters(&item.params);
    }
    inner.finish().parameters(&list.params);
    serializer.finish().as_deref() == Some(params_text(text))
}

/// The names of the components, with what parameters they have.
fn covered_names(input: &InnerList) -> Vec<String> {
    let name = |item: &sfv::Item| {
        let name = item.bare_item.as_string().map_or("(no string)", sfv::StringRef::as_str);
        if item.params.is_empty() { name.to_owned() } else { format!("{name} with parameters") }
    };
    input.items.iter().map(name).collect()
}

fn check_components(input: &InnerList, has_body: bool) -> Result<String, String> {
    let (covered, right) = (covered_names(input), right_components(has_body).collect::<Vec<_>>());
    if covered == right {
        return Ok(covered.join(" "));
    }
    let missing: Vec<&str> =
        right.iter().copied().filter(|name| !covered.iter().any(|covered| covered == name)).collect();
    let extra: Vec<&str> = covered.iter().map(String::as_str).filter(|name| !right.contains(name)).collect();
    let what = match (missing.is_empty(), extra.is_empty()) {
        (true, true) => "the order, or one of them is there twice".to_owned(),
        (false, true) => format!("missing: {}", missing.join(" ")),
        (true, false) => format!("too many: {}", extra.join(" ")),
        (false, false) => format!("missing: {}; too many: {}", missing.join(" "), extra.join(" ")),
    };
    let which = if has_body { "with a body" } else { "without a body" };
    Err(format!("{what}. They must be, {which} and in this order: {}", right.join(" ")))
}

fn check_created(input: &InnerList, now: Timestamp) -> Result<String, String> {
    let Some(BareItem::Integer(created)) = input.params.get("created") else {
        return Err("it must be there, as a whole number of seconds since the Unix epoch".to_owned());
    };
    let created = i64::from(*created);
    let off = created.saturating_sub(now.unix_seconds());
    let direction = if off < 0 { "in the past" } else { "in the future" };
    let text = format!("{created} is {} s {direction}", off.unsigned_abs());
    if off.unsigned_abs() <= SIGNATURE_SKEW_SECONDS.unsigned_abs() {
        return Ok(text);
    }
    // 100 billion seconds are the year 5138, and as many milliseconds are 1973.
    let hint = if created > 100_000_000_000 {
        "seconds are wanted, not milliseconds"
    } else {
        "set the clock, and sign each call again"
    };
    Err(format!("{text}; at most {SIGNATURE_SKEW_SECONDS} s are allowed: {hint}"))
}

fn check_nonce(input: &InnerList) -> Result<String, String> {
    let nonce = string_of(input, "nonce").ok_or("it must be there, as a string in quotes")?;
    if (NONCE_BYTES_MIN..=NONCE_BYTES_MAX).contains(&nonce.len()) {
        return Ok(format!("{} characters; it must be new for each call", nonce.len()));
    }
    Err(format!("it has {} characters; {NONCE_BYTES_MIN} to {NONCE_BYTES_MAX} are allowed", nonce.len()))
}

fn check_key(input: &InnerList, ring: &Keyring, key_use: KeyUse) -> Result<String, String> {
    let id = string_of(input, "keyid").ok_or("it must be there, as a string in quotes")?;
    if let Some(key) = ring.find(key_use, id) {
        return Ok(format!("{id} of {}", key.party));
    }
    if let Some(other) = ring.keys().find(|key| key.id == id) {
        let (has, needs) = (other.key_use.as_str(), key_use.as_str());
        return Err(format!("{id:?} is a key of the use {has}, and this call needs one of {needs}"));
    }
    let known: Vec<&str> = ring.keys_for_use(key_use).map(|key| key.id.as_str()).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(format!("{id:?} is not in the key file, which has for {}: {known}", key_use.as_str()))
}

fn check_tag(input: &InnerList, key_use: KeyUse) -> Result<String, String> {
    let right = format!("onbill-{}", key_use.as_str());
    match string_of(input, "tag") {
        Some(tag) if tag == right => Ok(right),
        Some(tag) => Err(format!("{tag:?} must be {right:?}")),
        None => Err(format!("it must be there: tag={right:?}")),
    }
}

fn check_parameters(input: &InnerList) -> Result<String, String> {
    let names = input.params.keys().map(|name| name.as_str());
    let extra: Vec<&str> =
        names.filter(|name| !["created", "nonce", "keyid", "tag"].contains(name)).collect();
    if extra.is_empty() {
        return Ok("none".to_owned());
    }
    Err(format!(
        "{} must not be there: the key decides the algorithm, and created the time",
        extra.join(", ")
    ))
}

fn check_digest(digest: Option<&str>, body: &[u8]) -> Result<String, String> {
    if body.is_empty() {
        return Ok("not covered, and ignored".to_owned());
    }
    let right = content_digest(body);
    let Some(digest) = digest else { return Err(format!("it must be there: {right}")) };
    if matches_content_digest(digest, body) {
        return Ok(format!("of these {} bytes", body.len()));
    }
    let hint =
        if body.starts_with(b"\xef\xbb\xbf") { " The body begins with a byte order mark." } else { "" };
    let length = body.len();
    Err(format!("{digest} is not of the body that was sent ({length} bytes), which has {right}.{hint}"))
}

/// The components that the signature says it covers, with the values that they have here.
fn covered_components(
    input: &InnerList,
    message: &Message,
    request: &RequestComponents<'_>,
    digest: &str,
) -> Vec<Component> {
    let right = components_of(request, digest);
    let value = |name: &str| {
        let known = right.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
        known.or_else(|| message.value(name)).unwrap_or_default()
    };
    covered_names(input).into_iter().map(|name| (name.clone(), value(&name))).collect()
}

fn check_signature(
    text: &str,
    key: Option<&Key>,
    components: &[Component],
    params: &str,
    hosts: &[String],
    body: &[u8],
) -> Result<String, String> {
    let encoded = text.trim().strip_prefix("sig1=:").and_then(|rest| rest.strip_suffix(':'));
    let encoded = encoded.ok_or("it must be sig1=:BASE64:, and nothing more")?;
    let signature = decode_base64(encoded)
        .ok_or("it must be base64 with padding, in the alphabet with + and / (not base64url)")?;
    let key = key.ok_or("it cannot be checked without the key")?;
    let length = if key.is_symmetric() { 32 } else { 64 };
    if signature.len() != length {
        return Err(format!("it has {} bytes, and one of this key has {length}", signature.len()));
    }
    if key.verify(base_text(components, params).as_bytes(), &signature) {
        return Ok("valid for the components that it covers".to_owned());
    }
    // Behind a TLS proxy, a default port may or may not belong to the authority.
    let puzzle = Puzzle { key, signature: &signature, components, params, hosts, body };
    Err(puzzle.find_mistake().unwrap_or_else(|| {
        "it is for another signature base, or made with another key: compare yours by --base FILE".to_owned()
    }))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding { part, is_right, text } in &self.findings {
            writeln!(f, "{} {part:<17} {text}", if *is_right { "ok   " } else { "WRONG" })?;
        }
        writeln!(f, "\nThe signature base, without a newline at its end:\n{}\n", self.base)?;
        match &self.result {
            Ok(party) => write!(f, "The signature is valid. Signed by: {party}"),
            Err(why) => write!(f, "The signature is refused: {}", why.as_str()),
        }
    }
}

#[cfg(test)]
mod tests;
