//! `onbill keys`: makes a key, shows what a file has, and converts between key rings and JWKS. The
//! sets of a whole deployment are made by `cargo xtask keys`, beside the edge's root key.

use crate::ambient::random_bytes;
use crate::signer::{parse_use, read_ring};
use anyhow::{Context as _, anyhow, bail};
use clap::{Args, Subcommand};
use onbill_domain::encoding::encode_base64url;
use onbill_domain::key::{Key, KeyUse, Keyring};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Length of every secret and seed: that of an HMAC-SHA-256 key and of an Ed25519 seed.
const SECRET_BYTES: usize = 32;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a key into a new file. Of a key pair, print the public half, which the others need.
    New {
        /// Whose key it is, such as partner:netflix or operator:acme.
        #[arg(long)]
        party: String,
        /// The use of the key. A partner-call key is an Ed25519 pair, every other one a shared secret.
        #[arg(long = "use", value_name = "USE", value_parser = parse_use, default_value = "partner-call")]
        key_use: KeyUse,
        /// The id, which no other key of this use has, such as netflix-partner-call-2.
        #[arg(long)]
        id: String,
        /// The file to write. It must not exist; only you can read it.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// The form of the file and of what is printed.
        #[arg(long, value_enum, default_value_t = Form::Ring)]
        form: Form,
    },
    /// List the keys of a ring or a JWKS, without their secrets.
    List {
        /// The ring or JWKS.
        file: PathBuf,
    },
    /// Print the keys of a ring or a JWKS as a JWKS: the public halves.
    Jwks(Conversion),
    /// Print the keys of a ring or a JWKS as a ring: the public halves.
    Ring(Conversion),
}

#[derive(Args)]
struct Conversion {
    /// The ring or JWKS.
    file: PathBuf,
    /// Whose keys these are, where the file does not say it.
    #[arg(long)]
    party: Option<String>,
    /// Write whole keys into this new file instead, shared secrets too. Only you can read it.
    #[arg(long, value_name = "FILE")]
    secret_out: Option<PathBuf>,
}

/// How keys are written.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// onbill's own.
    Ring,
    /// RFC 7517.
    Jwks,
}

impl Arguments {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::New { party, key_use, id, out, form } => {
                let ring = make_ring(&party, key_use, &id)?;
                write_private_file(&out, &form.write(&ring, true))?;
                if key_use == KeyUse::PartnerCall {
                    println!("{}", form.write(&ring, false));
                }
            }
            Action::List { file } => print!("{}", list_keys(&read_ring(&file)?)),
            Action::Jwks(conversion) => conversion.run(Form::Jwks)?,
            Action::Ring(conversion) => conversion.run(Form::Ring)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Conversion {
    fn run(&self, form: Form) -> anyhow::Result<()> {
        let ring = match &self.party {
            Some(party) => read_set_of(&self.file, party)?,
            None => read_ring(&self.file)?,
        };
        if let Some(file) = &self.secret_out {
            return write_private_file(file, &form.write(&ring, true));
        }
        if ring.keys().all(|key| key.public_jwk().is_none()) {
            bail!("the file has shared secrets only, which have no public half; --secret-out writes them");
        }
        println!("{}", form.write(&ring, false));
        Ok(())
    }
}

/// Reads a JWKS that does not say whose it is.
fn read_set_of(file: &Path, party: &str) -> anyhow::Result<Keyring> {
    let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let mut set: Value =
        serde_json::from_str(&text).map_err(|_| anyhow!("{} is not JSON", file.display()))?;
    let set = set.as_object_mut().with_context(|| format!("{} is not a JWKS", file.display()))?;
    set.insert("party".to_owned(), json!(party));
    let set = Value::from(std::mem::take(set));
    Keyring::parse(&set.to_string()).map_err(|why| anyhow!("{}: {why}", file.display()))
}

fn make_ring(party: &str, key_use: KeyUse, id: &str) -> anyhow::Result<Keyring> {
    let is_pair = key_use == KeyUse::PartnerCall;
    let (alg, member) = if is_pair { ("ed25519", "private") } else { ("hmac-sha256", "secret") };
    let mut entry = json!({ "id": id, "party": party, "use": key_use.as_str(), "alg": alg });
    entry[member] = json!(encode_base64url(&random_bytes::<SECRET_BYTES>()?));
    let ring = Keyring::parse(&json!([entry]).to_string()).map_err(|why| anyhow!(why))?;
    let is_party = |key: &Key| key.party.partner_id().is_some() || key.party.operator_id().is_some();
    if !ring.keys().all(is_party) {
        bail!("the party must be partner:ID or operator:ID, not {party:?}");
    }
    Ok(ring)
}

impl Form {
    /// The keys in this form; only the public halves, or whole.
    fn write(self, ring: &Keyring, is_secret: bool) -> String {
        let jwk = |key: &Key| {
            if is_secret { key.secret_jwk().or_else(|| key.public_jwk()) } else { key.public_jwk() }
        };
        let jwks: Vec<Value> = ring.keys().filter_map(jwk).collect();
        match self {
            Self::Jwks => format!("{:#}", json!({ "keys": jwks })),
            Self::Ring => {
                let lines: Vec<String> = jwks.iter().map(|jwk| format!("  {}", ring_entry(jwk))).collect();
                format!("[\n{}\n]", lines.join(",\n"))
            }
        }
    }
}

/// The entry of a ring for a JWK of ours.
fn ring_entry(jwk: &Value) -> Value {
    let alg = if jwk["kty"] == "OKP" { "ed25519" } else { "hmac-sha256" };
    let mut entry = json!({ "id": jwk["kid"], "party": jwk["party"], "use": jwk["purpose"], "alg": alg });
    for (member, of_jwk) in [("public", "x"), ("private", "d"), ("secret", "k")] {
        if let Some(value) = jwk.get(of_jwk) {
            entry[member] = value.clone();
        }
    }
    if let Some(at) = jwk["exp"].as_i64() {
        entry["expiresAt"] = json!(onbill_domain::timestamp::Timestamp::from_unix_seconds(at));
    }
    entry
}

/// One line for each key: what it is, and which half is there.
fn list_keys(ring: &Keyring) -> String {
    let mut lines = String::new();
    for key in ring.keys() {
        let half = match (key.is_symmetric(), key.secret_jwk().is_some()) {
            (true, _) => "hmac-sha256, shared secret",
            (false, true) => "ed25519, key pair",
            (false, false) => "ed25519, public half",
        };
        let end = key.expires_at.map(|at| format!(", until {at}")).unwrap_or_default();
        let (party, key_use) = (key.party.as_str(), key.key_use.as_str());
        lines.extend([key.id.as_str(), "  ", party, "  ", key_use, "  ", half, end.as_str(), "\n"]);
    }
    lines
}

/// Writes a file that only its owner can read. One that is there stays: its keys would be lost.
fn write_private_file(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("write {}", path.display()))?;
    file.write_all(format!("{text}\n").as_bytes()).with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_form_has_the_same_keys() {
        for key_use in [KeyUse::PartnerCall, KeyUse::OperatorToOrigin] {
            let ring = make_ring("partner:netflix", key_use, "k").expect("has randomness");
            let signed = |ring: &Keyring| ring.find(key_use, "k").and_then(|key| key.sign(b"text"));
            for form in [Form::Ring, Form::Jwks] {
                let again = Keyring::parse(&form.write(&ring, true)).expect("can be read");
                assert_eq!(signed(&again), signed(&ring));
            }
        }
    }

    #[test]
    fn public_form_and_list_have_no_secret() {
        let ring = make_ring("partner:netflix", KeyUse::PartnerCall, "k").expect("has randomness");
        let secret = ring.keys().next().and_then(Key::secret_jwk).expect("is whole");
        let secret = secret["d"].as_str().expect("is text").to_owned();
        for text in [Form::Ring.write(&ring, false), Form::Jwks.write(&ring, false), list_keys(&ring)] {
            assert!(text.contains("partner:netflix") && !text.contains(&secret), "{text}");
        }
        let half = Keyring::parse(&Form::Ring.write(&ring, false)).expect("can be read");
        assert!(list_keys(&half).contains("public half"));
    }

    #[test]
    fn key_is_of_a_partner_or_an_operator() {
        assert!(make_ring("netflix", KeyUse::PartnerCall, "k").is_err());
    }
}
