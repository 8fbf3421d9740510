//! `cargo xtask dev`: everything built, started, and explained to a newcomer; ends with Ctrl-C.

mod demo_numbers;
mod dev_vars;

use std::path::{self, Path};

use crate::child::{cargo_command, run_logged};
use crate::clock::{Stopwatch, format_duration};
use crate::edge;
use crate::failure::{Failure, Outcome};
use crate::lock::Lock;
use crate::system::{ACME, EdgeBuild, LOCAL_FOLDER, Plan, OperatorPlan, System, make_keys, ports};
use crate::{paths, setup};

/// From nothing to a running system.
///
/// The stand-ins keep what they know in memory. An origin that remembered more than they do would call customers
/// subscribed whom Netflix has never seen, so its books and the edge's store begin empty too, unless `keep` is set.
pub(crate) fn run_local_system(accounts: Option<&Path>, keep: bool) -> Outcome {
    let since = Stopwatch::start();
    let plan = plan_local_system(accounts);
    let [seat] = &plan.operators[..] else { return Err(Failure::new("the local system has one operator")) };
    let demo = demo_numbers::read_demo_numbers(&seat.accounts, ACME.price)?;
    // Before minutes of building, not after.
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
    dev_vars::update_keyring(&plan)?;
    println!("{}", format_welcome(&plan, seat, &demo));
    eprintln!("\nReady after {}. Ctrl-C ends everything.", format_duration(since.elapsed()));
    system.run()?;
    eprintln!("\nEnded everything.");
    Ok(())
}

/// Lets a bare `npx wrangler dev` find keys where nobody has put any yet.
pub(crate) fn provide_local_keys() -> Outcome {
    if dev_vars::has_keyring() {
        return Ok(());
    }
    let plan = plan_local_system(None);
    make_keys(&plan)?;
    dev_vars::update_keyring(&plan)
}

/// The programs that a system runs.
pub(crate) fn build_programs(edge: EdgeBuild) -> Outcome {
    let mut programs = cargo_command();
    programs.args(["build", "--locked", "--bin", "onbill-origin", "--bin", "onbill-sandbox"]);
    run_logged("building the origin and the sandbox", "build.log", &mut programs)?;
    edge::build_if_changed(edge.profile())
}

/// One operator on the addresses that the README names.
pub(crate) fn plan_local_system(accounts: Option<&Path>) -> Plan {
    // Programs run at the root, the person may be elsewhere.
    let named = accounts.map(|file| path::absolute(file).unwrap_or_else(|_| file.to_owned()));
    let accounts = named.unwrap_or_else(|| paths::repository_root().join(ACME.accounts));
    let seat = OperatorPlan { operator: &ACME, origin: 8788, site: 8790, smsc: Some(8793), accounts };
    Plan { folder: LOCAL_FOLDER, edge_build: EdgeBuild::Watched, edge: 8787, partner: 8791, operators: vec![seat] }
}

fn format_welcome(plan: &Plan, seat: &OperatorPlan, demo: &[demo_numbers::DemoNumber]) -> String {
    let (site, partner) = (seat.site_url(), plan.partner_url());
    let place = |path: &str, what: &str| format!("  {path:<32} {what}");
    let mut lines = vec![
        format!("\n{}", seat.operator.name),
        place(&format!("{site}/"), "the dashboard: pay for Netflix on the phone bill"),
        place(&format!("{site}/plans"), "the same paid ahead: buy a code, for yourself or as a gift"),
        place(&format!("{site}/sms"), "text messages: PINs and codes arrive here"),
        place(&format!("{site}/bill"), "the bill"),
        "Netflix".to_owned(),
        place(&format!("{partner}/app"), "the app on a device, which reads its SIM"),
        place(&format!("{partner}/redeem"), "enter a code that was bought"),
        place(&format!("{partner}/accounts"), "who subscribed; billing runs"),
        "onbill".to_owned(),
        place(&plan.edge_url(), "the edge (an API and the widget)"),
        place(&seat.origin_url(), "the origin (an API)"),
        "\nNumbers to try".to_owned(),
    ];
    lines.extend(demo.iter().map(|demo| place(&demo.msisdn, &demo.description)));
    let (down, logs) = (format_path(&plan.down_dir()), format_path(&plan.folder.dir().join("logs")));
    lines.push("\nMore".to_owned());
    lines.extend([
        "  cargo xtask call GET /ott/v1/transaction/unknown".to_owned(),
        format!("  touch {down}/netflix    an outage; rm ends it (also: origin-acme, operator-acme)"),
        format!("  tail -f {logs}/*.log"),
    ]);
    lines.join("\n")
}

/// Relative to the root where it can be: shorter to read and to type.
fn format_path(path: &Path) -> String {
    path.strip_prefix(paths::repository_root()).unwrap_or(path).display().to_string()
}
