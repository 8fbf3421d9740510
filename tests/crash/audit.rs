//! The audit: restarts the origin, lets it finish its open work, and compares three records by
//! direct reads: what was reported to the partner, what is in the origin's database, and what is on
//! the bills.

use crate::billing::BilledLine;
use crate::crash_system::{CrashSystem, SignedUpSubscriber};
use crate::load::{
    CONNECTIONS, LoadingPartner, PostKind, RequestedCharge, StoredResponses, ext_charge_id, refund_id,
};
use crate::origin_db::{LedgerCharge, LedgerRefund};
use futures_util::stream::{self, StreamExt as _};
use http::StatusCode;
use onbill_origin::http::Unreachable;
use onbill_test_harness::origin_process::OriginProcess;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// Posts of one id that are answered 5xx before that is a finding. Each may wait for seconds.
const POSTS_MAX: u32 = 10;

/// Fails with a list of all violations. The origin is down before and after.
pub(crate) async fn audit_ledger(system: &Arc<CrashSystem>, partner: &LoadingPartner) {
    system.billing.inject_faults(&json!({})).await;
    system.db.let_time_pass().await;
    let origin = system.start_origin().await;
    system.until_delivered().await;
    // A refund after its charge, which has to be settled for it.
    let mut found = ask_again(system, partner, &origin, PostKind::Charge).await;
    found.append(&mut ask_again(system, partner, &origin, PostKind::Refund).await);
    system.until_delivered().await;
    origin.kill();
    found.append(&mut partner.lock_record().strange);
    let numbers = system.people.iter().map(|person| person.msisdn.as_str());
    let (charges, refunds) = (system.db.read_charges().await, system.db.read_refunds().await);
    let lines = system.billing.read_bill_lines(numbers).await;
    let mut desk = LedgerComparison::new(&charges, &refunds, &lines, found);
    for (n, asked) in partner.lock_record().asked.iter().enumerate() {
        desk.compare_charge(n, asked, &system.people[asked.person]);
    }
    let found = desk.left_over(&charges, &refunds, &lines);
    assert!(found.is_empty(), "{} findings: {:#?}", found.len(), &found[..found.len().min(20)]);
}

/// Posts everything once more, months later: the response is the stored one, or a first one for a
/// post that never arrived.
async fn ask_again(
    system: &Arc<CrashSystem>,
    partner: &LoadingPartner,
    origin: &OriginProcess,
    wish: PostKind,
) -> Vec<String> {
    let is_wished = |asked: &RequestedCharge| wish == PostKind::Charge || asked.refund.is_some();
    let wished: Vec<usize> = {
        let memory = partner.lock_record();
        (0..memory.asked.len()).filter(|n| is_wished(&memory.asked[*n])).collect()
    };
    let answers =
        stream::iter(wished).map(async |n| (n, post_until_answered(system, partner, origin, n, wish).await));
    let answers = answers.buffer_unordered(usize::try_from(CONNECTIONS).expect("is small"));
    let unanswered = answers.filter_map(async |(n, answer)| {
        let answered = matches!(answer, Ok(StatusCode::OK | StatusCode::CREATED));
        (!answered).then(|| format!("{wish:?} of {}: asked in the end, it is {answer:?}", ext_charge_id(n)))
    });
    unanswered.collect().await
}

/// Posts under the same id until the answer is no 5xx, as the contract asks of a partner: a machine
/// that is busy with other work may let a call wait for the database longer than the origin does.
async fn post_until_answered(
    system: &CrashSystem,
    partner: &LoadingPartner,
    origin: &OriginProcess,
    n: usize,
    wish: PostKind,
) -> Result<StatusCode, Unreachable> {
    let mut answer = partner.post_once(system, &origin.address, n, wish).await;
    for _ in 0..POSTS_MAX {
        if !matches!(answer, Ok(status) if status.is_server_error()) {
            break;
        }
        answer = partner.post_once(system, &origin.address, n, wish).await;
    }
    answer
}

/// The records to compare. Compared entries are removed.
struct LedgerComparison<'b> {
    charges: HashMap<&'b str, &'b LedgerCharge>,
    refunds: HashMap<&'b str, &'b LedgerRefund>,
    /// By our ids of charges and of refunds.
    lines: HashMap<&'b str, Vec<&'b BilledLine>>,
    found: Vec<String>,
}

impl<'b> LedgerComparison<'b> {
    fn new(
        charges: &'b [LedgerCharge],
        refunds: &'b [LedgerRefund],
        lines: &'b [BilledLine],
        mut found: Vec<String>,
    ) -> Self {
        let mut desk = Self {
            charges: HashMap::new(),
            refunds: HashMap::new(),
            lines: HashMap::new(),
            found: Vec::new(),
        };
        for charge in charges {
            if desk.charges.insert(&charge.ext_transaction_id, charge).is_some() {
                found.push(format!("{} is in the ledger twice", charge.ext_transaction_id));
            }
        }
        for refund in refunds {
            if desk.refunds.insert(&refund.ext_refund_id, refund).is_some() {
                found.push(format!("{} is in the ledger twice", refund.ext_refund_id));
            }
        }
        for line in lines {
            let id = line.refund_id.as_ref().unwrap_or(&line.transaction_id);
            desk.lines.entry(id).or_default().push(line);
        }
        Self { found, ..desk }
    }

    fn compare_charge(&mut self, n: usize, asked: &RequestedCharge, person: &SignedUpSubscriber) {
        let id = ext_charge_id(n);
        let Some(charge) = self.charges.remove(id.as_str()) else {
            self.found.push(format!("{id} is not in the ledger"));
            return;
        };
        if charge.pai != person.pai || charge.value != asked.value {
            self.found.push(format!("{id} has other contents than were asked for"));
        }
        let entry =
            LedgerEntry { id: &id, ours: ("transactionID", &charge.transaction_id), status: &charge.status };
        self.check_responses(&entry, &asked.charge);
        self.check_bill_lines(&entry, &charge.transaction_id, person, asked.value);
        let Some(said) = &asked.refund else { return };
        let id = refund_id(n);
        let Some(refund) = self.refunds.remove(id.as_str()) else {
            self.found.push(format!("{id} is not in the ledger"));
            return;
        };
        if refund.transaction_id != charge.transaction_id || refund.value != asked.half_value() {
            self.found.push(format!("{id} has other contents than were asked for"));
        }
        let entry = LedgerEntry { id: &id, ours: ("refundID", &refund.id), status: &refund.status };
        self.check_responses(&entry, said);
        self.check_bill_lines(&entry, &charge.transaction_id, person, -asked.half_value());
    }

    /// All responses to one id are equal, byte for byte, and true.
    fn check_responses(&mut self, entry: &LedgerEntry, said: &StoredResponses) {
        let LedgerEntry { id, ours: (name, ours), status } = entry;
        if said.created > 1 {
            self.found.push(format!("{id} was created {} times", said.created));
        }
        let Some(first) = said.answers.first() else { return };
        if said.answers.iter().any(|answer| answer != first) {
            self.found.push(format!("{id} was answered differently: {:?}", said.answers));
        }
        let answer: Value = serde_json::from_slice(first).unwrap_or_default();
        if answer[name] != *ours {
            self.found.push(format!("{id} was answered {answer}, and is {ours}"));
        }
        if answer["status"] != "PENDING" && answer["status"] != *status {
            self.found.push(format!("{id} was {} and is {status}", answer["status"]));
        }
    }

    /// One line of the right amount on the right bill if it is approved, none if it is declined.
    fn check_bill_lines(
        &mut self,
        entry: &LedgerEntry,
        transaction_id: &str,
        person: &SignedUpSubscriber,
        value: i64,
    ) {
        let LedgerEntry { id, ours: (_, ours), status } = entry;
        let lines = self.lines.remove(*ours).unwrap_or_default();
        match (*status, &lines[..]) {
            ("APPROVED", [line])
                if line.msisdn == person.msisdn
                    && line.value == value
                    && line.transaction_id == transaction_id => {}
            ("DECLINED", []) => {}
            (status, lines) => {
                let lines: Vec<i64> = lines.iter().map(|line| line.value).collect();
                self.found.push(format!("{id} of {value} is {status}, and on the bills {lines:?}"));
            }
        }
    }

    /// Checks for entries that were never requested, and the totals.
    fn left_over(
        mut self,
        charges: &[LedgerCharge],
        refunds: &[LedgerRefund],
        lines: &[BilledLine],
    ) -> Vec<String> {
        let recorded = self.charges.keys().chain(self.refunds.keys());
        self.found.extend(recorded.map(|id| format!("{id} is in the ledger, and nobody asked for it")));
        self.found.extend(self.lines.keys().map(|id| format!("{id} is on a bill, and nobody asked for it")));
        let approved = "APPROVED";
        let taken: i64 = charges.iter().filter(|it| it.status == approved).map(|it| it.value).sum();
        let given_back: i64 = refunds.iter().filter(|it| it.status == approved).map(|it| it.value).sum();
        let billed: i64 = lines.iter().map(|line| line.value).sum();
        if taken - given_back != billed {
            self.found.push(format!("{taken} charged and {given_back} given back, but {billed} billed"));
        }
        self.found
    }
}

/// A charge or a refund in the ledger.
struct LedgerEntry<'e> {
    /// The partner's id.
    id: &'e str,
    /// The member of a response that has our id, and our id.
    ours: (&'static str, &'e str),
    status: &'e str,
}
