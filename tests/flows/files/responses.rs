//! Responses: taken whole and once, or refused with an error. Whatever is in the folder, the next
//! round works.

use super::{INTERVAL, count_bill, post_charge, query_status, start_system};
use onbill_test_harness::TestSystem;
use serde_json::json;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

/// A test system with a file of two charges that billing has answered, the name of the file, and
/// the response, which is not in the folder.
async fn system_with_response() -> (TestSystem, String, String) {
    let (system, pai) = start_system().await;
    post_charge(&system, &pai, "c-1").await;
    post_charge(&system, &pai, "c-2").await;
    system.acme.run_filing().await;
    let name = system.acme.process_files().remove(0);
    let path = system.acme.billing_files().path_of("in", &format!("{name}.response.csv"));
    let response = fs::read_to_string(&path).expect("reads");
    fs::remove_file(path).expect("is there");
    (system, name, response)
}

fn write_response(system: &TestSystem, name: &str, response: impl AsRef<[u8]>) {
    let path = system.acme.billing_files().path_of("in", &format!("{name}.response.csv"));
    fs::write(path, response).expect("writes");
}

/// The error about the only refused response, which is set aside.
fn read_complaint(system: &TestSystem) -> String {
    let files = system.acme.billing_files();
    assert!(files.contents_of("in").is_empty());
    let entries = fs::read_dir(files.directory.join("refused")).expect("is a folder");
    let (mut text, mut refused) = (None, 0);
    for entry in entries {
        let path = entry.expect("is there").path();
        if path.to_string_lossy().ends_with(".complaint.txt") {
            assert!(text.replace(fs::read_to_string(&path).expect("reads")).is_none(), "one complaint");
        } else {
            refused += 1;
        }
        if path.is_dir() && !path.is_symlink() {
            fs::remove_dir(path).expect("is empty");
        } else {
            fs::remove_file(path).expect("is there");
        }
    }
    assert_eq!(refused, 1, "what was refused is kept");
    text.expect("there is a complaint")
}

async fn assert_pending(system: &TestSystem) {
    for id in ["c-1", "c-2"] {
        assert_eq!(query_status(system, id).await["status"], "PENDING");
    }
}

#[tokio::test]
async fn incomplete_or_wrong_response_file_is_ignored() {
    let (system, name, response) = system_with_response().await;
    let lines: Vec<&str> = response.lines().collect();
    let [header, one, two] = lines[..] else { panic!("has two lines: {response}") };
    let with = |line: String| format!("{header}\n{one}\n{line}\n");
    let id = two.split(',').nth(1).expect("has an id");
    for (bad, expected) in [
        // In two halves, or truncated.
        (format!("{header}\n{one}\n"), "line 2 of the file is not answered"),
        (format!("{header}\n{two}\n"), "line 1 of the file is not answered"),
        (response[..response.len() - 1].to_owned(), "the last line does not end"),
        (format!("{}\n", &response[..response.len() - 8]), "line 3, column status"),
        (String::new(), "the last line does not end"),
        ("\n".to_owned(), "line 1 must be line,id,status,amount,raw_code"),
        (format!("{one}\n{two}\n"), "line 1 must be"),
        (with(one.to_owned()), "line 3, column line: was answered before"),
        (format!("{response}{two}\n"), "line 4, column line: was answered before"),
        (with(format!("3,{id},APPROVED,1599,")), "line 3, column line"),
        (with(format!("0,{id},APPROVED,1599,")), "line 3, column line"),
        (with(format!("99999999999,{id},APPROVED,1599,")), "line 3, column line"),
        (with("2,another,APPROVED,1599,".to_owned()), "line 3, column id"),
        (with(format!("2,{id},PENDING,1599,")), "line 3, column status"),
        // Two mistakes that cancel out in the sum.
        (response.replacen("1599", "1600", 1).replacen(",1599,", ",1598,", 1), "line 2, column amount"),
        (with(format!("2,{id},APPROVED,0,")), "line 3, column amount"),
        (with(format!("2,{id},DECLINED,1599,")), "line 3, column amount"),
        (with(format!("2,{id},APPROVED,15.99,")), "line 3, column amount"),
        (with(format!("2,{id},APPROVED,1599")), "line 3, column raw_code: is missing"),
        (with(format!("2,{id},APPROVED,1599,0,+12025550101")), "line 3, column raw_code"),
    ] {
        write_response(&system, &name, &bad);
        system.acme.run_filing().await;
        let found = read_complaint(&system);
        assert!(found.contains(expected) && !found.contains("2025550101"), "{bad}: {found}");
        assert_pending(&system).await;
    }
    write_response(&system, &name, [header.as_bytes(), b"\n1,\xff\xfe,APPROVED,1599,\n"].concat());
    system.acme.run_filing().await;
    assert!(read_complaint(&system).contains("line 2 is not UTF-8 text"));
    assert_pending(&system).await;
    // In another order, from a spreadsheet, it is complete and correct.
    write_response(&system, &name, format!("\u{feff}{header}\r\n{two}\r\n\r\n{one}\r\n"));
    system.acme.run_filing().await;
    for id in ["c-1", "c-2"] {
        assert_eq!(query_status(&system, id).await["status"], "APPROVED");
    }
}

#[tokio::test]
async fn unknown_file_is_put_aside() {
    let (system, name, response) = system_with_response().await;
    let files = system.acme.billing_files();
    let path = files.path_of("in", &format!("{name}.response.csv"));
    let secret = files.directory.join("elsewhere");
    fs::write(&secret, &response).expect("writes");

    symlink(&secret, &path).expect("links");
    system.acme.run_filing().await;
    assert_eq!(read_complaint(&system), "is not a file\n");
    fs::create_dir(&path).expect("makes");
    system.acme.run_filing().await;
    assert_eq!(read_complaint(&system), "is not a file\n");
    assert!(Command::new("mkfifo").arg(&path).status().expect("runs").success());
    system.acme.run_filing().await;
    assert_eq!(read_complaint(&system), "is not a file\n");
    fs::write(&path, vec![b'\n'; 100_000]).expect("writes");
    system.acme.run_filing().await;
    assert_eq!(read_complaint(&system), "is larger than any response can be\n");

    for unknown in ["acme-20261118T110640Z-ffffffff", "", "number +12025550101", &"x".repeat(230)] {
        write_response(&system, unknown, &response);
        system.acme.run_filing().await;
        assert_eq!(read_complaint(&system), "there is no file of this name\n", "{unknown}");
    }
    // A file that billing is still writing is ignored.
    fs::write(files.path_of("in", &format!("{name}.part")), "half").expect("writes");
    system.acme.run_filing().await;
    assert!(files.contents_of("refused").is_empty());
    fs::remove_file(files.path_of("in", &format!("{name}.part"))).expect("is there");
    assert_eq!(fs::read_to_string(&secret).expect("is untouched"), response);
    assert_pending(&system).await;

    // One that cannot be set aside does not keep another from being taken.
    write_response(&system, "unknown", &response);
    write_response(&system, &name, &response);
    fs::rename(files.directory.join("refused"), files.directory.join("gone")).expect("is there");
    fs::write(files.directory.join("refused"), "").expect("writes");
    assert!(system.acme.try_run_filing().await.is_err());
    fs::remove_file(files.directory.join("refused")).expect("is there");
    let _ = system.acme.try_run_filing().await;
    assert_eq!(query_status(&system, "c-1").await["status"], "APPROVED");
}

#[tokio::test]
async fn file_decline_has_its_code_and_is_final() {
    let (system, name, response) = system_with_response().await;
    let refused = response.replacen("APPROVED,1599,", "DECLINED,0,insufficient-balance", 1);
    write_response(&system, &name, &refused);
    system.acme.run_filing().await;
    let now = query_status(&system, "c-1").await;
    assert_eq!((&now["status"], &now["declineReason"]), (&json!("DECLINED"), &json!("insufficient-balance")));
    assert_eq!(now["rawResult"], json!({"scope": "billing", "rawCode": "insufficient-balance"}));
    assert_eq!(query_status(&system, "c-2").await["status"], "APPROVED");
    assert_eq!(system.acme.deliver_due().await, 2, "two notices");

    // The same response again changes nothing; a different one is refused.
    write_response(&system, &name, &refused);
    system.acme.run_filing().await;
    assert!(system.acme.billing_files().contents_of("refused").is_empty());
    write_response(&system, &name, &response);
    system.acme.run_filing().await;
    assert_eq!(read_complaint(&system), "another response to this file was taken before\n");
    assert_eq!(query_status(&system, "c-1").await["status"], "DECLINED");
    assert_eq!(system.acme.deliver_due().await, 0);

    // Billing may not send a code that would close the PAI, nor one that contains the number.
    let pai = system.pai_of("ann@example.com").await;
    for (id, code) in [("c-3", "account-closed"), ("c-4", "no credit 2025550101")] {
        system.advance_seconds(INTERVAL);
        post_charge(&system, &pai, id).await;
        system.acme.run_filing().await;
        let name = system.acme.process_files().remove(0);
        let path = system.acme.billing_files().path_of("in", &format!("{name}.response.csv"));
        let response = fs::read_to_string(path).expect("reads");
        write_response(&system, &name, response.replacen("APPROVED,1599,", &format!("DECLINED,0,{code}"), 1));
        system.acme.run_filing().await;
        let now = query_status(&system, id).await;
        assert_eq!(now["declineReason"], "risk-declined", "{now}");
        assert!(!now.to_string().contains("2025550101"));
    }
    assert_eq!(count_bill(&system).await.0, 4, "billing's own ledger is its own matter");
}
