//! Taking billing's responses. One is read whole before anything of it counts; then it is taken, in one transaction that
//! notes which one it was; and then it can only be carried out, line by line, however often it takes.

use super::response::{self, Answer};
use super::spool::{Folder, Reading, Spool};
use super::{RESPONSE, csv_name, manifest_name, render};
use crate::app::App;
use crate::delivery::{self, charge, refund};
use crate::fault::Fault;
use crate::store::{Bill, File, FileLine, HandOff, ResponseTaking};
use futures_util::future::join_all;
use onbill_domain::digest::sha256;
use onbill_domain::wire::csp::{BillChargeResponse, BillRefundResponse, BillingDecision};

/// Lines settled at once: SQLite commits them together, and PostgreSQL has as many connections at most.
const SETTLED_AT_ONCE: usize = 64;
/// Longest name of a file that is repeated in the name of a refused response, in characters; ours are below 70.
const NAME_CHARS_MAX: usize = 100;

/// Takes all responses that are there. One that cannot be worked on does not keep the others waiting.
pub(super) async fn all(app: &App, spool: &dyn Spool) -> Result<(), Fault> {
    let mut outcome = Ok(());
    for name in spool.names(Folder::In, RESPONSE).await? {
        if let Err(fault) = one(app, spool, &name).await {
            tracing::error!(?fault, "a response from billing could not be worked on");
            outcome = Err(fault);
        }
    }
    outcome
}

/// 1. The file that it answers must be one of ours.
/// 2. It must be a file, of a size that a response to that can have, and answer each line once and rightly.
/// 3. It must be the only one that was ever taken.
/// 4. Carries it out.
/// 5. Takes the file with its numbers out of billing's way, and puts manifest and response to what is done.
async fn one(app: &App, spool: &dyn Spool, name: &str) -> Result<(), Fault> {
    // 1.
    let file_id = name.strip_suffix(RESPONSE).unwrap_or(name);
    let Some(file) = app.store.file_named(file_id.to_owned()).await? else {
        return refuse(app, spool, name, "there is no file of this name").await;
    };
    // 2.
    let bytes_max = response::LINE_BYTES_MAX * (u64::from(file.lines) + 1);
    let contents = match spool.read(Folder::In, name, bytes_max).await? {
        Reading::Contents(contents) => contents,
        Reading::Gone => return Ok(()),
        Reading::Odd(why) => return refuse(app, spool, name, why).await,
    };
    let lines = app.store.file_lines(file_id.to_owned()).await?;
    let answers = match response::read(&contents, &lines) {
        Ok(answers) => answers,
        Err(complaint) => return refuse(app, spool, name, &complaint).await,
    };
    // 3.
    match app.store.take_response(file_id.to_owned(), sha256(&contents)).await? {
        ResponseTaking::Taken => {}
        ResponseTaking::AnotherBefore => {
            return refuse(app, spool, name, "another response to this file was taken before").await;
        }
    }
    // 4.
    if file.acknowledged_at.is_none() {
        carry_out(app, &file, &lines, answers).await?;
    }
    // 5.
    spool.remove(Folder::Out, &csv_name(file_id)).await?;
    put_away(spool, (Folder::Out, &manifest_name(file_id)), (Folder::Done, &manifest_name(file_id))).await?;
    put_away(spool, (Folder::In, name), (Folder::Done, name)).await
}

/// Each line by itself, as a verdict from the CSP API: a line that was settled before stays as it is.
async fn carry_out(app: &App, file: &File, lines: &[FileLine], answers: Vec<Answer>) -> Result<(), Fault> {
    let (mut approved, mut declined) = (0_u32, 0_u32);
    let mut verdicts = Vec::with_capacity(lines.len());
    for (line, answer) in lines.iter().zip(answers) {
        match answer.status {
            BillingDecision::Approved => approved += 1,
            BillingDecision::Declined => declined += 1,
        }
        verdicts.push((line, verdict(app, &line.bill, answer)?));
    }
    let mut verdicts = verdicts.into_iter().peekable();
    while verdicts.peek().is_some() {
        let some = verdicts.by_ref().take(SETTLED_AT_ONCE);
        let settled = join_all(some.map(|(line, verdict)| settle(app, file, line, verdict))).await;
        settled.into_iter().collect::<Result<(), Fault>>()?;
        app.ring_outbox();
    }
    app.store.file_acknowledged(app.now(), file.file_id.clone()).await?;
    tracing::info!(file = file.file_id, approved, declined, "a file is settled");
    Ok(())
}

async fn settle(app: &App, file: &File, line: &FileLine, verdict: HandOff) -> Result<(), Fault> {
    let settling = app.store.settle_line(app.now(), file.file_id.clone(), line.line, verdict).await?;
    delivery::look_at(settling, "line", line.bill.id());
    Ok(())
}

fn verdict(app: &App, bill: &Bill, Answer { status, raw_code }: Answer) -> Result<HandOff, Fault> {
    Ok(match bill {
        Bill::Charge(charge) => {
            let msisdn = charge::number_if_any(app, charge)?;
            charge::verdict(BillChargeResponse { status, raw_code }, msisdn.as_ref())
        }
        Bill::Refund(_) => refund::verdict(BillRefundResponse { status, raw_code }),
    })
}

/// Moves what is still there: another origin may have come first.
async fn put_away(spool: &dyn Spool, from: (Folder, &str), to: (Folder, &str)) -> Result<(), Fault> {
    match spool.rename(from, to).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Nothing of it counts. Its complaint is there before it is, both under a name that no other has.
async fn refuse(app: &App, spool: &dyn Spool, name: &str, complaint: &str) -> Result<(), Fault> {
    let named = name.strip_suffix(RESPONSE).unwrap_or(name);
    // The name is billing's, and as long and as odd as that likes.
    let known = named.chars().count() <= NAME_CHARS_MAX && named.chars().all(|c| c.is_ascii_graphic());
    let named = if known { named } else { "unnamed" };
    let refused = format!("{named}.{}", render::hex(&app.random.bytes::<4>()));
    tracing::error!(refused, complaint, alarm = "response-refused", "a response from billing was refused");
    let text = format!("{complaint}\n");
    spool.create(Folder::Refused, &format!("{refused}.complaint.txt"), text.as_bytes()).await?;
    put_away(spool, (Folder::In, name), (Folder::Refused, &format!("{refused}{RESPONSE}"))).await
}
