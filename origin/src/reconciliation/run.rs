//! One run: our ledger against the partner's statement and the bill, line by line.

use super::cause::Cause;
use super::compare::{Found, Rules};
use super::file::{self, FileBook, GivenBack, Side};
use super::finding::{Finding, Seen};
use super::kind::Kind;
use super::own::Own;
use super::repair::{self, Mended};
use super::totals::{Column, Totals};
use crate::ambient::Clock;
use crate::store::{
    Cursor, LookupIds, Page, Period, RedriveTarget, ReportDate, ReportFilter, Store, StoreError,
};
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionStatus;
use std::collections::BTreeMap;

/// Lines of ours read at once, and names looked up at once.
const PAGE: u32 = 1000;

/// What to reconcile, and how.
pub struct Job<'a> {
    /// Our books.
    pub store: &'a Store,
    /// Whose charges and refunds.
    pub partner: PartnerId,
    /// The operator's other partners. Billing is not told whose a charge is, so the extract has theirs too.
    pub others: Vec<PartnerId>,
    /// Which days.
    pub period: Period,
    /// What time it is. It is looked at for each job of a repair: a run takes minutes, and what was put off when it began
    /// may be in somebody's hands when its turn comes.
    pub clock: &'a dyn Clock,
    /// For how long an outcome may be unknown before it is a finding, in seconds.
    pub pending_seconds_max: i64,
    /// Whether to mend what may be mended, and with what.
    pub repair: Option<Repair>,
}

/// How to mend.
#[derive(Clone, Copy, Debug)]
pub struct Repair {
    /// Whether the partner takes notices of later outcomes.
    pub tells_partner: bool,
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// The sums.
    pub totals: Totals,
    /// How many findings of each cause.
    pub findings: BTreeMap<(Cause, Kind), u64>,
    /// How many of them were mended in which way.
    pub mended: BTreeMap<Mended, u64>,
    /// How many lines of ours were looked at.
    pub lines: u64,
}

impl Summary {
    /// Findings that are wrong, not only explained.
    pub fn discrepancies(&self) -> u64 {
        self.findings.iter().filter(|((cause, _), _)| !cause.is_note()).map(|(_, count)| count).sum()
    }
}

impl Job<'_> {
    /// Compares. `on_finding` gets each finding as it is made, and after a repair what was done about it; `progress` how
    /// many lines of ours have been looked at.
    pub async fn run(
        &self,
        statement: FileBook,
        extract: FileBook,
        on_finding: impl FnMut(Finding) + Send,
        progress: impl Fn(u64) + Send,
    ) -> Result<Summary, StoreError> {
        let rules = Rules {
            period: self.period,
            now: self.clock.now(),
            pending_seconds_max: self.pending_seconds_max,
        };
        let summary = Summary::default();
        let mut run = Run { job: self, rules, statement, extract, summary, on_finding, progress };
        for kind in Kind::ALL {
            run.read_ours(kind).await?;
        }
        for (side, kind) in
            [Side::Partner, Side::Bill].into_iter().flat_map(|side| Kind::ALL.map(|kind| (side, kind)))
        {
            run.look_up_the_rest(side, kind).await?;
        }
        for side in [Side::Partner, Side::Bill] {
            run.look_up_what_was_given_back(side).await?;
        }
        Ok(run.summary)
    }
}

/// A run under way: the files lose what has been looked at.
struct Run<'a, F, P> {
    job: &'a Job<'a>,
    rules: Rules,
    statement: FileBook,
    extract: FileBook,
    summary: Summary,
    on_finding: F,
    progress: P,
}

impl<F: FnMut(Finding) + Send, P: Fn(u64) + Send> Run<'_, F, P> {
    /// All of ours that could be in a file of the period: what was posted in it, what was settled in it, and what is
    /// pending from before.
    async fn read_ours(&mut self, kind: Kind) -> Result<(), StoreError> {
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
                let Page { lines, next } = self.page(kind, select.clone(), after).await?;
                for own in lines {
                    if dated == ReportDate::Created || !self.rules.is_within(&own) {
                        self.look_at(own).await?;
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

    async fn page(
        &self,
        kind: Kind,
        select: ReportFilter,
        after: Option<Cursor>,
    ) -> Result<Page<Own>, StoreError> {
        let store = self.job.store;
        Ok(match kind {
            Kind::Charge => store.list_charges(select, after, PAGE).await?.map(Own::from),
            Kind::Refund => store.list_refunds(select, after, PAGE).await?.map(Own::from),
        })
    }

    async fn named(
        &self,
        partner: &PartnerId,
        side: Side,
        kind: Kind,
        ids: &[Box<str>],
    ) -> Result<Vec<Own>, StoreError> {
        let names = match side {
            Side::Partner => LookupIds::External(ids.iter().filter_map(|id| ExtId::parse(id)).collect()),
            Side::Bill => LookupIds::Internal(ids.iter().map(ToString::to_string).collect()),
        };
        let (store, partner) = (self.job.store, partner.clone());
        Ok(match kind {
            Kind::Charge => {
                store.find_charges_by_id(partner, names).await?.into_iter().map(Own::from).collect()
            }
            Kind::Refund => {
                store.find_refunds_by_id(partner, names).await?.into_iter().map(Own::from).collect()
            }
        })
    }

    /// One of ours against both files, whose lines of it are taken out.
    async fn look_at(&mut self, own: Own) -> Result<(), StoreError> {
        self.summary.lines += 1;
        (self.progress)(self.summary.lines);
        let partner = self.statement.remove(own.kind, own.their_id());
        let bill = self.extract.remove(own.kind, own.our_id());
        if self.rules.is_within(&own) {
            let totals = &mut self.summary.totals;
            if own.status == TransactionStatus::Approved {
                totals.add(Column::Ours, own.kind, own.amount);
            }
            if bill.is_none() && self.rules.may_be_on_next_bill(&own) {
                totals.add(Column::BillLater, own.kind, own.amount);
            }
            for line in partner.iter().flat_map(file::Copies::all) {
                if line.status == TransactionStatus::Approved {
                    totals.add(Column::Partner, own.kind, line.amount);
                }
            }
            for line in bill.iter().flat_map(file::Copies::all) {
                totals.add(Column::Bill, own.kind, line.amount);
            }
        }
        let found = self.rules.compare(&own, partner.as_ref(), bill.as_ref());
        let mut done: Vec<(RedriveTarget, Mended)> = Vec::new();
        for found in found {
            let mended = self.mend(&own, &found, &mut done).await?;
            self.report(Finding::of(&own, found, mended));
        }
        if own.kind == Kind::Charge {
            self.compare_given_back(Side::Partner, &own);
            self.compare_given_back(Side::Bill, &own);
        }
        Ok(())
    }

    /// Mends a finding, if that is asked for; `done` is what was done about the same charge or refund already.
    async fn mend(
        &mut self,
        own: &Own,
        found: &Found<'_>,
        done: &mut Vec<(RedriveTarget, Mended)>,
    ) -> Result<Option<Mended>, StoreError> {
        let Some(Repair { tells_partner }) = self.job.repair else { return Ok(None) };
        if found.cause.is_note() {
            return Ok(None);
        }
        let Some(target) = repair::find_target(own, found, tells_partner) else {
            return Ok(Some(Mended::ByHand));
        };
        if let Some((_, mended)) = done.iter().find(|(before, _)| *before == target) {
            return Ok(Some(*mended));
        }
        let result = self.job.store.redrive(self.job.clock.now(), target.clone()).await?;
        let mended = Mended::by(&target, result);
        *self.summary.mended.entry(mended).or_default() += 1;
        done.push((target, mended));
        Ok(Some(mended))
    }

    /// What a file gives back of a charge may not be more than the charge.
    fn compare_given_back(&mut self, side: Side, charge: &Own) {
        let (book, id, cause) = match side {
            Side::Partner => {
                (&mut self.statement, charge.ext_transaction_id.as_str(), Cause::RefundsExceedChargeAtPartner)
            }
            Side::Bill => {
                (&mut self.extract, charge.transaction_id.as_str(), Cause::RefundsExceedChargeOnBill)
            }
        };
        let Some(GivenBack { currency, amount_minor }) = book.given_back.remove(id) else { return };
        if currency == charge.amount.currency && amount_minor > charge.amount.amount_minor.into() {
            let seen = Seen { status: TransactionStatus::Approved, amount_minor, currency, line: None };
            let found = Found { cause, partner: None, bill: None };
            let mended = self.job.repair.map(|_| Mended::ByHand);
            let finding = Finding::of(charge, found, mended);
            self.report(match side {
                Side::Partner => Finding { partner: Some(seen), ..finding },
                Side::Bill => Finding { bill: Some(seen), ..finding },
            });
        }
    }

    /// What is left in a file after all of ours of the period: a charge or refund of another period, or none of ours.
    async fn look_up_the_rest(&mut self, side: Side, kind: Kind) -> Result<(), StoreError> {
        let left = self.book(side).ids_left(kind);
        for ids in left.chunks(PAGE as usize) {
            for own in self.named(&self.job.partner, side, kind, ids).await? {
                self.look_at(own).await?;
            }
            if side == Side::Bill {
                self.set_aside_of_others(kind, ids).await?;
            }
            for id in ids {
                let Some(copies) = self.book(side).remove(kind, id) else { continue };
                let (only, twice, column) = match side {
                    Side::Partner => (Cause::OnlyAtPartner, Cause::TwiceAtPartner, Column::Partner),
                    Side::Bill => (Cause::OnlyOnBill, Cause::TwiceOnBill, Column::Bill),
                };
                for (n, line) in copies.all().enumerate() {
                    if line.status == TransactionStatus::Approved {
                        self.summary.totals.add(column, kind, line.amount);
                    }
                    let cause = if n == 0 { only } else { twice };
                    let mended = self.job.repair.map(|_| Mended::ByHand);
                    self.report(Finding { mended, ..Finding::foreign(side, kind, id, cause, line) });
                }
            }
        }
        Ok(())
    }

    /// What is on the bill for other partners: it is compared when their own statement is.
    async fn set_aside_of_others(&mut self, kind: Kind, ids: &[Box<str>]) -> Result<(), StoreError> {
        for partner in &self.job.others {
            for own in self.named(partner, Side::Bill, kind, ids).await? {
                let copies = self.extract.remove(kind, own.our_id());
                for line in copies.iter().flat_map(file::Copies::all) {
                    let found = Found { cause: Cause::OtherPartner, partner: None, bill: Some(line) };
                    self.report(Finding::of(&own, found, None));
                }
            }
        }
        Ok(())
    }

    /// Charges of other periods of which a file gives something back.
    async fn look_up_what_was_given_back(&mut self, side: Side) -> Result<(), StoreError> {
        let mut left: Vec<Box<str>> = self.book(side).given_back.keys().cloned().collect();
        left.sort_unstable();
        for ids in left.chunks(PAGE as usize) {
            for own in self.named(&self.job.partner, side, Kind::Charge, ids).await? {
                self.compare_given_back(side, &own);
            }
        }
        Ok(())
    }

    fn book(&mut self, side: Side) -> &mut FileBook {
        match side {
            Side::Partner => &mut self.statement,
            Side::Bill => &mut self.extract,
        }
    }

    fn report(&mut self, finding: Finding) {
        *self.summary.findings.entry((finding.cause, finding.kind)).or_default() += 1;
        (self.on_finding)(finding);
    }
}
