//! One run: our ledger against the partner's statement and the bill, line by line.

use super::cause::Cause;
use super::compare::{Discrepancy, Rules};
use super::file::{RefundedTotal, ReportedLedger};
use super::finding::{Finding, ReportedAmount};
use super::kind::Kind;
use super::own::LedgerLine;
use super::repair::{self, RepairOutcome};
use super::reported_line::{Copies, Side};
use super::totals::{CodeTotals, Column, Totals};
use crate::ambient::Clock;
use crate::store::{
    Cursor, LookupIds, Page, Period, RedriveTarget, ReportDate, ReportFilter, Store, StoreError,
};
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionStatus;
use std::collections::BTreeMap;

/// Lines of our ledger read in one page, and ids looked up in one query.
const PAGE: u32 = 1000;

/// What to reconcile, and how.
pub struct Reconciliation<'a> {
    pub store: &'a Store,
    /// The partner whose charges and refunds are reconciled.
    pub partner: PartnerId,
    /// The operator's other partners. The extract contains theirs too, unless billing leaves them
    /// out.
    pub others: Vec<PartnerId>,
    pub period: Period,
    /// The clock. It is read for each job of a repair: a run takes minutes, and a job that was
    /// waiting when the run began may be leased when its turn comes.
    pub clock: &'a dyn Clock,
    /// For how long an outcome may be unknown before it is a finding, in seconds.
    pub pending_seconds_max: i64,
    /// Whether to repair what can be repaired, and how.
    pub repair: Option<Repair>,
}

#[derive(Clone, Copy, Debug)]
pub struct Repair {
    /// Whether the partner takes webhooks about later outcomes.
    pub informs_partner: bool,
}

/// The result of a run.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub totals: Totals,
    /// The same sums by currency and charge code, which is empty for lines without one. A line of the
    /// extract counts under its own code, if the extract has codes. Every other line counts under our
    /// ledger's.
    pub by_charge_code: CodeTotals,
    /// How many findings there are of each cause.
    pub findings: BTreeMap<(Cause, Kind), u64>,
    /// How many findings were repaired in each way.
    pub mended: BTreeMap<RepairOutcome, u64>,
    /// How many lines of our ledger were compared.
    pub lines: u64,
}

impl Summary {
    fn add(&mut self, column: Column, kind: Kind, amount: Money, charge_code: &str) {
        self.totals.add(column, kind, amount);
        self.by_charge_code.add(column, kind, amount, charge_code);
    }

    /// The number of findings that are wrong, not only explained.
    pub fn discrepancies(&self) -> u64 {
        self.findings.iter().filter(|((cause, _), _)| !cause.is_note()).map(|(_, count)| count).sum()
    }
}

impl Reconciliation<'_> {
    /// Compares ledger and files. `on_finding` gets each finding as it is made, with the result of
    /// a repair; `progress` gets the number of lines of our ledger that have been compared.
    pub async fn run(
        &self,
        statement: ReportedLedger,
        extract: ReportedLedger,
        on_finding: impl FnMut(Finding) + Send,
        progress: impl Fn(u64) + Send,
    ) -> Result<Summary, StoreError> {
        let rules = Rules {
            period: self.period,
            now: self.clock.now(),
            pending_seconds_max: self.pending_seconds_max,
        };
        let summary = Summary::default();
        let mut run =
            ReconciliationRun { job: self, rules, statement, extract, summary, on_finding, progress };
        for kind in Kind::ALL {
            run.read_ledger(kind).await?;
        }
        for (side, kind) in
            [Side::Partner, Side::Bill].into_iter().flat_map(|side| Kind::ALL.map(|kind| (side, kind)))
        {
            run.report_unmatched(side, kind).await?;
        }
        for side in [Side::Partner, Side::Bill] {
            run.check_refunds_of_other_periods(side).await?;
        }
        Ok(run.summary)
    }
}

/// A run in progress: lines that have been compared are removed from the files.
struct ReconciliationRun<'a, F, P> {
    job: &'a Reconciliation<'a>,
    rules: Rules,
    statement: ReportedLedger,
    extract: ReportedLedger,
    summary: Summary,
    on_finding: F,
    progress: P,
}

impl<F: FnMut(Finding) + Send, P: Fn(u64) + Send> ReconciliationRun<'_, F, P> {
    /// Reads all lines of our ledger that could be in a file of the period: those posted in it,
    /// those settled in it, and those pending from before.
    async fn read_ledger(&mut self, kind: Kind) -> Result<(), StoreError> {
        let period = self.rules.period;
        let before = Period { from: Timestamp::from_unix_seconds(0), until: period.from };
        for (period, dated, status) in [
            (period, ReportDate::Created, None),
            (period, ReportDate::Settled, None),
            (before, ReportDate::Created, Some(TransactionStatus::Pending)),
        ] {
            let select = ReportFilter { partner: self.job.partner.clone(), period, dated, status };
            let mut after = None;
            loop {
                let Page { lines, next } = self.read_page(kind, select.clone(), after).await?;
                for own in lines {
                    if dated == ReportDate::Created || !self.rules.is_within(&own) {
                        self.compare_line(own).await?;
                    }
                }
                match next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        Ok(())
    }

    async fn read_page(
        &self,
        kind: Kind,
        select: ReportFilter,
        after: Option<Cursor>,
    ) -> Result<Page<LedgerLine>, StoreError> {
        let store = self.job.store;
        Ok(match kind {
            Kind::Charge => store.list_charges(select, after, PAGE).await?.map(LedgerLine::from),
            Kind::Refund => store.list_refunds(select, after, PAGE).await?.map(LedgerLine::from),
        })
    }

    async fn find_by_ids(
        &self,
        partner: &PartnerId,
        side: Side,
        kind: Kind,
        ids: &[Box<str>],
    ) -> Result<Vec<LedgerLine>, StoreError> {
        let names = match side {
            Side::Partner => LookupIds::External(ids.iter().filter_map(|id| ExtId::parse(id)).collect()),
            Side::Bill => LookupIds::Internal(ids.iter().map(ToString::to_string).collect()),
        };
        let (store, partner) = (self.job.store, partner.clone());
        Ok(match kind {
            Kind::Charge => {
                store.find_charges_by_id(partner, names).await?.into_iter().map(LedgerLine::from).collect()
            }
            Kind::Refund => {
                store.find_refunds_by_id(partner, names).await?.into_iter().map(LedgerLine::from).collect()
            }
        })
    }

    /// Compares one line of our ledger with both files, and removes its lines from them.
    async fn compare_line(&mut self, own: LedgerLine) -> Result<(), StoreError> {
        self.summary.lines += 1;
        (self.progress)(self.summary.lines);
        let partner = self.statement.remove(own.kind, own.ext_id());
        let bill = self.extract.remove(own.kind, own.id());
        if self.rules.is_within(&own) {
            let (sums, code) = (&mut self.summary, own.charge_code.as_ref().map_or("", ChargeCode::as_str));
            if own.status == TransactionStatus::Approved {
                sums.add(Column::Ours, own.kind, own.amount, code);
            }
            if bill.is_none() && self.rules.may_be_on_next_bill(&own) {
                sums.add(Column::BillLater, own.kind, own.amount, code);
            }
            for line in partner.iter().flat_map(Copies::all) {
                if line.status == TransactionStatus::Approved {
                    sums.add(Column::Partner, own.kind, line.amount, code);
                }
            }
            for line in bill.iter().flat_map(Copies::all) {
                sums.add(Column::Bill, own.kind, line.amount, line.charge_code.as_deref().unwrap_or(code));
            }
        }
        let found = self.rules.compare(&own, partner.as_ref(), bill.as_ref());
        let mut done: Vec<(RedriveTarget, RepairOutcome)> = Vec::new();
        for found in found {
            let mended = self.repair_finding(&own, &found, &mut done).await?;
            self.report_finding(Finding::from_discrepancy(&own, found, mended));
        }
        if own.kind == Kind::Charge {
            self.check_refunded(Side::Partner, &own);
            self.check_refunded(Side::Bill, &own);
        }
        Ok(())
    }

    /// Repairs a finding, if that is requested; `done` is what was done about the same charge or
    /// refund already.
    async fn repair_finding(
        &mut self,
        own: &LedgerLine,
        found: &Discrepancy<'_>,
        done: &mut Vec<(RedriveTarget, RepairOutcome)>,
    ) -> Result<Option<RepairOutcome>, StoreError> {
        let Some(Repair { informs_partner }) = self.job.repair else { return Ok(None) };
        if found.cause.is_note() {
            return Ok(None);
        }
        let Some(target) = repair::find_target(own, found, informs_partner) else {
            return Ok(Some(RepairOutcome::ByHand));
        };
        if let Some((_, mended)) = done.iter().find(|(before, _)| *before == target) {
            return Ok(Some(*mended));
        }
        let result = self.job.store.redrive(self.job.clock.now(), target.clone()).await?;
        let mended = RepairOutcome::from_result(&target, result);
        *self.summary.mended.entry(mended).or_default() += 1;
        done.push((target, mended));
        Ok(Some(mended))
    }

    /// The refunds of a charge in a file may not exceed the charge.
    fn check_refunded(&mut self, side: Side, charge: &LedgerLine) {
        let (ledger, id, cause) = match side {
            Side::Partner => {
                (&mut self.statement, charge.ext_transaction_id.as_str(), Cause::RefundsExceedChargeAtPartner)
            }
            Side::Bill => {
                (&mut self.extract, charge.transaction_id.as_str(), Cause::RefundsExceedChargeOnBill)
            }
        };
        let Some(RefundedTotal { currency, amount_minor }) = ledger.refunded.remove(id) else { return };
        if currency == charge.amount.currency && amount_minor > charge.amount.amount_minor.into() {
            let seen =
                ReportedAmount { status: TransactionStatus::Approved, amount_minor, currency, line: None };
            let found = Discrepancy { cause, partner: None, bill: None };
            let mended = self.job.repair.map(|_| RepairOutcome::ByHand);
            let finding = Finding::from_discrepancy(charge, found, mended);
            self.report_finding(match side {
                Side::Partner => Finding { partner: Some(seen), ..finding },
                Side::Bill => Finding { bill: Some(seen), ..finding },
            });
        }
    }

    /// Reports the lines that are left in a file after all lines of our ledger for the period: a
    /// charge or refund of another period, or one that our ledger does not have.
    async fn report_unmatched(&mut self, side: Side, kind: Kind) -> Result<(), StoreError> {
        let left = self.reported_ledger(side).remaining_ids(kind);
        for ids in left.chunks(PAGE as usize) {
            for own in self.find_by_ids(&self.job.partner, side, kind, ids).await? {
                if own.is_claim {
                    self.exclude_claim(side, &own);
                } else {
                    self.compare_line(own).await?;
                }
            }
            if side == Side::Bill {
                self.exclude_other_partners(kind, ids).await?;
            }
            for id in ids {
                let Some(copies) = self.reported_ledger(side).remove(kind, id) else { continue };
                let (only, twice, column) = match side {
                    Side::Partner => (Cause::OnlyAtPartner, Cause::TwiceAtPartner, Column::Partner),
                    Side::Bill => (Cause::OnlyOnBill, Cause::TwiceOnBill, Column::Bill),
                };
                for (n, line) in copies.all().enumerate() {
                    if line.status == TransactionStatus::Approved {
                        let code = line.charge_code.as_deref().unwrap_or_default();
                        self.summary.add(column, kind, line.amount, code);
                    }
                    let cause = if n == 0 { only } else { twice };
                    let mended = self.job.repair.map(|_| RepairOutcome::ByHand);
                    self.report_finding(Finding {
                        mended,
                        ..Finding::unmatched(side, kind, id, cause, line)
                    });
                }
            }
        }
        Ok(())
    }

    /// Excludes lines of a charge that another system has posted: that system's reports have it, and ours do not.
    fn exclude_claim(&mut self, side: Side, own: &LedgerLine) {
        let id = match side {
            Side::Partner => own.ext_id(),
            Side::Bill => own.id(),
        };
        let copies = self.reported_ledger(side).remove(own.kind, id);
        for line in copies.iter().flat_map(Copies::all) {
            let (partner, bill) = match side {
                Side::Partner => (Some(line), None),
                Side::Bill => (None, Some(line)),
            };
            let found = Discrepancy { cause: Cause::OtherSystem, partner, bill };
            self.report_finding(Finding::from_discrepancy(own, found, None));
        }
    }

    /// Excludes lines on the bill for other partners: they are compared when those partners' own
    /// statements are.
    async fn exclude_other_partners(&mut self, kind: Kind, ids: &[Box<str>]) -> Result<(), StoreError> {
        for partner in &self.job.others {
            for own in self.find_by_ids(partner, Side::Bill, kind, ids).await? {
                let copies = self.extract.remove(kind, own.id());
                for line in copies.iter().flat_map(Copies::all) {
                    let found = Discrepancy { cause: Cause::OtherPartner, partner: None, bill: Some(line) };
                    self.report_finding(Finding::from_discrepancy(&own, found, None));
                }
            }
        }
        Ok(())
    }

    /// Checks charges of other periods for which a file has refunds.
    async fn check_refunds_of_other_periods(&mut self, side: Side) -> Result<(), StoreError> {
        let mut left: Vec<Box<str>> = self.reported_ledger(side).refunded.keys().cloned().collect();
        left.sort_unstable();
        for ids in left.chunks(PAGE as usize) {
            for own in self.find_by_ids(&self.job.partner, side, Kind::Charge, ids).await? {
                self.check_refunded(side, &own);
            }
        }
        Ok(())
    }

    fn reported_ledger(&mut self, side: Side) -> &mut ReportedLedger {
        match side {
            Side::Partner => &mut self.statement,
            Side::Bill => &mut self.extract,
        }
    }

    fn report_finding(&mut self, finding: Finding) {
        *self.summary.findings.entry((finding.cause, finding.kind)).or_default() += 1;
        (self.on_finding)(finding);
    }
}
