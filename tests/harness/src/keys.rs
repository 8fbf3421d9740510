//! The keys of all parties, by key holder. They derive from names, so that they are the same in
//! every run.

use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::key::Keyring;
use serde_json::{Value, json};

/// No customer has signed up with the second one.
const PARTNERS: [&str; 2] = ["netflix", "tunes"];

pub enum KeyHolder {
    Edge,
    Origin(&'static str),
    Operator(&'static str),
    Partner(&'static str),
}

pub fn keyring(holder: &KeyHolder) -> Keyring {
    Keyring::parse(&keyring_json(holder)).expect("is well formed")
}

pub fn keyring_json(holder: &KeyHolder) -> String {
    let operator = |id: &str, uses: &[&str]| -> Vec<Value> {
        uses.iter().map(|key_use| shared_key(&format!("operator:{id}"), key_use)).collect()
    };
    let edges_own = ["edge-to-origin", "origin-to-edge", "signup-token"];
    let ring: Vec<Value> = match holder {
        KeyHolder::Edge => {
            let mut ring = operator("acme", &edges_own);
            ring.extend(operator("nova", &edges_own));
            ring.extend(PARTNERS.map(|id| shared_key(&format!("partner:{id}"), "edge-to-partner")));
            ring.extend(PARTNERS.map(|id| partner_signing_key(id, "public")));
            ring
        }
        KeyHolder::Origin(id) => {
            let uses = [
                "edge-to-origin",
                "origin-to-edge",
                "signup-token",
                "origin-to-bss",
                "bss-to-origin",
                "session-assertion",
                "return-result",
                "numbers",
            ];
            let mut ring = operator(id, &uses);
            ring.extend(PARTNERS.map(|id| partner_signing_key(id, "public")));
            ring.extend(PARTNERS.map(|partner| webhook_key((id, partner), &format!("partner:{partner}"))));
            ring
        }
        KeyHolder::Operator(id) => {
            operator(id, &["origin-to-bss", "bss-to-origin", "session-assertion", "return-result"])
        }
        KeyHolder::Partner(id) => {
            let mut ring = vec![
                shared_key(&format!("partner:{id}"), "edge-to-partner"),
                partner_signing_key(id, "private"),
            ];
            let told_by =
                |operator: &'static str| webhook_key((operator, id), &format!("operator:{operator}"));
            ring.extend(["acme", "nova"].map(told_by));
            ring
        }
    };
    json!(ring).to_string()
}

fn shared_key(party: &str, key_use: &str) -> Value {
    hmac_key(&format!("{}-{key_use}-1", party.replace(':', "-")), party, key_use)
}

/// The key that an operator's origin and the partner share: each ring names the other side.
fn webhook_key((operator, partner): (&str, &str), party: &str) -> Value {
    hmac_key(&format!("{operator}-{partner}-origin-to-partner-1"), party, "origin-to-partner")
}

fn hmac_key(id: &str, party: &str, key_use: &str) -> Value {
    let secret = encode_base64url(&sha256(id.as_bytes()));
    json!({"id": id, "party": party, "use": key_use, "alg": "hmac-sha256", "secret": secret})
}

/// A partner's key pair: every other party has the public half.
fn partner_signing_key(id: &str, half: &str) -> Value {
    let seed = sha256(format!("{id} partner-call").as_bytes());
    let value = match half {
        "private" => encode_base64url(&seed),
        _ => encode_base64url(ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().as_bytes()),
    };
    json!({"id": format!("{id}-partner-call-1"), "party": format!("partner:{id}"), "use": "partner-call", "alg": "ed25519", half: value})
}
