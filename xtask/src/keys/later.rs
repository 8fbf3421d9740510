//! Keys that are made later, from the edge's root key: those of another operator, of another epoch, and the next root key
//! itself. Nobody else's keys change.

use std::path::{Path, PathBuf};

use onbill_domain::encoding::encode_base64url;
use onbill_domain::ids::OperatorId;
use onbill_domain::key::KeyUse;
use onbill_domain::root_key::{DERIVED_USES, KeyEpoch, RootKey, derive_operator_keys};
use serde_json::{Value, json};

use super::edge_secrets::{EdgeSecrets, make_root_key, next_root_id};
use super::entries::{make_operator_entries, make_webhook_key, sort_into_files};
use super::files::{KeyFile, origin_file, write_edge_secrets, write_new_files};
use crate::failure::{Context, Failure, Outcome};

/// Writes the key sets of further operators of an edge, and for each partner of the edge the keys that it has to add.
pub(crate) fn write_operator_sets(edge: &Path, operators: &[String], out: &Path) -> Outcome<Vec<PathBuf>> {
    let secrets = EdgeSecrets::read(edge)?;
    let roots = secrets.roots()?;
    let [root] = &roots[..] else {
        return Err(Failure::new(
            "the file has two root keys: name one by --epoch, after the operator is there",
        ));
    };
    let epoch = KeyEpoch::first(root);
    let mut files = Vec::new();
    for operator in operators {
        files.extend(make_operator_files(&secrets, operator, &epoch)?);
    }
    let written = write_new_files(files, out)?;
    println!("The keys with the edge are those of \"key_epochs\": [\"{epoch}\"] in the entry.");
    Ok(written)
}

fn make_operator_files(secrets: &EdgeSecrets, operator: &str, epoch: &KeyEpoch) -> Outcome<Vec<KeyFile>> {
    let roots = secrets.roots()?;
    let partner_calls: Vec<Value> = secrets
        .partner_keys()?
        .into_iter()
        .filter(|key| key["use"] == KeyUse::PartnerCall.as_str())
        .collect();
    let mut entries = make_operator_entries(operator)?;
    let mut partners = Vec::new();
    for key in &partner_calls {
        let partner = key["party"].as_str().and_then(|party| party.strip_prefix("partner:"));
        let partner =
            partner.ok_or_else(|| Failure::new("PARTNER_KEYS has a key without a partner"))?.to_owned();
        if !partners.contains(&partner) {
            partners.push(partner);
        }
    }
    for partner in &partners {
        entries.push(make_webhook_key(operator, partner, &added_partner_file(partner, operator))?);
    }
    let mut files = sort_into_files(entries);
    let origin = origin_file(operator);
    for file in files.iter_mut().filter(|file| file.name == origin) {
        file.keys.splice(0..0, derive_entries(&roots, operator, epoch)?);
        file.keys.extend(partner_calls.iter().cloned());
    }
    Ok(files)
}

/// Writes what the origins of these operators have to add for another epoch.
pub(crate) fn write_epoch(
    edge: &Path,
    operators: &[String],
    epoch: &KeyEpoch,
    out: &Path,
) -> Outcome<Vec<PathBuf>> {
    let roots = EdgeSecrets::read(edge)?.roots()?;
    let file = |operator: &String| {
        let keys = derive_entries(&roots, operator, epoch)?;
        Ok(KeyFile { name: format!("origin-{operator}-{epoch}.json"), keys })
    };
    write_new_files(operators.iter().map(file).collect::<Outcome<_>>()?, out)
}

/// Writes the next root key into a file of its own.
pub(crate) fn write_next_root(edge: &Path, out: &Path) -> Outcome<PathBuf> {
    let roots = EdgeSecrets::read(edge)?.roots()?;
    let [root] = &roots[..] else {
        return Err(Failure::new(format!("{} has two root keys already", edge.display())));
    };
    let secrets = EdgeSecrets::next_root(make_root_key(&next_root_id(root)?)?);
    write_edge_secrets(&out.join("edge-next.json"), &secrets)
}

/// The entries of an origin's ring for one epoch.
pub(super) fn derive_entries(roots: &[RootKey], operator: &str, epoch: &KeyEpoch) -> Outcome<Vec<Value>> {
    let id = OperatorId::parse(operator);
    let id = id.ok_or_else(|| Failure::new(format!("{operator:?} is not the name of an operator")))?;
    let ring = derive_operator_keys(roots, &id, std::slice::from_ref(epoch)).context("derive the keys")?;
    let keys = DERIVED_USES.iter().flat_map(|key_use| ring.keys_for_use(*key_use));
    let entry = |key: &onbill_domain::key::Key| {
        let secret = encode_base64url(key.secret().unwrap_or_default());
        json!({ "id": key.id, "party": key.party.as_str(), "use": key.key_use.as_str(), "alg": "hmac-sha256", "secret": secret })
    };
    Ok(keys.map(entry).collect())
}

fn added_partner_file(partner: &str, operator: &str) -> String {
    format!("partner-{partner}-{operator}.json")
}
