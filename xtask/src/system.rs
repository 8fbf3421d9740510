//! The whole system on this machine: edge, origins, and the sandbox's operators and partner, as real processes on real
//! ports. `dev` runs one for a person, `test` one for the browser journeys; they differ by their plan.

mod config;
mod operators;
mod plan;
pub(crate) mod ports;
mod program;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

pub(crate) use config::read_edge_secrets;
pub(crate) use operators::{ACME, LOCAL_ACME, NOVA, Operator, TAXES};
pub(crate) use plan::{EdgeBuild, OperatorPlan, PARTNER, Plan, SystemFolder};

use crate::child::{new_command, npm_command, run_on_terminal};
use crate::clock::{Stopwatch, is_stop_requested, sleep_milliseconds};
use crate::failure::{Failure, Outcome};
use crate::progress::Step;
use crate::{edge, keys, paths};
use program::{Files, Program};

/// The folder of the system that `dev` starts and `call` talks to.
pub(crate) const LOCAL_FOLDER: SystemFolder = SystemFolder("dev");

/// Ends a start that hangs. Wrangler is the slowest, with a few seconds, or a minute on a machine with much to do.
const READY_WITHIN: Duration = Duration::from_mins(5);
const LOOK_MILLISECONDS: u64 = 100;

/// A running system. Dropping it ends all of its programs.
pub(crate) struct System {
    programs: Vec<Program>,
}

impl System {
    /// Makes missing keys and ledgers, writes the configuration, imports the accounts, starts all programs and waits until they are
    /// healthy. The programs must have been built.
    pub(crate) fn start(plan: &Plan) -> Outcome<Self> {
        ports::check_ports_free(&plan.ports())?;
        make_keys(plan)?;
        config::write_config_files(plan)?;
        for operator_plan in &plan.operators {
            begin_ledger(plan, operator_plan)?;
            import_accounts(plan, operator_plan)?;
        }
        let files = Files::create(plan.folder.dir().join("logs"), plan.down_dir())?;
        let mut system = Self { programs: Vec::new() };
        for (name, url, command) in program_commands(plan)? {
            system.programs.push(Program::start(&name, url, command, &files)?);
        }
        system.wait_until_healthy()?;
        Ok(system)
    }

    fn wait_until_healthy(&mut self) -> Outcome {
        let mut step = Step::start("starting the programs");
        let since = Stopwatch::start();
        let mut waiting: Vec<usize> = (0..self.programs.len()).collect();
        let verdict = loop {
            if let Err(ended) = self.check_programs() {
                break Err(ended);
            }
            waiting.retain(|&n| !self.programs[n].is_healthy());
            let Some(&slowest) = waiting.first() else { break Ok(()) };
            if since.elapsed() > READY_WITHIN {
                break Err(self.programs[slowest].unhealthy_failure(READY_WITHIN));
            }
            step.tick(|| {
                waiting.iter().map(|&n| self.programs[n].name.as_str()).collect::<Vec<_>>().join(", ")
            });
            sleep_milliseconds(LOOK_MILLISECONDS);
        };
        if verdict.is_ok() {
            step.done();
        } else {
            step.failed();
        }
        verdict
    }

    /// Checks every program. Fails when one has ended by itself, or when xtask was asked to stop.
    pub(crate) fn check_programs(&mut self) -> Outcome {
        if is_stop_requested() {
            return Err(Failure::interrupted());
        }
        self.programs.iter_mut().try_for_each(Program::check)
    }

    /// Runs until xtask is stopped, which is the normal end, or until a program ends by itself.
    pub(crate) fn run(mut self) -> Outcome {
        loop {
            match self.check_programs() {
                Ok(()) => sleep_milliseconds(LOOK_MILLISECONDS),
                Err(_) if is_stop_requested() => return Ok(()),
                Err(ended) => return Err(ended),
            }
        }
    }
}

impl Drop for System {
    fn drop(&mut self) {
        self.programs.iter().for_each(Program::request_end);
    }
}

/// Makes new keys when any key is missing. New keys cannot open what the old ones sealed, so the databases and the edge's
/// store are removed with the old keys.
pub(crate) fn make_keys(plan: &Plan) -> Outcome {
    let (keys_dir, partners) = (plan.folder.keys_dir(), [plan::PARTNER]);
    let operators: Vec<&str> = plan.operators.iter().map(|operator_plan| operator_plan.operator.id).collect();
    if keys::are_key_sets_complete(&operators, &partners, &keys_dir)? {
        return Ok(());
    }
    plan.remove_state();
    // Usually there are none.
    let _ = fs::remove_dir_all(&keys_dir);
    keys::write_key_sets(&operators, &partners, &keys_dir).map(|_| ())
}

/// Begins the ledger of an origin that has none yet.
fn begin_ledger(plan: &Plan, operator_plan: &OperatorPlan) -> Outcome {
    if operator_plan.postgres.is_none() && plan.database(operator_plan).exists() {
        return Ok(());
    }
    let operator = operator_plan.operator;
    let mut init = origin_command(plan, operator_plan);
    init.arg("init");
    run_on_terminal(
        &format!("beginning the ledger of {}", operator.name),
        &format!("init-{}.log", operator.id),
        &mut init,
    )
}

fn import_accounts(plan: &Plan, operator_plan: &OperatorPlan) -> Outcome {
    let mut import = origin_command(plan, operator_plan);
    import.arg("import-accounts").arg(&operator_plan.accounts);
    let id = operator_plan.operator.id;
    run_on_terminal(
        &format!("importing the accounts of {}", operator_plan.operator.name),
        &format!("import-{id}.log"),
        &mut import,
    )
}

fn origin_command(plan: &Plan, operator_plan: &OperatorPlan) -> Command {
    let mut origin = new_command(paths::built_program("onbill-origin"));
    origin.arg("--config").arg(plan.config_file(&operator_plan.origin_name()));
    origin
}

fn sandbox_command(role: &str, config: &Path) -> Command {
    let mut sandbox = new_command(paths::built_program("onbill-sandbox"));
    sandbox.arg(role).arg("--config").arg(config);
    sandbox
}

/// Name, base URL and command of each program. Programs that others call come first.
fn program_commands(plan: &Plan) -> Outcome<Vec<(String, String, Command)>> {
    let mut commands = Vec::new();
    for operator_plan in &plan.operators {
        let mut origin = origin_command(plan, operator_plan);
        origin.arg("serve");
        commands.push((operator_plan.origin_name(), operator_plan.origin_url(), origin));
        let config = plan.config_file(&operator_plan.site_name());
        commands.push((
            operator_plan.site_name(),
            operator_plan.site_url(),
            sandbox_command("operator", &config),
        ));
    }
    let config = plan.config_file(plan::PARTNER);
    commands.push((plan::PARTNER.to_owned(), plan.partner_url(), sandbox_command("netflix", &config)));
    commands.push((plan::EDGE.to_owned(), plan.edge_url(), wrangler_command(plan)?));
    Ok(commands)
}

/// Runs the edge in workerd with a local key-value store. It reads wrangler.toml; what depends on ports and keys comes from
/// an env file, which overrides `[vars]` and `.dev.vars`.
fn wrangler_command(plan: &Plan) -> Outcome<Command> {
    let mut wrangler = npm_command("wrangler");
    wrangler.args(["dev", "--local", "--ip", "127.0.0.1", "--inspector-port", "0"]);
    wrangler.args(["--show-interactive-dev-session", "false", "--port", &plan.edge.to_string()]);
    wrangler.arg("--env-file").arg(plan.config_file(plan::EDGE));
    wrangler.arg("--persist-to").arg(plan.kv_dir());
    if plan.edge_build == EdgeBuild::Frozen {
        // A test run uses one build from start to end, also when the sources change meanwhile.
        wrangler.arg("--config").arg(edge::copy_edge(&plan.folder.dir().join("edge"), None)?);
    }
    silence_wrangler(&mut wrangler);
    Ok(wrangler)
}

/// Turns off questions, telemetry and colours.
pub(crate) fn silence_wrangler(wrangler: &mut Command) {
    wrangler.envs([
        ("WRANGLER_SEND_METRICS", "false"),
        ("WRANGLER_SEND_ERROR_REPORTS", "false"),
        ("WRANGLER_HIDE_BANNER", "true"),
        ("CLOUDFLARE_CF_FETCH_ENABLED", "false"),
        ("NO_COLOR", "1"),
    ]);
}
