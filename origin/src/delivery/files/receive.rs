//! Receives billing's responses. A response is read whole before anything in it counts. It is then
//! accepted in one transaction that records which response it was. From then on it can only be
//! carried out, line by line, in as many rounds as that takes.

use super::exchange::FileExchange;
use super::names::{RESPONSE, csv_name, manifest_name};
use super::render;
use super::response::{self, LineResponse};
use super::spool::{Folder, Reading, Spool};
use crate::call_trace::CallTrace;
use crate::delivery::alarms::raise_for_result;
use crate::delivery::billing_decision::interpret_refund_decision;
use crate::delivery::later_decision::LaterDecision;
use crate::fault::Fault;
use crate::instruments::{Alarm, raise_alarm};
use crate::store::{AcceptResponseResult, BillingFile, BillingFileLine, BillingItem, LineDecision, Queue};
use futures_util::future::join_all;
use onbill_domain::digest::sha256;
use onbill_domain::wire::csp::{BillChargeResponse, BillRefundResponse, BillingDecision};

/// Lines settled at once: SQLite commits them together, and PostgreSQL has at most as many
/// connections.
const SETTLED_AT_ONCE: usize = 64;
/// Longest file name that is repeated in the name of a refused response, in characters; ours are
/// below 70.
const NAME_CHARS_MAX: usize = 100;

impl FileExchange {
    /// Receives all responses that are there. A response that cannot be processed does not hold up
    /// the others.
    pub(super) async fn receive_responses(&self, spool: &dyn Spool) -> Result<(), Fault> {
        let mut outcome = Ok(());
        for name in spool.list_names(Folder::In, RESPONSE).await? {
            if let Err(fault) = self.receive_response(spool, &name).await {
                tracing::error!(?fault, "a response file from billing could not be processed");
                outcome = Err(fault);
            }
        }
        outcome
    }

    /// 1. The response must be to one of our files.
    /// 2. It must be a file, of a size that a response to ours can have, with one valid response to
    ///    each line.
    /// 3. It must be the only one ever accepted for the file.
    /// 4. Carries it out.
    /// 5. Removes the file, which holds numbers, from billing's folder, and moves manifest and
    ///    response to the folder of completed ones.
    async fn receive_response(&self, spool: &dyn Spool, name: &str) -> Result<(), Fault> {
        // 1.
        let file_id = name.strip_suffix(RESPONSE).unwrap_or(name);
        let Some(file) = self.store.find_billing_file(file_id.to_owned()).await? else {
            return self.refuse_response(spool, name, "there is no file of this name").await;
        };
        // 2.
        let bytes_max = response::LINE_BYTES_MAX * (u64::from(file.lines) + 1);
        let contents = match spool.read(Folder::In, name, bytes_max).await? {
            Reading::Contents(contents) => contents,
            Reading::Gone => return Ok(()),
            Reading::Odd(why) => return self.refuse_response(spool, name, why).await,
        };
        let lines = self.store.list_file_lines(file_id.to_owned()).await?;
        let answers = match response::parse_response(&contents, &lines) {
            Ok(answers) => answers,
            Err(complaint) => return self.refuse_response(spool, name, &complaint).await,
        };
        // 3.
        match self.store.accept_response(file_id.to_owned(), sha256(&contents)).await? {
            AcceptResponseResult::Accepted => {}
            AcceptResponseResult::AnotherAccepted => {
                return self
                    .refuse_response(spool, name, "another response to this file was taken before")
                    .await;
            }
        }
        // 4.
        if file.acknowledged_at.is_none() {
            self.carry_out(&file, &lines, answers).await?;
        }
        // 5.
        spool.remove(Folder::Out, &csv_name(file_id)).await?;
        put_away(spool, (Folder::Out, &manifest_name(file_id)), (Folder::Done, &manifest_name(file_id)))
            .await?;
        put_away(spool, (Folder::In, name), (Folder::Done, name)).await
    }

    /// Settles each line by itself, like a response from the CSP API: a line that was settled
    /// before stays as it is.
    async fn carry_out(
        &self,
        file: &BillingFile,
        lines: &[BillingFileLine],
        answers: Vec<LineResponse>,
    ) -> Result<(), Fault> {
        let (mut approved, mut declined) = (0_u32, 0_u32);
        let mut decisions = Vec::with_capacity(lines.len());
        for (line, answer) in lines.iter().zip(answers) {
            match answer.status {
                BillingDecision::Approved => approved += 1,
                BillingDecision::Declined => declined += 1,
            }
            decisions.push((line, self.read_line_decision(&line.bill, answer)?));
        }
        let mut decisions = decisions.into_iter().peekable();
        while decisions.peek().is_some() {
            let some = decisions.by_ref().take(SETTLED_AT_ONCE);
            let settled = join_all(some.map(|(line, decision)| self.settle_line(file, line, decision))).await;
            settled.into_iter().collect::<Result<(), Fault>>()?;
            self.wake_up.wake(Queue::PartnerWebhooks);
        }
        self.store.mark_file_acknowledged(self.clock.now(), file.file_id.clone()).await?;
        tracing::info!(file = file.file_id, approved, declined, "a billing file was settled");
        Ok(())
    }

    async fn settle_line(
        &self,
        file: &BillingFile,
        line: &BillingFileLine,
        decision: LineDecision,
    ) -> Result<(), Fault> {
        let later = LaterDecision::of_line(line.bill.id(), &decision);
        let settle = async {
            let (now, file_id) = (self.clock.now(), file.file_id.clone());
            let result = self.store.settle_line(now, file_id, line.line, decision).await?;
            raise_for_result(&self.instruments, result, "line", line.bill.id());
            later.note(result, &self.store, &self.instruments, self.clock.now()).await;
            Ok::<(), Fault>(())
        };
        // The webhook that follows belongs to the trace of the charge, and not to that of the round.
        CallTrace::scope_of(line.trace.clone(), settle).await
    }

    fn read_line_decision(
        &self,
        bill: &BillingItem,
        LineResponse { status, raw_code, billed_on }: LineResponse,
    ) -> Result<LineDecision, Fault> {
        Ok(match bill {
            BillingItem::Charge(charge) => {
                let msisdn = self.billing.open_charge_number(charge)?;
                let response = BillChargeResponse { status, raw_code, billed_on };
                LineDecision::Charge(self.billing.interpret_charge_decision(response, msisdn.as_ref()))
            }
            BillingItem::Refund(_) => {
                LineDecision::Refund(interpret_refund_decision(BillRefundResponse { status, raw_code }))
            }
        })
    }

    /// Refuses a response as a whole. The complaint is written before the response is moved, and
    /// both get a unique name.
    async fn refuse_response(&self, spool: &dyn Spool, name: &str, complaint: &str) -> Result<(), Fault> {
        let named = name.strip_suffix(RESPONSE).unwrap_or(name);
        // Billing chooses the name, which may be of any length and contain any character.
        let known = named.chars().count() <= NAME_CHARS_MAX && named.chars().all(|c| c.is_ascii_graphic());
        let named = if known { named } else { "unnamed" };
        let refused = format!("{named}.{}", render::to_hex(&self.random.bytes::<4>()));
        // Billing may have put in anything under any name: the alarm is one, and the log names each.
        let alarms = &self.instruments.alarms;
        let alarm = Alarm::ResponseRefused;
        raise_alarm!(alarms, alarm, "", refused, complaint, "a response file from billing was refused");
        let text = format!("{complaint}\n");
        spool.create(Folder::Refused, &format!("{refused}.complaint.txt"), text.as_bytes()).await?;
        put_away(spool, (Folder::In, name), (Folder::Refused, &format!("{refused}{RESPONSE}"))).await
    }
}

/// Moves a file that is still there: another origin may have moved it first.
async fn put_away(spool: &dyn Spool, from: (Folder, &str), to: (Folder, &str)) -> Result<(), Fault> {
    match spool.rename(from, to).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
