//! Verbs whose output nobody reads any more, as after `| head -1`: they end quietly.

use crate::coupon_commands::run_coupons;
use crate::crash_system::{CrashSystem, DbKind};
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, PipeWriter, Read as _};
use std::process::Stdio;

/// More lines than a pipe holds (64 KiB), so that a verb notices that its reader has gone.
const COUPONS: usize = 600;

const SETTLEMENT: &str = "\n[[partners]]\nid = \"netflix\"\nsettlement = { model = \"revenue-share\", \
    partner_basis_points = 8000 }\n";

/// A pipe of which nobody reads the other end.
fn closed_pipe() -> PipeWriter {
    let (reader, writer) = std::io::pipe().expect("there is a pipe");
    drop(reader);
    writer
}

/// An origin's database with coupons, each with a dead letter.
async fn system_with_lists() -> CrashSystem {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let mut file = "ext_coupon_id,msisdn,plan,amount,currency,offer,locale\n".to_owned();
    for n in 0..COUPONS {
        writeln!(file, "coupon-{n},{},6M,8999,USD,,", system.people[0].msisdn).expect("a string takes it");
    }
    let file = system.write_file("coupons.csv", &file);
    run_coupons(&system, &["issue".as_ref(), file.as_os_str()]);
    system.db.make_dead_letters().await;
    system
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_end_quietly_when_nobody_reads() {
    let system = system_with_lists().await;
    let days = ["--partner", "netflix", "--from", "2026-10-01", "--to", "2026-10-31"];
    let statement = "kind,extTransactionID,extRefundID,pai,amount_minor,currency,status\n";
    let statement = system.write_file("statement.csv", &format!("{statement}charge,n-1,,,1,USD,APPROVED\n"));
    let extract = system.write_file("extract.csv", "kind,transactionID,refundID,amount_minor,currency\n");
    let files = ["--statement", utf8(&statement), "--billing", utf8(&extract)];
    let empty = system.write_file("empty.csv", "");
    let events = system.write_file("events.csv", "event_id,type,msisdn,new_msisdn,occurred_at\nx,y,z,,\n");
    for verb in [
        &["outbox", "list"][..],
        &["outbox", "list", "--json"],
        &["alarms"],
        &["alarms", "--all", "--json"],
        &["coupons", "list"],
        &["coupons", "list", "--unpaid"],
        &["coupons", "list", "--json"],
        &["coupons", "show", "coupon-1"],
        &["coupons", "show", "unknown"],
        &[&["settlement"][..], &days].concat(),
        &[&["settlement", "--json"][..], &days].concat(),
        &[&["settlement", "--csv"][..], &days].concat(),
        &[&["settlement", "--csv", "--by-charge-code"][..], &days].concat(),
        &[&["reconcile"][..], &days, &files].concat(),
        &["account-events", utf8(&events)],
        &["rotate-keys"],
        &["erase", utf8(&empty)],
        &["close-pai", "netflix", &system.people[1].pai, "account-closed"],
        &["outbox", "redrive", "1", "2", "3"],
        &["outbox", "redrive", "--all"],
    ] {
        let mut command = system.command_line_ending_with(SETTLEMENT);
        let run = command.args(verb).stdout(closed_pipe()).output().expect("the program starts");
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(0), "{verb:?}: {said}");
        assert!(!said.contains("panicked") && !said.contains("error:"), "{verb:?}: {said}");
        let mut command = system.command_line_ending_with(SETTLEMENT);
        command.args(verb).args(["--no-such-option"]).stdout(closed_pipe()).stderr(closed_pipe());
        assert_eq!(command.status().expect("the program starts").code(), Some(2), "{verb:?}");
    }
    assert_eq!(system.db.count_jobs().await.1, 0, "what a verb was to do, it did");
}

#[tokio::test(flavor = "multi_thread")]
async fn list_ends_with_its_reader() {
    let system = system_with_lists().await;
    let mut command = system.command_line();
    command.args(["coupons", "list", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut list = command.spawn().expect("the program starts");
    let mut first = String::new();
    let mut output = BufReader::new(list.stdout.take().expect("is piped"));
    output.read_line(&mut first).expect("is text");
    assert!(first.starts_with('{') && first.ends_with("}\n"), "{first}");
    drop(output);
    assert_eq!(list.wait().expect("ends").code(), Some(0));
    let mut said = String::new();
    list.stderr.take().expect("is piped").read_to_string(&mut said).expect("is text");
    assert_eq!(said, "");
}

fn utf8(path: &std::path::Path) -> &str {
    path.to_str().expect("is UTF-8")
}
