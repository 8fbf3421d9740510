//! Numbers at rest. A number is sealed with AES-256-GCM-SIV (RFC 8452) and found again by a keyed
//! index (HMAC-SHA-256); the same keys bind PINs to their flow. All keys are derived by HKDF (RFC
//! 5869) from the ring's master keys. The newest seals, and its id is in every sealed value, so
//! that a later ring with one more key still opens what an earlier one sealed, until that is sealed
//! again. The oldest indexes, so that a later ring still finds it.

use crate::ambient::Random;
use crate::fault::Fault;
use crate::store::{Hash, NumberIndex, SealedNumber};
use aes_gcm_siv::aead::{Aead as _, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit as _, Nonce};
use hkdf::Hkdf;
use onbill_domain::coupon_code::CouponCode;
use onbill_domain::key::{KeyUse, Keyring, hmac_sha256};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::pai::Pai;
use sha2::Sha256;
use zeroize::Zeroizing;

/// The type of a sealed value, bound into its ciphertext: a message cannot be passed off as a
/// number.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    Number,
    Message,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Number => b"onbill number v1",
            Self::Message => b"onbill message v1",
        }
    }
}

/// Seals, opens and indexes. Its keys cannot be printed.
pub struct Vault {
    masters: Vec<Master>,
}

/// The result of sealing a value again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resealed {
    /// The value is sealed with the newest key already.
    Current,
    /// The new sealed value.
    New(Vec<u8>),
    /// The value does not open.
    Unopened,
}

struct Master {
    id: String,
    seal: Aes256GcmSiv,
    index: Zeroizing<[u8; 32]>,
    pin: Zeroizing<[u8; 32]>,
    coupon: Zeroizing<[u8; 32]>,
}

const FORMAT: u8 = 1;
const NONCE_BYTES: usize = 12;

impl Vault {
    /// Derives the keys from the ring's `numbers` keys. A ring without one is an error.
    pub fn new(keys: &Keyring) -> Result<Self, String> {
        let masters: Vec<Master> = keys
            .keys_for_use(KeyUse::NumberSealing)
            .map(|key| {
                let secret = key.secret().ok_or_else(|| format!("key {} cannot seal numbers", key.id))?;
                let derive = Hkdf::<Sha256>::new(None, secret);
                let derived = |label: &[u8]| {
                    let mut bytes = Zeroizing::new([0; 32]);
                    derive.expand(label, &mut bytes[..]).map_err(|error| error.to_string())?;
                    Ok::<_, String>(bytes)
                };
                let seal = derived(b"onbill seal v1")?;
                let seal = Aes256GcmSiv::new_from_slice(&seal[..]).map_err(|error| error.to_string())?;
                let (index, pin) = (derived(b"onbill index v1")?, derived(b"onbill pin v1")?);
                let coupon = derived(b"onbill coupon v1")?;
                Ok(Master { id: key.id.clone(), seal, index, pin, coupon })
            })
            .collect::<Result<_, String>>()?;
        if masters.is_empty() {
            Err("the key ring has no key of use numbers".to_owned())
        } else {
            Ok(Self { masters })
        }
    }

    fn newest_master(&self) -> &Master {
        // `new` refuses a ring without a master key.
        &self.masters[self.masters.len() - 1]
    }

    fn oldest_master(&self) -> &Master {
        &self.masters[0]
    }

    /// The index under which a number is found. Its key is the oldest of the ring: the ledger is
    /// searched by it, and with another key each number in it would look like one without an
    /// account.
    pub fn index_number(&self, number: &Msisdn) -> NumberIndex {
        NumberIndex(hmac_sha256(&self.oldest_master().index[..], number.expose().as_bytes()))
    }

    /// Identifies the index's key without revealing it. No number has the form of the input that
    /// this is computed from.
    pub fn index_check(&self) -> Hash {
        hmac_sha256(&self.oldest_master().index[..], b"onbill index check v1")
    }

    /// Seals a number for the database.
    pub fn seal_number(&self, random: &dyn Random, number: &Msisdn) -> Result<SealedNumber, Fault> {
        let sealed = self.seal_bytes(random, Purpose::Number, number.expose().as_bytes());
        let sealed = sealed.ok_or(Fault::Broken("a number could not be sealed"))?;
        Ok(SealedNumber { index: self.index_number(number), sealed })
    }

    pub fn open_number(&self, sealed: &[u8]) -> Result<Msisdn, Fault> {
        let plain = self.open_bytes(Purpose::Number, sealed);
        let number = plain.and_then(|plain| Msisdn::parse(std::str::from_utf8(&plain).ok()?));
        number.ok_or(Fault::Broken("a sealed number cannot be opened with the keys of the ring"))
    }

    /// Seals an SMS, most often with its number in it.
    pub fn seal_message(&self, random: &dyn Random, message: &[u8]) -> Result<Vec<u8>, Fault> {
        self.seal_bytes(random, Purpose::Message, message)
            .ok_or(Fault::Broken("a message could not be sealed"))
    }

    pub fn open_message(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.open_bytes(Purpose::Message, sealed)
    }

    /// The id of the key that seals.
    pub fn newest_key_id(&self) -> &str {
        &self.newest_master().id
    }

    /// The id of the key that a value is sealed with; `None` when it is not a sealed value.
    pub fn key_id(sealed: &[u8]) -> Option<&str> {
        let (head, rest) = sealed.split_at_checked(2)?;
        let (id, _) = rest.split_at_checked(usize::from(head[1]))?;
        if head[0] == FORMAT { std::str::from_utf8(id).ok() } else { None }
    }

    /// Seals a number or a message with the newest key, unless it is sealed with that already.
    pub fn reseal(&self, random: &dyn Random, is_message: bool, sealed: &[u8]) -> Resealed {
        let purpose = if is_message { Purpose::Message } else { Purpose::Number };
        // A value that names the newest key is opened too: the key id proves nothing about the
        // rest.
        let Some(plain) = self.open_bytes(purpose, sealed) else { return Resealed::Unopened };
        if Self::key_id(sealed) == Some(self.newest_key_id()) {
            return Resealed::Current;
        }
        self.seal_bytes(random, purpose, &plain).map_or(Resealed::Unopened, Resealed::New)
    }

    /// The stored MAC of a PIN: useless without the key, and for any other flow.
    pub fn pin_mac(&self, flow: &Hash, pin: &str) -> Hash {
        let mut message = Zeroizing::new(flow.to_vec());
        message.extend_from_slice(pin.as_bytes());
        hmac_sha256(&self.newest_master().pin[..], &message)
    }

    /// Identifies the subscriber who had the number when a flow proved it.
    pub fn subscriber_mac(&self, flow: &Hash, subscriber_ref: &str) -> Hash {
        let message = [b"onbill holder v1".as_slice(), flow, subscriber_ref.as_bytes()].concat();
        hmac_sha256(&self.newest_master().pin[..], &message)
    }

    /// Identifies the subscriber to whom a flow's PIN was sent, in the database.
    pub fn recipient_mac(&self, flow: &Hash, subscriber_ref: &str) -> Hash {
        let message = [b"onbill recipient v1".as_slice(), flow, subscriber_ref.as_bytes()].concat();
        hmac_sha256(&self.newest_master().pin[..], &message)
    }

    /// The stored hash of a coupon's code, by which it is found. Its key is the oldest of the ring,
    /// as that of the number index: the code itself is not stored, so another hash cannot be
    /// computed.
    pub fn coupon_hash(&self, code: &CouponCode) -> Hash {
        hmac_sha256(&self.oldest_master().coupon[..], &Zeroizing::new(code.symbols())[..])
    }

    /// Distinguishes a partner's message from another with the same id, without storing its text:
    /// the text is easily guessed, and without the key no guess can be tested. It is compared
    /// permanently, so its key is the oldest of the ring.
    pub fn notification_mac(&self, request: &[u8]) -> Hash {
        let message = Zeroizing::new([b"onbill notification v1".as_slice(), request].concat());
        hmac_sha256(&self.oldest_master().pin[..], &message)
    }

    /// Identifies a PAI within a flow, for a browser that must not know it.
    pub fn link_mac(&self, flow: &Hash, pai: Pai) -> Hash {
        let message = [b"onbill link v1".as_slice(), flow, pai.to_string().as_bytes()].concat();
        hmac_sha256(&self.newest_master().pin[..], &message)
    }

    /// Layout: format (1), length of the key id (1), key id, nonce (12), ciphertext with its tag.
    fn seal_bytes(&self, random: &dyn Random, purpose: Purpose, plain: &[u8]) -> Option<Vec<u8>> {
        let master = self.newest_master();
        let nonce: [u8; NONCE_BYTES] = random.bytes();
        let payload = Payload { msg: plain, aad: purpose.label() };
        let ciphertext = master.seal.encrypt(&Nonce::from(nonce), payload).ok()?;
        let mut sealed = vec![FORMAT, u8::try_from(master.id.len()).ok()?];
        sealed.extend_from_slice(master.id.as_bytes());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Some(sealed)
    }

    fn open_bytes(&self, purpose: Purpose, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (head, rest) = sealed.split_at_checked(2)?;
        if head[0] != FORMAT {
            return None;
        }
        let (id, rest) = rest.split_at_checked(usize::from(head[1]))?;
        let (nonce, ciphertext) = rest.split_at_checked(NONCE_BYTES)?;
        let master = self.masters.iter().find(|master| master.id.as_bytes() == id)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().ok()?;
        let payload = Payload { msg: ciphertext, aad: purpose.label() };
        master.seal.decrypt(&Nonce::from(nonce), payload).ok().map(Zeroizing::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::SystemRandom;
    use onbill_domain::encoding::encode_base64url;
    use serde_json::json;

    fn vault(bytes: &[u8]) -> Vault {
        let entry = |byte: &u8| {
            json!({"id": format!("m{byte}"), "party": "operator:acme", "use": "numbers", "alg": "hmac-sha256",
                   "secret": encode_base64url(&[*byte; 32])})
        };
        let ring: Vec<_> = bytes.iter().map(entry).collect();
        Vault::new(&Keyring::parse(&json!(ring).to_string()).expect("is well formed")).expect("has a master")
    }

    #[test]
    fn sealed_number_opens_with_its_key_and_purpose() {
        let number = Msisdn::parse("+12025550101").expect("is E.164");
        let old = vault(&[1]);
        let sealed = old.seal_number(&SystemRandom, &number).expect("seals");
        assert_eq!(old.open_number(&sealed.sealed).ok(), Some(number.clone()));
        assert_eq!(
            vault(&[1, 2]).open_number(&sealed.sealed).ok(),
            Some(number.clone()),
            "an older key still opens"
        );
        assert!(vault(&[2]).open_number(&sealed.sealed).is_err());
        assert!(old.open_message(&sealed.sealed).is_none());
        assert_ne!(old.seal_number(&SystemRandom, &number).expect("seals").sealed, sealed.sealed);
        for at in 0..sealed.sealed.len() {
            let mut damaged = sealed.sealed.clone();
            damaged[at] ^= 1;
            assert!(old.open_number(&damaged).is_err(), "byte {at}");
            assert!(old.open_number(&sealed.sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn resealed_number_does_not_need_the_old_key() {
        let number = Msisdn::parse("+12025550101").expect("is E.164");
        let sealed = vault(&[1]).seal_number(&SystemRandom, &number).expect("seals").sealed;
        let ring = vault(&[1, 2]);
        let Resealed::New(resealed) = ring.reseal(&SystemRandom, false, &sealed) else {
            panic!("is not sealed again")
        };
        assert_eq!((Vault::key_id(&sealed), Vault::key_id(&resealed)), (Some("m1"), Some("m2")));
        assert_eq!(vault(&[2]).open_number(&resealed).ok(), Some(number));
        assert_eq!(ring.reseal(&SystemRandom, false, &resealed), Resealed::Current);
        for (ring, is_message) in [(vault(&[2]), false), (ring, true)] {
            assert_eq!(ring.reseal(&SystemRandom, is_message, &sealed), Resealed::Unopened);
        }
        for damaged in [&resealed[..resealed.len() - 1], &resealed[..3], &[], b"garbage"] {
            assert_eq!(vault(&[1, 2]).reseal(&SystemRandom, false, damaged), Resealed::Unopened);
        }
    }

    #[test]
    fn index_is_stable_and_keyed() {
        let number = Msisdn::parse("+12025550101").expect("is E.164");
        assert_eq!(vault(&[1]).index_number(&number), vault(&[1]).index_number(&number));
        assert_ne!(vault(&[1]).index_number(&number), vault(&[2]).index_number(&number));
        assert_eq!(
            vault(&[1, 2]).index_number(&number),
            vault(&[1]).index_number(&number),
            "a newer key loses no subscriber"
        );
        assert_ne!(vault(&[1]).pin_mac(&[1; 32], "123456"), vault(&[1]).pin_mac(&[2; 32], "123456"));
    }

    #[test]
    fn coupon_is_found_with_a_later_keyring() {
        let code = CouponCode::parse("AC00-0G40-R4ZB-XZSZ-FYRJ").expect("is a code");
        assert_eq!(vault(&[1, 2]).coupon_hash(&code), vault(&[1]).coupon_hash(&code));
        assert_ne!(vault(&[2]).coupon_hash(&code), vault(&[1]).coupon_hash(&code));
    }
}
