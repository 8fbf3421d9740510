//! `config check`, the other ways to name a configuration, and what the command line says of itself.

use crate::crash_system::{CrashSystem, DbKind};
use onbill_origin::store::SCHEMA_VERSION;
use onbill_test_harness::origin_process::bare_program;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

fn run(mut command: Command) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    (status.code(), String::from_utf8([stdout, stderr].concat()).expect("is text"))
}

fn check(mut command: Command, more: &[&str]) -> (Option<i32>, String) {
    command.args(["config", "check"]).args(more);
    run(command)
}

#[tokio::test(flavor = "multi_thread")]
async fn check_shows_what_is_there_and_what_is_in_effect() {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let keys = system.folder().join("keys.json");
    let set_mode = |mode| {
        std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(mode)).expect("is ours");
    };
    // Billing answers in the place of the edge, too.
    let edge = system.billing.url.clone();
    set_mode(0o600);
    let (code, said) = check(system.command_line_with_edge(&edge), &[]);
    assert_eq!(code, Some(0), "{said}");
    for line in [
        "✓ keys ",
        "✓ database: can be read, and its schema is current",
        "✓ edge_url http://127.0.0.1:",
        "✓ bss_url http://127.0.0.1:",
        "4 looked at, 0 wrong.",
        "# In effect:",
        "hand_off_seconds = 5",
        "[telemetry]",
        "sample_ratio = 1.0",
    ] {
        assert!(said.contains(line), "{line} in\n{said}");
    }
    set_mode(0o644);
    let (code, said) = check(system.command_line(), &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("✗ edge_url https://pay.example/healthz: "), "{said}");
    assert!(said.contains("keys.json: its mode is 644") && said.contains("2 wrong"), "{said}");
    let (code, said) = check(system.command_line(), &["--offline"]);
    assert!(code == Some(0) && !said.contains("edge_url https://pay.example/healthz"), "{said}");
    assert!(said.contains("edge_url = \"https://pay.example\""), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_looks_at_the_alarm_webhook_and_shows_no_token() {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let alarms = "alarms = { webhook = \"http://127.0.0.1:1/T0/token\", webhook_secret_file = \"/no/such\" }";
    let command = system.command_line_replacing("country = \"US\"", &format!("country = \"US\"\n{alarms}"));
    let (code, said) = check(command, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("✗ alarms.webhook http://127.0.0.1:1/***: "), "{said}");
    assert!(said.contains("✗ alarms.webhook_secret_file: ") && !said.contains("token"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_and_serve_list_every_mistake() {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let broken =
        || system.command_line_replacing("country = \"US\"", "country = \"ZZ\"\nhand_of_seconds = 5");
    let (code, said) = check(broken(), &[]);
    assert_eq!(code, Some(1), "{said}");
    let mistakes = |said: &str| {
        for mistake in [
            "command-line.toml:4:1: country is not an ISO 3166 code",
            "command-line.toml:5:1: there is no setting hand_of_seconds: did you mean hand_off_seconds?",
        ] {
            assert!(said.contains(mistake), "{mistake} in\n{said}");
        }
    };
    mistakes(&said);
    for verb in ["serve", "outbox"] {
        let mut command = broken();
        command.arg(verb).args((verb == "outbox").then_some("list"));
        let (code, said) = run(command);
        assert_eq!(code, Some(2), "{said}");
        mistakes(&said);
    }
}

#[test]
fn configuration_is_named_by_argument_environment_or_default() {
    for (name, file) in
        [(None, "/etc/onbill/origin.toml"), (Some("/no/such/file.toml"), "/no/such/file.toml")]
    {
        let mut program = bare_program();
        program.env_remove("ONBILL_CONFIG");
        if let Some(name) = name {
            program.env("ONBILL_CONFIG", name);
        }
        let (code, said) = check(program, &["--offline"]);
        assert!(code == Some(2) && said.contains(&format!("{file} cannot be read")), "{code:?} {said}");
    }
    let mut program = bare_program();
    program.env("ONBILL_CONFIG", "/no/such/file.toml").args(["--config", "/no/other.toml"]);
    assert!(check(program, &[]).1.contains("/no/other.toml cannot be read"));
}

#[test]
fn command_line_describes_itself() {
    for shell in ["bash", "zsh", "fish"] {
        let mut program = bare_program();
        program.args(["completions", shell]);
        let (code, said) = run(program);
        assert!(
            code == Some(0) && said.contains("onbill-origin") && said.contains("redrive"),
            "{shell}: {said}"
        );
    }
    let folder = std::env::temp_dir().join(format!("onbill-man-{}", std::process::id()));
    let mut program = bare_program();
    program.arg("man").arg("--out").arg(&folder);
    assert_eq!(run(program).0, Some(0));
    for page in
        ["onbill-origin", "onbill-origin-serve", "onbill-origin-config-check", "onbill-origin-outbox-list"]
    {
        let text = std::fs::read_to_string(folder.join(format!("{page}.1"))).expect("there is a page");
        assert!(text.contains(".SH NAME"), "{text}");
    }
    std::fs::remove_dir_all(&folder).expect("is ours");
}

/// Each verb, and not only those that write, looks first whether the ledger is the one of its configuration.
#[tokio::test(flavor = "multi_thread")]
async fn each_verb_refuses_the_ledger_of_another_configuration() {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let list = system.write_file("partner.csv", "pai,state\n").to_string_lossy().into_owned();
    let verbs: [&[&str]; 14] = [
        &["serve"],
        &["migrate"],
        &["migrate", "--plan"],
        &["kv-sync", "--dry-run"],
        &["switch", "compare", "--partner", "netflix", "--partner-file", &list],
        &["switch", "back", "--partner", "netflix"],
        &["switch", "check", &list],
        &["correlate", "--partner-file", &list],
        &["alarms"],
        &["outbox", "list"],
        &["audit", "verify"],
        &["coupons", "list"],
        &["close-pai", "netflix", "ENT1", "account-closed-fraud"],
        &["rotate-keys"],
    ];
    let difference = "the ledger was begun with another source of accounts";
    let command = || system.command_line_replacing(r#"accounts = "table""#, r#"accounts = "csp""#);
    for words in verbs {
        let mut command = command();
        command.args(words);
        let (code, said) = run(command);
        assert_eq!(code, Some(2), "{words:?}: {said}");
        assert!(said.contains(difference), "{words:?}: {said}");
    }
    let (code, said) = check(command(), &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("✗ database: {difference}")), "{said}");
    // Whose ledger it is does not hang on its schema.
    let ledger = rusqlite::Connection::open(system.db.path()).expect("opens");
    let newer = SCHEMA_VERSION + 1;
    let another_schema = format!(
        "INSERT INTO migrations (number, served_from, onbill) VALUES ({newer}, {SCHEMA_VERSION}, '99.0.0');
         PRAGMA user_version = {newer};"
    );
    ledger.execute_batch(&another_schema).expect("is SQL");
    drop(ledger);
    let (code, said) = check(command(), &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("✗ database: {difference}")), "{said}");
    let mut plan = command();
    plan.args(["migrate", "--plan"]);
    let (code, said) = run(plan);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains(difference), "{said}");

    // A ledger in which no customer has signed up stays its own, too.
    for ending in ["", "-wal", "-shm"] {
        // The origin has ended, and the last two may be gone.
        let _ = std::fs::remove_file(format!("{}{ending}", system.db.path().display()));
    }
    let mut init = system.command_line();
    init.arg("init");
    assert_eq!(run(init).0, Some(0));
    let account =
        "msisdn,status,type,balance,currency,activated_on\n+12025550101,active,postpaid,,,2021-03-14\n";
    let accounts = system.write_file("one-account.csv", account);
    let import = |mut command: Command| {
        command.arg("import-accounts").arg(&accounts);
        run(command)
    };
    let (code, said) = import(command());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains(difference) && said.contains("No customer has signed up in it"), "{said}");
    let (code, said) = import(system.command_line());
    assert_eq!(code, Some(0), "{said}");
}
