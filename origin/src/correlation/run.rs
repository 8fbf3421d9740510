//! The comparison of the whole ledger with both lists, and what is sent again.

use super::difference::{Class, ListSide, compare};
use super::file::List;
use crate::ambient::Clock;
use crate::store::{AuditStamp, LinkRow, Store, StoreError};
use onbill_domain::day::Day;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;
use std::collections::BTreeMap;

/// PAIs that are read at once: few enough that a page is a moment's work beside charges.
const PAGE: u32 = 1000;

/// A comparison to be made.
pub struct Correlation<'a> {
    pub store: &'a Store,
    pub partner: PartnerId,
    /// The day of the operator, whose plans and prices are compared.
    pub today: Day,
    /// How many PAIs may be sent again in one run. With a wrong list, all of them would be.
    pub repairs_max: usize,
}

/// A difference between the ledger and a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub side: ListSide,
    pub class: Class,
    /// The PAI, if the ledger or the partner's list has it. A list of the BSS has numbers, which are
    /// not shown.
    pub pai: Option<Pai>,
    /// The line of the list.
    pub line: Option<u32>,
    /// What the ledger has, and what the list has, where that identifies no one.
    pub ours: String,
    pub theirs: String,
    /// Whether the state of the PAI is what the partner should have been sent.
    pub is_repairable: bool,
}

impl Difference {
    /// The columns of [`Self::to_csv_record`].
    pub const HEADER: [&'static str; 7] = ["side", "class", "pai", "line", "ours", "theirs", "repair"];

    pub fn to_csv_record(&self) -> [String; 7] {
        [
            self.side.as_str().to_owned(),
            self.class.as_str().to_owned(),
            self.pai.map(|pai| pai.to_string()).unwrap_or_default(),
            self.line.map(|line| line.to_string()).unwrap_or_default(),
            self.ours.clone(),
            self.theirs.clone(),
            if self.is_repairable { "send-again" } else { "by-hand" }.to_owned(),
        ]
    }
}

/// What a comparison has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorrelationSummary {
    /// PAIs of the partner in the ledger.
    pub pais: u64,
    /// Those that charges are expected for.
    pub live: u64,
    /// How many differences of each kind there are.
    pub found: BTreeMap<(ListSide, Class), u64>,
    /// The PAIs to be sent again, in their order; not more than the most that may be, and one.
    pub to_send: Vec<Pai>,
}

impl CorrelationSummary {
    /// All differences.
    pub fn differences(&self) -> u64 {
        self.found.values().sum()
    }
}

impl Correlation<'_> {
    /// Compares. `report` gets each difference, `progress` the number of PAIs so far.
    pub async fn run(
        &self,
        mut lists: Vec<List>,
        mut report: impl FnMut(Difference),
        mut progress: impl FnMut(u64),
    ) -> Result<CorrelationSummary, StoreError> {
        let mut summary = CorrelationSummary::default();
        let mut after = None;
        loop {
            let page = self.store.list_links(self.partner.clone(), self.today, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.pai);
            for own in &page {
                self.compare_one(own, &mut lists, &mut summary, &mut report);
            }
            progress(summary.pais);
        }
        for list in &lists {
            report_extra(list, &mut summary, &mut report);
        }
        Ok(summary)
    }

    fn compare_one(
        &self,
        own: &LinkRow,
        lists: &mut [List],
        summary: &mut CorrelationSummary,
        report: &mut impl FnMut(Difference),
    ) {
        summary.pais += 1;
        summary.live += u64::from(own.is_live());
        let mut is_to_send = false;
        for list in lists {
            let side = list.side;
            let line = list.take(own);
            compare(side, own, line.as_ref(), |class, ours, theirs| {
                // The partner learns states from onbill, except those of dark PAIs. Whatever else differs is for a
                // person to decide.
                let is_sent = side == ListSide::Partner && !own.is_dark;
                let is_repairable = is_sent && matches!(class, Class::Missing | Class::State);
                is_to_send |= is_repairable;
                *summary.found.entry((side, class)).or_default() += 1;
                let line = line.as_ref().map(|line| line.number);
                report(Difference { side, class, pai: Some(own.pai), line, ours, theirs, is_repairable });
            });
        }
        // One more than may be sent shows that there are too many.
        if is_to_send && summary.to_send.len() <= self.repairs_max {
            summary.to_send.push(own.pai);
        }
    }

    /// Sends the states of these PAIs again, each in a transaction with its entry in the audit.
    /// Returns how many were queued.
    pub async fn send_again(
        &self,
        clock: &dyn Clock,
        stamp: &AuditStamp,
        pais: &[Pai],
    ) -> Result<u64, StoreError> {
        let mut sent = 0;
        for pai in pais {
            let partner = self.partner.clone();
            let queued =
                self.store.send_pai_state_again(clock.now(), stamp.clone(), partner, *pai, "correlation");
            sent += u64::from(queued.await?);
        }
        Ok(sent)
    }
}

/// What is left of a list is not in the ledger. What has ended there need not be.
fn report_extra(list: &List, summary: &mut CorrelationSummary, report: &mut impl FnMut(Difference)) {
    use onbill_domain::pai::PaiState::Closed;
    for (key, line) in list.packed.remaining().filter(|(_, line)| line.state != Closed) {
        let pai = std::str::from_utf8(key).ok().filter(|_| list.side == ListSide::Partner);
        *summary.found.entry((list.side, Class::Extra)).or_default() += 1;
        report(Difference {
            side: list.side,
            class: Class::Extra,
            pai: pai.and_then(Pai::parse),
            line: Some(line.number),
            ours: String::new(),
            theirs: line.state.as_str().to_owned(),
            is_repairable: false,
        });
    }
}
