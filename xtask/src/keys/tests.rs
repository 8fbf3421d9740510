//! Who holds which half of each key, and what a later set leaves alone.

use super::*;
use onbill_domain::key::{KeyUse, Keyring};
use std::os::unix::fs::PermissionsExt;

fn parse_ring(keys: &[Value]) -> Keyring {
    Keyring::parse(&Value::from(keys).to_string()).expect("the programs can read it")
}

/// The ring of a file; of the edge, what it derives for acme and nova, and its keys with partners.
fn parse_keyring(sets: &KeySets, name: &str) -> Keyring {
    if name != EDGE_FILE {
        return parse_ring(&sets.files.iter().find(|file| file.name == name).expect("is there").keys);
    }
    let roots = sets.edge.roots().expect("has a root key");
    let epoch = KeyEpoch::parse(FIRST_EPOCH).expect("is one");
    let derived = ["acme", "nova"].map(|id| later::derive_entries(&roots, id, &epoch).expect("is derived"));
    parse_ring(&[derived.concat(), sets.edge.partner_keys().expect("are there")].concat())
}

#[test]
fn signature_of_a_holder_verifies_at_its_peer() {
    let files = make_key_sets(&["acme", "nova"], &["netflix"]).expect("has randomness");
    for (key_use, party, signer, verifier) in [
        (KeyUse::EdgeToOrigin, "operator:acme", "edge.json", "origin-acme.json"),
        (KeyUse::SignupToken, "operator:nova", "origin-nova.json", "edge.json"),
        (KeyUse::OriginToOperator, "operator:acme", "origin-acme.json", "operator-acme.json"),
        (KeyUse::OperatorToOrigin, "operator:acme", "operator-acme.json", "origin-acme.json"),
        (KeyUse::SessionAssertion, "operator:acme", "operator-acme.json", "origin-acme.json"),
        (KeyUse::ReturnResult, "operator:nova", "origin-nova.json", "operator-nova.json"),
        (KeyUse::EdgeToPartner, "partner:netflix", "edge.json", "partner-netflix.json"),
        (KeyUse::PartnerCall, "partner:netflix", "partner-netflix.json", "edge.json"),
        (KeyUse::PartnerCall, "partner:netflix", "partner-netflix.json", "origin-nova.json"),
    ] {
        let (signer, verifier) = (parse_keyring(&files, signer), parse_keyring(&files, verifier));
        let signing = signer.signing_key(key_use, party).expect("the signer has it");
        let verifying = verifier.find(key_use, &signing.id).expect("the verifier has it");
        let signature = signing.sign(b"text").expect("the signer can sign");
        assert!(verifying.verify(b"text", &signature), "{key_use:?}");
    }
}

#[test]
fn webhook_key_is_unique_per_origin_and_partner() {
    let files = make_key_sets(&["acme", "nova"], &["netflix", "tunes"]).expect("has randomness");
    let netflix = parse_keyring(&files, "partner-netflix.json");
    let mut secrets = Vec::new();
    for operator in ["acme", "nova"] {
        let origin = parse_keyring(&files, &origin_file(operator));
        let signing = origin.signing_key(KeyUse::OriginToPartner, "partner:netflix").expect("is there");
        let verifying = netflix.find(KeyUse::OriginToPartner, &signing.id).expect("is there");
        assert_eq!(verifying.party.as_str(), format!("operator:{operator}"), "the partner knows the signer");
        assert!(verifying.verify(b"text", &signing.sign(b"text").expect("can sign")));
        let other = origin.signing_key(KeyUse::OriginToPartner, "partner:tunes").expect("is there");
        secrets.extend([signing.secret().expect("is shared").to_vec(), other.secret().expect("is").to_vec()]);
    }
    let pairs = secrets.len();
    secrets.sort();
    secrets.dedup();
    assert_eq!(secrets.len(), pairs, "no operator can sign for another one or to another partner");
}

#[test]
fn key_sets_have_only_the_keys_needed() {
    let files = make_key_sets(&["acme", "nova"], &["netflix"]).expect("has randomness");
    let edge = parse_keyring(&files, "edge.json");
    let call = edge.signing_key(KeyUse::PartnerCall, "partner:netflix").expect("is there");
    assert_eq!(call.id, "netflix-partner-call-1");
    assert_eq!(call.sign(b"charge"), None, "the edge cannot mint charges");
    for unneeded in [
        KeyUse::OriginToOperator,
        KeyUse::OriginToPartner,
        KeyUse::SessionAssertion,
        KeyUse::ReturnResult,
        KeyUse::NumberSealing,
    ] {
        assert_eq!(edge.keys_for_use(unneeded).count(), 0, "{unneeded:?}");
    }
    let acme = parse_keyring(&files, "origin-acme.json");
    assert!(acme.signing_key(KeyUse::EdgeToOrigin, "operator:nova").is_none(), "tenants are apart");
    assert!(acme.keys_for_use(KeyUse::EdgeToPartner).next().is_none());
}

fn make_dir(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("onbill-keys-{name}-{}", std::process::id()));
    // A killed run of the same process id may have left files.
    let _ = fs::remove_dir_all(&dir);
    dir
}

fn read_ring(file: &Path) -> Keyring {
    Keyring::parse(&fs::read_to_string(file).expect("is written")).expect("the programs can read it")
}

#[test]
fn later_operator_leaves_all_other_files_alone() {
    let dir = make_dir("later");
    write_key_sets(&["acme"], &["netflix", "tunes"], &dir).expect("is writable");
    let before = fs::read(dir.join(EDGE_FILE)).expect("is readable");
    let edge = dir.join(EDGE_FILE);
    let written = write_operator_sets(&edge, &["nova".to_owned()], &dir).expect("is writable");
    let names =
        ["origin-nova.json", "operator-nova.json", "partner-netflix-nova.json", "partner-tunes-nova.json"];
    let expected: BTreeSet<PathBuf> = names.iter().map(|name| dir.join(name)).collect();
    assert_eq!(written.into_iter().collect::<BTreeSet<_>>(), expected);
    assert_eq!(fs::read(&edge).expect("is readable"), before);
    let origin = read_ring(&dir.join("origin-nova.json"));
    for key_use in [KeyUse::EdgeToOrigin, KeyUse::OriginToEdge, KeyUse::SignupToken, KeyUse::NumberSealing] {
        assert!(origin.signing_key(key_use, "operator:nova").is_some(), "{key_use:?}");
    }
    for partner in ["netflix", "tunes"] {
        let call = origin.signing_key(KeyUse::PartnerCall, format!("partner:{partner}")).expect("is there");
        assert_eq!(call.sign(b""), None, "the public half only");
        let added = read_ring(&dir.join(format!("partner-{partner}-nova.json")));
        let webhook = added.signing_key(KeyUse::OriginToPartner, "operator:nova").expect("is there");
        let signing = origin.find(KeyUse::OriginToPartner, &webhook.id).expect("is there");
        assert_eq!(signing.secret(), webhook.secret());
    }
    let again = write_operator_sets(&edge, &["nova".to_owned()], &dir).expect_err("is refused");
    assert!(again.to_string().contains("never overwritten"), "{again}");
    fs::remove_dir_all(dir).expect("is ours");
}

#[test]
fn epoch_is_derived_from_the_root_that_it_names() {
    let dir = make_dir("epoch");
    write_key_sets(&["acme"], &["netflix"], &dir).expect("is writable");
    let (edge, acme) = (dir.join(EDGE_FILE), ["acme".to_owned()]);
    let epoch = |text: &str| KeyEpoch::parse(text).expect("is one");
    let written = write_epoch(&edge, &acme, &epoch("r1.2"), &dir).expect("is writable");
    assert_eq!(written, [dir.join("origin-acme-r1.2.json")]);
    let ring = read_ring(&written[0]);
    assert!(ring.find(KeyUse::EdgeToOrigin, "acme-edge-to-origin-r1.2").is_some());
    assert!(ring.find(KeyUse::EdgeToOrigin, "acme-edge-to-origin-r1.1").is_none());
    let next = write_next_root(&edge, &dir).expect("is writable");
    let foreign = write_epoch(&edge, &acme, &epoch("r2.1"), &dir).expect_err("is another root's");
    assert!(foreign.to_string().contains("no such root key"), "{foreign}");
    let without = write_operator_sets(&next, &["nova".to_owned()], &dir).expect_err("is refused");
    assert!(without.to_string().contains("has no PARTNER_KEYS"), "a ring without partners: {without}");
    let written = write_epoch(&next, &acme, &epoch("r2.1"), &dir).expect("is writable");
    assert!(read_ring(&written[0]).find(KeyUse::SignupToken, "acme-signup-token-r2.1").is_some());
    fs::remove_dir_all(dir).expect("is ours");
}

#[test]
fn key_files_are_private_and_never_overwritten() {
    let dir = make_dir("sets");
    let written = write_key_sets(&["acme"], &["netflix"], &dir).expect("is writable");
    assert_eq!(written.len(), 4);
    let complete =
        |operators: &[&str]| are_key_sets_complete(operators, &["netflix"], &dir).expect("has randomness");
    assert!(complete(&["acme"]) && !complete(&["acme", "nova"]));
    for file in &written {
        assert_eq!(fs::metadata(file).expect("is there").permissions().mode() & 0o777, 0o600);
    }
    let before = fs::read(dir.join(EDGE_FILE)).expect("is readable");
    let again = write_key_sets(&["acme"], &["netflix"], &dir).expect_err("is refused");
    assert!(again.to_string().contains("never overwritten"), "{again}");
    assert_eq!(fs::read(dir.join(EDGE_FILE)).expect("is readable"), before);
    let fewer = fs::read_to_string(dir.join("origin-acme.json")).expect("is readable");
    let fewer: Vec<&str> = fewer.lines().filter(|line| !line.contains("origin-to-partner")).collect();
    fs::write(dir.join("origin-acme.json"), fewer.join("\n").replace("},\n]", "}\n]")).expect("is writable");
    assert!(!complete(&["acme"]));
    fs::remove_dir_all(dir).expect("is ours");
}
