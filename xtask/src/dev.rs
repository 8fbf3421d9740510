//! `cargo xtask dev`: everything built, started, and explained to a newcomer; ends with Ctrl-C.

mod demo_numbers;
mod dev_vars;
mod incumbent;

use std::path::{self, Path};

use onbill_domain::refusal_detail::{Ineligibility, Suspension};

use crate::child::{cargo_command, run_logged};
use crate::clock::{Stopwatch, format_duration, read_today};
use crate::edge;
use crate::failure::{Failure, Outcome};
use crate::lock::Lock;
use crate::system::{
    ACME, EdgeBuild, LOCAL_ACME, LOCAL_FOLDER, OperatorPlan, Plan, System, make_keys, ports,
};
use crate::{paths, setup};
use incumbent::IncumbentFiles;

/// Builds and starts the local system, and runs it until Ctrl-C.
///
/// The sandbox keeps its state in memory. An origin that remembered more than the sandbox would report customers as
/// subscribed whom Netflix has never seen, so its database and the edge's store start empty too, unless `keep` is set.
/// With `incumbent`, the files of another system are there, to be switched from.
pub(crate) fn run_local_system(accounts: Option<&Path>, keep: bool, incumbent: bool) -> Outcome {
    let since = Stopwatch::start();
    let plan = plan_local_system(accounts);
    let [operator_plan] = &plan.operators[..] else {
        return Err(Failure::new("the local system has one operator"));
    };
    let demo = demo_numbers::read_demo_numbers(&operator_plan.accounts, ACME.price)?;
    // Checked before the build, which can take minutes.
    let lock = Lock::try_acquire("dev")?;
    let _lock =
        lock.ok_or_else(|| Failure::new("another `cargo xtask dev` runs in this tree: end that first"))?;
    ports::check_ports_free(&plan.ports())?;
    setup::install_everything()?;
    build_programs(plan.edge_build)?;
    if !keep {
        plan.remove_state();
    }
    let system = System::start(&plan)?;
    dev_vars::update_secrets(&plan)?;
    let files = incumbent.then(|| IncumbentFiles::write(&plan, operator_plan, read_today())).transpose()?;
    if let Some(files) = &files {
        files.bill_first_charge(&plan, operator_plan)?;
    }
    println!("{}", format_welcome(&plan, operator_plan, &demo));
    if let Some(files) = &files {
        let origin = paths::target_dir().join("debug/onbill-origin");
        let config = plan.config_file(&operator_plan.origin_name());
        println!("{}", files.format_steps(&origin, &config, format_path).join("\n"));
    }
    eprintln!("\nReady after {}. Ctrl-C ends everything.", format_duration(since.elapsed()));
    system.run()?;
    eprintln!("\nEnded everything.");
    Ok(())
}

/// Writes local keys for a bare `npx wrangler dev`, unless `.dev.vars` already has the edge's secrets.
pub(crate) fn provide_local_keys() -> Outcome {
    if dev_vars::has_secrets() {
        return Ok(());
    }
    let plan = plan_local_system(None);
    make_keys(&plan)?;
    dev_vars::update_secrets(&plan)
}

/// Builds the programs that a system runs.
pub(crate) fn build_programs(edge: EdgeBuild) -> Outcome {
    let mut programs = cargo_command();
    programs.args([
        "build",
        "--locked",
        "--bin",
        "onbill-origin",
        "--bin",
        "onbill-sandbox",
        "--bin",
        "onbill",
    ]);
    run_logged("building the origin, the sandbox and the tool", "build.log", &mut programs)?;
    edge::build_if_changed(edge.profile())
}

/// Plans one operator, on the addresses that the quickstart names.
pub(crate) fn plan_local_system(accounts: Option<&Path>) -> Plan {
    // Programs run at the repository root, but the path was typed in the current directory.
    let named = accounts.map(|file| path::absolute(file).unwrap_or_else(|_| file.to_owned()));
    let accounts = named.unwrap_or_else(|| paths::repository_root().join(ACME.accounts));
    let operator_plan = OperatorPlan {
        operator: &LOCAL_ACME,
        origin: 8788,
        admin: Some(9464),
        site: 8790,
        smsc: Some(8793),
        console: Some(9465),
        accounts,
        postgres: None,
    };
    Plan {
        folder: LOCAL_FOLDER,
        edge_build: EdgeBuild::Watched,
        edge: 8787,
        partner: 8791,
        operators: vec![operator_plan],
    }
}

fn format_welcome(plan: &Plan, operator_plan: &OperatorPlan, demo: &[demo_numbers::DemoNumber]) -> String {
    let (site, partner) = (operator_plan.site_url(), plan.partner_url());
    let entry = |path: &str, what: &str| format!("  {path:<32} {what}");
    let mut lines = vec![
        format!("\n{}", operator_plan.operator.name),
        entry(&format!("{site}/"), "the dashboard: pay for Netflix on the phone bill"),
        entry(&format!("{site}/plans"), "the same paid ahead: buy a code, for yourself or as a gift"),
        entry(&format!("{site}/sms"), "text messages: PINs and codes arrive here"),
        entry(&format!("{site}/bill"), "the bill"),
        entry(&format!("{site}/playground"), "every state, language and look of the widget"),
        "Netflix".to_owned(),
        entry(&format!("{partner}/app"), "the app on a device, which reads its SIM"),
        entry(&format!("{partner}/redeem"), "enter a code that was bought"),
        entry(&format!("{partner}/accounts"), "who subscribed"),
        entry(&format!("{partner}/billing-runs"), "charge a month"),
        "onbill".to_owned(),
        entry(&plan.edge_url(), "the edge (an API and the widget)"),
        entry(&operator_plan.origin_url(), "the origin (an API)"),
    ];
    lines.extend(
        operator_plan.console_url().map(|url| entry(&url, "the console: sign in at any desk with one click")),
    );
    lines.extend(operator_plan.metrics_url().map(|url| entry(&url, "the origin's metrics")));
    lines.push("\nNumbers to try".to_owned());
    lines.extend(demo.iter().map(|demo| entry(&demo.spell(), &demo.description)));
    lines.extend(demo.first().map(|demo| format_reasons(&site, &demo.msisdn)));
    let (down, logs) = (format_path(&plan.down_dir()), format_path(&plan.folder.dir().join("logs")));
    lines.push("\nMore".to_owned());
    lines.extend([
        "  cargo xtask call GET /ott/v1/transaction/unknown".to_owned(),
        format!("  touch {down}/netflix    an outage; rm ends it (also: origin-acme, operator-acme)"),
        format!("  tail -f {logs}/*.log"),
    ]);
    lines.join("\n")
}

/// How to make the operator refuse a number, with each reason that it can have.
fn format_reasons(site: &str, msisdn: &str) -> String {
    let answer = |member: &str, word: &str| {
        format!("  curl -d '{{\"msisdn\":\"{msisdn}\"{member}{word}}}' {site}/account-answers")
    };
    let words = |words: &[&str]| words.join(", ");
    [
        format!("\nMake the operator refuse {msisdn}, or any other: sign-ups and charges"),
        answer(",\"reason\":", "\"minor\""),
        format!("    reason      {}", words(&Ineligibility::ALL.map(Ineligibility::as_str))),
        format!("    suspension  {}", words(&Suspension::ALL.map(Suspension::as_str))),
        "    spendable   {\"value\":100,\"currency\":\"USD\"}".to_owned(),
        answer("", "") + "    as before",
    ]
    .join("\n")
}

/// Shows a path relative to the repository root where possible: shorter to read and to type.
fn format_path(path: &Path) -> String {
    path.strip_prefix(paths::repository_root()).unwrap_or(path).display().to_string()
}
