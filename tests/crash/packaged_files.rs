//! The files of ops/ that a package ships, held to the program that they are for.

use onbill_test_harness::keys::{self, KeyHolder};
use onbill_test_harness::origin_process::find_program;
use onbill_test_harness::unique_name;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The text with the value of a setting in its place, which it must have.
fn with_setting(text: &str, name: &str, value: &Path) -> String {
    let begin = format!("{name} = ");
    assert_eq!(text.lines().filter(|line| line.starts_with(&begin)).count(), 1, "{name}");
    let setting = format!("{begin}{:?}", value.display().to_string());
    let lines = text.lines().map(|line| if line.starts_with(&begin) { setting.as_str() } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn example_configurations_begin_a_ledger() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("packaged-{}", unique_name()));
    fs::create_dir_all(&folder).expect("the target folder can be written");
    let ring = folder.join("keys.json");
    fs::write(&ring, keys::keyring_json(&KeyHolder::Origin("acme"))).expect("can be written");
    for name in ["examples/origin.toml", "docker/origin.toml"] {
        let database = folder.join(format!("{}.sqlite", name.replace('/', "-")));
        let text = with_setting(&with_setting(&read(name), "keys", &ring), "database", &database);
        // A file has no password.
        let text: String = text
            .lines()
            .filter(|line| !line.starts_with("database_password_file"))
            .collect::<Vec<_>>()
            .join("\n");
        let config = folder.join("origin.toml");
        fs::write(&config, text).expect("can be written");
        let run = Command::new(find_program()).arg("--config").arg(&config).arg("init").output();
        let run = run.expect("the program starts");
        assert!(run.status.success(), "{name}: {}", String::from_utf8_lossy(&run.stderr));
        assert!(database.is_file(), "{name}");
    }
    fs::remove_dir_all(&folder).expect("is ours");
}

#[test]
fn packages_name_the_version_of_the_program() {
    let version = env!("CARGO_PKG_VERSION");
    for (file, line) in [
        ("helm/onbill-origin/Chart.yaml", format!("\nversion: {version}\n")),
        ("helm/onbill-origin/Chart.yaml", format!("\nappVersion: \"{version}\"\n")),
        ("docker/compose.yaml", format!("onbill-origin:${{ONBILL_VERSION:-{version}}}\n")),
    ] {
        assert!(read(file).contains(&line), "{file} lacks {line:?}");
    }
}

#[test]
fn rules_and_service_monitor_name_the_same_labels() {
    let (rules, monitor) =
        (read("prometheus/rules.yml"), read("helm/onbill-origin/templates/servicemonitor.yaml"));
    assert!(rules.contains("max by (job, operator) (up{job=\"onbill\"}) == 0"));
    for relabeling in [
        "{targetLabel: job, replacement: onbill}",
        "{targetLabel: operator, ",
        "{action: labeldrop, regex: \"pod|container|endpoint\"}",
    ] {
        assert!(monitor.contains(relabeling), "{relabeling}");
    }
}

#[test]
fn billing_files_have_a_place_in_every_container() {
    let pod = read("helm/onbill-origin/templates/_pod.tpl");
    assert!(pod.contains("{name: files, mountPath: /var/spool/onbill}") && pod.contains("- name: files\n"));
    assert!(read("helm/onbill-origin/values.yaml").contains("\nfiles:\n  existingClaim: \"\"\n"));
    assert!(read("docker/compose.yaml").contains("# volumes: [\"/srv/billing:/var/spool/onbill\"]\n"));
}

#[test]
fn files_that_compose_mounts_are_in_the_package() {
    let compose = read("docker/compose.yaml");
    let files: Vec<&str> = compose
        .lines()
        .filter_map(|line| Some(line.split_once("{file: ")?.1.trim_end_matches('}')))
        .collect();
    assert!(files.iter().any(|file| file.ends_with("prometheus/rules.yml")), "{files:?}");
    // The secrets are the operator's.
    for file in files.into_iter().filter(|file| !file.starts_with("./secrets/")) {
        assert!(!read(&format!("docker/{file}")).is_empty(), "{file}");
    }
}

#[test]
fn units_differ_in_the_operator_only() {
    let (one, several) = (read("systemd/onbill-origin.service"), read("systemd/onbill-origin@.service"));
    let settings = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    };
    let own = ["TemporaryFileSystem=", "BindPaths=", "BindReadOnlyPaths="];
    let of_one: Vec<String> = settings(&several)
        .into_iter()
        .filter(|line| !own.iter().any(|setting| line.starts_with(setting)))
        .map(|line| line.replace(" of %i", "").replace("/%i", ""))
        .collect();
    assert_eq!(of_one, settings(&one));
    assert!(!several.contains(" init"), "a ledger begins by hand");
}
