//! The keys of all parties, by key holder. They derive from names, so that they are the same in
//! every run.

use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::ids::OperatorId;
use onbill_domain::key::{Key, Keyring};
use onbill_domain::root_key::{DERIVED_USES, KeyEpoch, RootKey, derive_operator_keys};
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
    let ring: Vec<Value> = match holder {
        KeyHolder::Edge => {
            let mut ring = derived_keys("acme");
            ring.extend(derived_keys("nova"));
            ring.extend(PARTNERS.map(|id| shared_key(&format!("partner:{id}"), "edge-to-partner")));
            ring.extend(PARTNERS.map(|id| partner_signing_key(id, "public")));
            ring
        }
        KeyHolder::Origin(id) => {
            let uses = ["origin-to-bss", "bss-to-origin", "session-assertion", "return-result", "numbers"];
            let mut ring = derived_keys(id);
            ring.extend(operator(id, &uses));
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

/// The epoch of all operators' derived keys.
pub const KEY_EPOCH: &str = "r1.1";

/// The edge's root key, as its secret has it.
pub fn edge_root_key() -> String {
    format!("r1.{}", encode_base64url(&sha256(b"the edge's root key")))
}

/// What the edge shares with an operator's origin: derived on the one side, in a ring on the other.
fn derived_keys(operator: &str) -> Vec<Value> {
    let root = RootKey::parse(&edge_root_key()).expect("is well formed");
    let operator = OperatorId::parse(operator).expect("is a slug");
    let epoch = KeyEpoch::parse(KEY_EPOCH).expect("is an epoch");
    let ring = derive_operator_keys(&[root], &operator, &[epoch]).expect("is of this root");
    let entry = |key: &Key| {
        let secret = encode_base64url(key.secret().expect("is shared"));
        json!({"id": key.id, "party": key.party.as_str(), "use": key.key_use.as_str(), "alg": "hmac-sha256", "secret": secret})
    };
    DERIVED_USES.iter().flat_map(|key_use| ring.keys_for_use(*key_use)).map(entry).collect()
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
