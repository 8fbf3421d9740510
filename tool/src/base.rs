//! The signature base (RFC 9421 §2.5) of a request as it was sent, for a person to read. The
//! program that decides is `onbill_domain::signature`.

use onbill_domain::signature::{CONTENT_DIGEST, RequestComponents};

/// The components of the profile, of a request without a body and of one with a body.
pub(crate) const COMPONENTS: [&str; 4] = ["@method", "@authority", "@path", "@query"];
pub(crate) const BODY_COMPONENTS: [&str; 2] = [CONTENT_DIGEST, "content-type"];

/// A component's name and value.
pub(crate) type Component = (String, String);

/// The components of the profile with their values, `digest` being that of the request.
pub(crate) fn components_of(request: &RequestComponents<'_>, digest: &str) -> Vec<Component> {
    let path = if request.path.is_empty() { "/" } else { request.path };
    let (authority, query) = (request.authority.to_ascii_lowercase(), format!("?{}", request.query));
    let values = [request.method, authority.as_str(), path, query.as_str()];
    let mut components: Vec<Component> =
        COMPONENTS.iter().zip(values).map(|(name, value)| ((*name).to_owned(), value.to_owned())).collect();
    if let Some((_, content_type)) = request.body {
        let values = [digest.trim(), content_type.trim()];
        let body = BODY_COMPONENTS.iter().zip(values);
        components.extend(body.map(|(name, value)| ((*name).to_owned(), value.to_owned())));
    }
    components
}

/// The text that is signed: a line for each component, and the value of `signature-input` without
/// its label.
pub(crate) fn base_text(components: &[Component], params: &str) -> String {
    let mut base = String::new();
    for (name, value) in components {
        base.extend(["\"", name.as_str(), "\": ", value.as_str(), "\n"]);
    }
    base.extend(["\"@signature-params\": ", params]);
    base
}

/// What follows the label in a `signature-input` header field.
pub(crate) fn params_text(signature_input: &str) -> &str {
    let input = signature_input.trim_matches([' ', '\t']);
    input.split_once('=').map_or(input, |(_, params)| params)
}
