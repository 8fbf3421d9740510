//! Responses: taken whole and once, or refused with a complaint. Whatever lies in the folder, the next round works.

use super::{INTERVAL, bill, post, status, world};
use onbill_test_harness::World;
use serde_json::json;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

/// A world with a file of two charges that billing has answered, the name of the file, and the response, which is not in
/// the folder.
async fn answered() -> (World, String, String) {
    let (world, pai) = world().await;
    post(&world, &pai, "c-1").await;
    post(&world, &pai, "c-2").await;
    world.acme.file().await;
    let name = world.acme.bill_files().remove(0);
    let path = world.acme.files().path("in", &format!("{name}.response.csv"));
    let response = fs::read_to_string(&path).expect("reads");
    fs::remove_file(path).expect("is there");
    (world, name, response)
}

fn respond(world: &World, name: &str, response: impl AsRef<[u8]>) {
    let path = world.acme.files().path("in", &format!("{name}.response.csv"));
    fs::write(path, response).expect("writes");
}

/// The complaint about the only response that was refused, which is put aside.
fn complaint(world: &World) -> String {
    let files = world.acme.files();
    assert!(files.named("in").is_empty());
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

async fn pending(world: &World) {
    for id in ["c-1", "c-2"] {
        assert_eq!(status(world, id).await["status"], "PENDING");
    }
}

#[tokio::test]
async fn a_response_that_is_not_whole_and_right_counts_for_nothing() {
    let (world, name, response) = answered().await;
    let lines: Vec<&str> = response.lines().collect();
    let [header, one, two] = lines[..] else { panic!("has two lines: {response}") };
    let with = |line: String| format!("{header}\n{one}\n{line}\n");
    let id = two.split(',').nth(1).expect("has an id");
    for (bad, expected) in [
        // In two halves, or not written whole.
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
        respond(&world, &name, &bad);
        world.acme.file().await;
        let found = complaint(&world);
        assert!(found.contains(expected) && !found.contains("2025550101"), "{bad}: {found}");
        pending(&world).await;
    }
    respond(&world, &name, [header.as_bytes(), b"\n1,\xff\xfe,APPROVED,1599,\n"].concat());
    world.acme.file().await;
    assert!(complaint(&world).contains("line 2 is not UTF-8 text"));
    pending(&world).await;
    // In another order, from a spreadsheet, it is whole and right.
    respond(&world, &name, format!("\u{feff}{header}\r\n{two}\r\n\r\n{one}\r\n"));
    world.acme.file().await;
    for id in ["c-1", "c-2"] {
        assert_eq!(status(&world, id).await["status"], "APPROVED");
    }
}

#[tokio::test]
async fn what_is_no_response_is_put_aside_and_nobody_waits_for_it() {
    let (world, name, response) = answered().await;
    let files = world.acme.files();
    let path = files.path("in", &format!("{name}.response.csv"));
    let secret = files.directory.join("elsewhere");
    fs::write(&secret, &response).expect("writes");

    symlink(&secret, &path).expect("links");
    world.acme.file().await;
    assert_eq!(complaint(&world), "is not a file\n");
    fs::create_dir(&path).expect("makes");
    world.acme.file().await;
    assert_eq!(complaint(&world), "is not a file\n");
    assert!(Command::new("mkfifo").arg(&path).status().expect("runs").success());
    world.acme.file().await;
    assert_eq!(complaint(&world), "is not a file\n");
    fs::write(&path, vec![b'\n'; 100_000]).expect("writes");
    world.acme.file().await;
    assert_eq!(complaint(&world), "is larger than any response can be\n");

    for unknown in ["acme-20261118T110640Z-ffffffff", "", "number +12025550101", &"x".repeat(230)] {
        respond(&world, unknown, &response);
        world.acme.file().await;
        assert_eq!(complaint(&world), "there is no file of this name\n", "{unknown}");
    }
    // What billing is still writing is not looked at.
    fs::write(files.path("in", &format!("{name}.part")), "half").expect("writes");
    world.acme.file().await;
    assert!(files.named("refused").is_empty());
    fs::remove_file(files.path("in", &format!("{name}.part"))).expect("is there");
    assert_eq!(fs::read_to_string(&secret).expect("is untouched"), response);
    pending(&world).await;

    // One that cannot be put aside does not keep another from being taken.
    respond(&world, "unknown", &response);
    respond(&world, &name, &response);
    fs::rename(files.directory.join("refused"), files.directory.join("gone")).expect("is there");
    fs::write(files.directory.join("refused"), "").expect("writes");
    assert!(world.acme.try_file().await.is_err());
    fs::remove_file(files.directory.join("refused")).expect("is there");
    let _ = world.acme.try_file().await;
    assert_eq!(status(&world, "c-1").await["status"], "APPROVED");
}

#[tokio::test]
async fn billings_no_is_told_with_its_code_and_its_first_word_stays() {
    let (world, name, response) = answered().await;
    let refused = response.replacen("APPROVED,1599,", "DECLINED,0,insufficient-balance", 1);
    respond(&world, &name, &refused);
    world.acme.file().await;
    let now = status(&world, "c-1").await;
    assert_eq!((&now["status"], &now["declineReason"]), (&json!("DECLINED"), &json!("insufficient-balance")));
    assert_eq!(now["rawResult"], json!({"scope": "billing", "rawCode": "insufficient-balance"}));
    assert_eq!(status(&world, "c-2").await["status"], "APPROVED");
    assert_eq!(world.acme.deliver().await, 2, "two notices");

    // The same again changes nothing; another one is not taken any more.
    respond(&world, &name, &refused);
    world.acme.file().await;
    assert!(world.acme.files().named("refused").is_empty());
    respond(&world, &name, &response);
    world.acme.file().await;
    assert_eq!(complaint(&world), "another response to this file was taken before\n");
    assert_eq!(status(&world, "c-1").await["status"], "DECLINED");
    assert_eq!(world.acme.deliver().await, 0);

    // A code that would end the PAI is not taken from billing, nor one that tells the number.
    let pai = world.pai_of("ann@example.com").await;
    for (id, code) in [("c-3", "account-closed"), ("c-4", "no credit 2025550101")] {
        world.pass_seconds(INTERVAL);
        post(&world, &pai, id).await;
        world.acme.file().await;
        let name = world.acme.bill_files().remove(0);
        let path = world.acme.files().path("in", &format!("{name}.response.csv"));
        let response = fs::read_to_string(path).expect("reads");
        respond(&world, &name, response.replacen("APPROVED,1599,", &format!("DECLINED,0,{code}"), 1));
        world.acme.file().await;
        let now = status(&world, id).await;
        assert_eq!(now["declineReason"], "risk-declined", "{now}");
        assert!(!now.to_string().contains("2025550101"));
    }
    assert_eq!(bill(&world).await.0, 4, "billing's own books are its own matter");
}
