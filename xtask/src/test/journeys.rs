//! Runs the browser journeys: starts an empty system with two operators on one edge, and tests/browser/run.mjs against it,
//! or that of tests/browser/firefox/.
//! The journeys themselves are in that folder.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::arguments::TestPart;
use crate::child::end_process_group;
use crate::clock::sleep_milliseconds;
use crate::failure::{Context, Failure, Outcome};
use crate::lock::Lock;
use crate::postgres::Postgres;
use crate::setup::node_command;
use crate::system::{
    ACME, EdgeBuild, NOVA, Operator, OperatorPlan, Plan, System, SystemFolder, TAXES, ports,
};
use crate::{dev, edge, paths};

const SCRIPT: &str = "tests/browser/run.mjs";
const FIREFOX_SCRIPT: &str = "tests/browser/firefox/run.mjs";
const FOLDER: SystemFolder = SystemFolder("test");
/// The build that is tested is the one that would be deployed.
const EDGE_BUILD: EdgeBuild = EdgeBuild::Frozen;
const LOOK_MILLISECONDS: u64 = 50;

/// Starts a system beside any that already runs, and runs the script against it. The programs are there when the tests
/// have run.
pub(crate) fn run_journeys(part: TestPart) -> Outcome {
    let script = if part == TestPart::Firefox { FIREFOX_SCRIPT } else { SCRIPT };
    let is_on_postgres = part == TestPart::BrowserOnPostgres;
    if !paths::repository_root().join(script).is_file() {
        return Err(Failure::new(format!("{script} is missing: there are no browser journeys to run")));
    }
    let _lock = Lock::acquire("browser-journeys")?;
    if part == TestPart::All {
        edge::build_if_changed(EDGE_BUILD.profile())?;
    } else {
        dev::build_programs(EDGE_BUILD)?;
    }
    // State of the last run must not affect this one. There may be none.
    let _ = fs::remove_dir_all(FOLDER.dir());
    let postgres = if is_on_postgres { Some(Postgres::provide()?) } else { None };
    let plan = plan_test_system(postgres.as_ref().map(Postgres::url))?;
    let system = System::start(&plan)?;
    let output = FOLDER.dir().join("browser");
    fs::create_dir_all(&output).context(&format!("make {}", output.display()))?;
    let mut command = script_command(&plan, script, &output);
    command.env("ONBILL_DATABASE", if is_on_postgres { "postgres" } else { "sqlite" });
    let result = run_script(system, script, &mut command);
    result.inspect_err(|_| println!("The programs' logs are in {}", FOLDER.dir().join("logs").display()))
}

/// The operator whose console the journeys open has its ledger in PostgreSQL, if there is one. The other's is in a
/// file, because a database has one ledger.
fn plan_test_system(postgres: Option<&str>) -> Outcome<Plan> {
    let [edge, partner, acme_origin, acme_site, acme_smsc, acme_console, nova_origin, nova_site] =
        ports::find_free_ports()?;
    let plan_operator = |operator: &'static Operator, origin, site, smsc, console: Option<u16>| {
        let accounts = paths::repository_root().join(operator.accounts);
        let postgres = postgres.filter(|_| console.is_some()).map(str::to_owned);
        OperatorPlan { operator, origin, admin: None, site, smsc, console, accounts, postgres }
    };
    // One operator sends SMS by SMPP and one by the CSP API, so that the journeys cover both.
    let operator_plans = vec![
        plan_operator(&ACME, acme_origin, acme_site, Some(acme_smsc), Some(acme_console)),
        plan_operator(&NOVA, nova_origin, nova_site, None, None),
    ];
    Ok(Plan { folder: FOLDER, edge_build: EDGE_BUILD, edge, partner, operators: operator_plans })
}

/// Runs a script, with the addresses in its environment.
fn script_command(plan: &Plan, script: &str, output: &Path) -> Command {
    let mut command = node_command();
    command.arg(script).stdout(Stdio::inherit()).stderr(Stdio::inherit());
    command.env("ONBILL_EDGE_URL", plan.edge_url()).env("ONBILL_NETFLIX_URL", plan.partner_url());
    command.env("ONBILL_OPERATORS", operators_json(plan).to_string());
    command
        .env("ONBILL_KEYS", FOLDER.keys_dir())
        .env("ONBILL_TOOL", paths::built_program("onbill"))
        .env("ONBILL_DOWN", plan.down_dir())
        .env("ONBILL_OUT", output);
    command
}

fn operators_json(plan: &Plan) -> Value {
    let operator = |operator_plan: &OperatorPlan| {
        let operator = operator_plan.operator;
        json!({ "id": operator.id, "name": operator.name, "country": operator.country, "currency": operator.currency,
            "dashboard": operator_plan.site_url(), "origin": operator_plan.origin_url(), "accounts": operator.accounts,
            "console": operator_plan.console_url(),
            "agreement": agreement_json(operator_plan), "terms": operator.terms.map(|(_, file)| file) })
    };
    plan.operators.iter().map(operator).collect()
}

/// What customers of the operator agree to, beside the words.
fn agreement_json(operator_plan: &OperatorPlan) -> Value {
    let (operator, site) = (operator_plan.operator, operator_plan.site_url());
    let price = json!({ "value": operator.price, "currency": operator.currency });
    match operator.terms {
        None => json!({ "price": price }),
        Some(_) => json!({ "price": price, "taxes": TAXES, "termsURL": format!("{site}/terms"),
            "privacyURL": format!("{site}/privacy"), "accountURL": format!("{site}/subscriptions") }),
    }
}

/// Runs the script, and fails early when a program of the system ends.
fn run_script(mut system: System, script: &str, command: &mut Command) -> Outcome {
    let mut child = command.spawn().context(&format!("start {script}"))?;
    let result = loop {
        match child.try_wait().context(&format!("wait for {script}")) {
            Ok(Some(status)) if status.success() => break Ok(()),
            Ok(Some(status)) => break Err(Failure::new(format!("the browser journeys failed ({status})"))),
            Err(failure) => break Err(failure),
            Ok(None) => {}
        }
        if let Err(ended) = system.check_programs() {
            break Err(ended);
        }
        sleep_milliseconds(LOOK_MILLISECONDS);
    };
    end_process_group(&mut child);
    result
}
