//! `cargo xtask dev`: everything built, started, and explained to a newcomer; ends with Ctrl-C.

mod demo_numbers;
mod dev_vars;

use std::path::{self, Path};

use crate::child::{cargo, run};
use crate::clock::{Stopwatch, spoken};
use crate::edge;
use crate::failure::{Failure, Outcome};
use crate::lock::Lock;
use crate::system::{ACME, EdgeBuild, LOCAL, Plan, Seat, System, make_keys, ports};
use crate::{paths, setup};

/// From nothing to a running system.
///
/// The stand-ins keep what they know in memory. An origin that remembered more than they do would call customers
/// subscribed whom Netflix has never seen, so its books and the edge's store begin empty too, unless `keep` is set.
pub(crate) fn run_until_stopped(accounts: Option<&Path>, keep: bool) -> Outcome {
    let since = Stopwatch::start();
    let plan = plan(accounts);
    let [seat] = &plan.seats[..] else { return Err(Failure::new("the local system has one operator")) };
    let demo = demo_numbers::read(&seat.accounts, ACME.price)?;
    // Before minutes of building, not after.
    let lock = Lock::take("dev")?;
    let _lock =
        lock.ok_or_else(|| Failure::new("another `cargo xtask dev` runs in this tree: end that first"))?;
    ports::check_free(&plan.ports())?;
    setup::everything()?;
    build(plan.edge_build)?;
    if !keep {
        plan.forget_state();
    }
    let system = System::start(&plan)?;
    dev_vars::keep(&plan)?;
    println!("{}", welcome(&plan, seat, &demo));
    eprintln!("\nReady after {}. Ctrl-C ends everything.", spoken(since.elapsed()));
    system.run()?;
    eprintln!("\nEnded everything.");
    Ok(())
}

/// Lets a bare `npx wrangler dev` find keys where nobody has put any yet.
pub(crate) fn provide_keys() -> Outcome {
    if dev_vars::has_keyring() {
        return Ok(());
    }
    let plan = plan(None);
    make_keys(&plan)?;
    dev_vars::keep(&plan)
}

/// The programs that a system runs.
pub(crate) fn build(edge: EdgeBuild) -> Outcome {
    let mut programs = cargo();
    programs.args(["build", "--locked", "--bin", "onbill-origin", "--bin", "onbill-sandbox"]);
    run("building the origin and the sandbox", "build.log", &mut programs)?;
    edge::build_if_changed(edge.profile())
}

/// One operator on the addresses that the README names.
pub(crate) fn plan(accounts: Option<&Path>) -> Plan {
    // Programs run at the root, the person may be elsewhere.
    let named = accounts.map(|file| path::absolute(file).unwrap_or_else(|_| file.to_owned()));
    let accounts = named.unwrap_or_else(|| paths::root().join(ACME.accounts));
    let seat = Seat { operator: &ACME, origin: 8788, site: 8790, smsc: Some(8793), accounts };
    Plan { place: LOCAL, edge_build: EdgeBuild::Watched, edge: 8787, partner: 8791, seats: vec![seat] }
}

fn welcome(plan: &Plan, seat: &Seat, demo: &[demo_numbers::Demo]) -> String {
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
    lines.extend(demo.iter().map(|demo| place(&demo.msisdn, &demo.shows)));
    let (down, logs) = (shown(&plan.down()), shown(&plan.place.dir().join("logs")));
    lines.push("\nMore".to_owned());
    lines.extend([
        "  cargo xtask call GET /ott/v1/transaction/unknown".to_owned(),
        format!("  touch {down}/netflix    an outage; rm ends it (also: origin-acme, operator-acme)"),
        format!("  tail -f {logs}/*.log"),
    ]);
    lines.join("\n")
}

/// Relative to the root where it can be: shorter to read and to type.
fn shown(path: &Path) -> String {
    path.strip_prefix(paths::root()).unwrap_or(path).display().to_string()
}
