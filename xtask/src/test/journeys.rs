//! The browser journeys: a fresh system with two operators on one edge, and tests/browser/run.mjs walking through it.
//! What the journeys are and what must be true on the way is in that folder.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::child::end_process_group;
use crate::clock::sleep_milliseconds;
use crate::failure::{Context, Failure, Outcome};
use crate::lock::Lock;
use crate::setup::node_command;
use crate::system::{ACME, EdgeBuild, NOVA, Operator, SystemFolder, Plan, OperatorPlan, System, ports};
use crate::{dev, paths};

const SCRIPT: &str = "tests/browser/run.mjs";
const FOLDER: SystemFolder = SystemFolder("test");
/// What will be deployed is what is tested.
const EDGE_BUILD: EdgeBuild = EdgeBuild::Frozen;
const LOOK_MILLISECONDS: u64 = 50;

/// Starts a system of its own, beside any that runs, and hands it to the script.
pub(crate) fn run_journeys() -> Outcome {
    if !paths::repository_root().join(SCRIPT).is_file() {
        return Err(Failure::new(format!("{SCRIPT} is missing: there are no browser journeys to run")));
    }
    let _lock = Lock::acquire("browser-journeys")?;
    dev::build_programs(EDGE_BUILD)?;
    // Nothing of the last run may help or hinder this one. There may have been none.
    let _ = fs::remove_dir_all(FOLDER.dir());
    let plan = plan_test_system()?;
    let system = System::start(&plan)?;
    let output = FOLDER.dir().join("browser");
    fs::create_dir_all(&output).context(&format!("make {}", output.display()))?;
    let verdict = run_script(system, &mut script_command(&plan, &output));
    verdict.inspect_err(|_| println!("The programs' logs are in {}", FOLDER.dir().join("logs").display()))
}

fn plan_test_system() -> Outcome<Plan> {
    let [edge, partner, acme_origin, acme_site, acme_smsc, nova_origin, nova_site] = ports::find_free_ports()?;
    let seat = |operator: &'static Operator, origin, site, smsc| {
        let accounts = paths::repository_root().join(operator.accounts);
        OperatorPlan { operator, origin, site, smsc, accounts }
    };
    // One operator of each kind, so that both ways of text messages are walked.
    let seats =
        vec![seat(&ACME, acme_origin, acme_site, Some(acme_smsc)), seat(&NOVA, nova_origin, nova_site, None)];
    Ok(Plan { folder: FOLDER, edge_build: EDGE_BUILD, edge, partner, operators: seats })
}

/// The script with the addresses in its environment.
fn script_command(plan: &Plan, output: &Path) -> Command {
    let mut script = node_command();
    script.arg(SCRIPT).stdout(Stdio::inherit()).stderr(Stdio::inherit());
    script.env("ONBILL_EDGE_URL", plan.edge_url()).env("ONBILL_NETFLIX_URL", plan.partner_url());
    script.env("ONBILL_OPERATORS", operators_json(plan).to_string());
    script.env("ONBILL_KEYS", FOLDER.keys_dir()).env("ONBILL_DOWN", plan.down_dir()).env("ONBILL_OUT", output);
    script
}

fn operators_json(plan: &Plan) -> Value {
    let operator = |seat: &OperatorPlan| {
        let operator = seat.operator;
        json!({ "id": operator.id, "name": operator.name, "country": operator.country, "currency": operator.currency,
            "dashboard": seat.site_url(), "origin": seat.origin_url(), "accounts": operator.accounts })
    };
    plan.operators.iter().map(operator).collect()
}

/// Waits for the script's verdict while the system is looked after.
fn run_script(mut system: System, script: &mut Command) -> Outcome {
    let mut child = script.spawn().context(&format!("start {SCRIPT}"))?;
    let verdict = loop {
        match child.try_wait().context(&format!("wait for {SCRIPT}")) {
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
    verdict
}
