//! A month in three records, the ledger, the statement and the extract, and the differences that
//! this generator planted.

mod refunds;

use crate::ledger_file::{FROM, LedgerCharge, LedgerRefund, UNTIL, pai_of};
use onbill_domain::pai::Pai;
use onbill_test_harness::Dice;
use std::collections::BTreeMap;

/// An expected finding: cause, kind, and our id, or theirs where we have none.
pub(crate) type ExpectedFinding = (&'static str, &'static str, String);

/// Charges, their minor units, refunds, their minor units.
pub(crate) type RecordSums = (u64, i128, u64, i128);

/// A line of either file: in the partner's with the partner's ids, in billing's with ours.
#[derive(Clone)]
pub(crate) struct RecordLine {
    kind: &'static str,
    charge: String,
    refund: String,
    pai: String,
    amount: i64,
    currency: &'static str,
    status: &'static str,
    /// Only billing has it.
    code: &'static str,
}

/// Three records of one month, and the truth about them.
#[derive(Default)]
pub(crate) struct GeneratedMonth {
    pub(crate) charges: Vec<LedgerCharge>,
    pub(crate) refunds: Vec<LedgerRefund>,
    statement: Vec<RecordLine>,
    extract: Vec<RecordLine>,
    pub(crate) expected: Vec<ExpectedFinding>,
    /// By currency and record.
    pub(crate) sums: BTreeMap<(&'static str, &'static str), RecordSums>,
}

/// The lines of one charge or refund, to be falsified.
struct EntryLines {
    partner: Vec<RecordLine>,
    bill: Vec<RecordLine>,
}

type Falsify = fn(&mut EntryLines);

/// Changes to the lines of an approved entry, and the findings that they must cause.
const FAULTS: [(&[&str], Falsify); 18] = [
    (&["missing-at-partner"], |l| l.partner.clear()),
    (&["missing-on-bill"], |l| l.bill.clear()),
    (&["missing-at-partner", "missing-on-bill"], |l| (l.partner.clear(), l.bill.clear()).0),
    (&["amount-differs-at-partner"], |l| l.partner[0].amount -= 1),
    (&["amount-differs-on-bill"], |l| l.bill[0].amount -= 7),
    (&["currency-differs-at-partner"], |l| l.partner[0].currency = "CHF"),
    (&["currency-differs-on-bill"], |l| l.bill[0].currency = "CHF"),
    (&["status-differs-at-partner"], |l| l.partner[0].status = "PENDING"),
    (&["status-differs-at-partner"], |l| l.partner[0].status = "DECLINED"),
    (&["pai-differs-at-partner"], |l| l.partner[0].pai = Pai::from_random([0xff; 16]).to_string()),
    (&["twice-at-partner"], |l| l.partner.push(l.partner[0].clone())),
    (&["twice-on-bill"], |l| l.bill.push(l.bill[0].clone())),
    (&["twice-on-bill", "twice-on-bill", "missing-at-partner"], |l| {
        l.bill.extend([l.bill[0].clone(), l.bill[0].clone()]);
        l.partner.clear();
    }),
    (&["twice-at-partner", "amount-differs-at-partner"], |l| {
        l.partner.push(l.partner[0].clone());
        l.partner[1].amount -= 3;
    }),
    (
        &["twice-at-partner", "status-differs-at-partner", "status-differs-at-partner", "missing-on-bill"],
        |l| {
            l.partner[0].status = "PENDING";
            l.partner.push(l.partner[0].clone());
            l.bill.clear();
        },
    ),
    (&["amount-differs-at-partner", "currency-differs-on-bill", "pai-differs-at-partner"], |l| {
        l.partner[0].amount -= 2;
        l.partner[0].pai = Pai::from_random([0xfe; 16]).to_string();
        l.bill[0].currency = "JPY";
    }),
    (&["charge-code-differs-on-bill"], |l| l.bill[0].code = WRONG_CODE),
    (&["charge-code-differs-on-bill", "missing-at-partner"], |l| {
        l.bill[0].code = "";
        l.partner.clear();
    }),
];

/// The charge codes of the month.
pub(crate) const CODES: [&str; 2] = ["OTT-STANDARD", "OTT-PREMIUM"];

/// A charge code that is no charge's.
const WRONG_CODE: &str = "OTT-WRONG";

/// Further changes to those of a refund.
const REFUND_FAULTS: [(&[&str], Falsify); 2] = [
    (&["charge-differs-at-partner"], |l| l.partner[0].charge = "n-of-nobody".to_owned()),
    (&["charge-differs-on-bill"], |l| l.bill[0].charge = "t-of-nobody".to_owned()),
];

impl GeneratedMonth {
    /// Records of this many charges, and a tenth as many refunds. Without faults, all three agree.
    pub(crate) fn new(seed: u64, charges: usize, with_faults: bool) -> Self {
        let (mut month, mut dice) = (Self::default(), Dice::new(seed));
        for n in 0..charges {
            match dice.draw_between(0, 100) {
                0 => month.of_another_period(n, &mut dice, with_faults),
                1 => month.carried_over(n, &mut dice, with_faults),
                2..=4 => month.add_declined(n, &mut dice, with_faults),
                5 => month.add_pending(n, &mut dice, with_faults),
                6 if with_faults => month.of_another_partner(n, &mut dice),
                _ => month.add_approved(n, &mut dice, with_faults),
            }
        }
        dice.shuffle(&mut month.statement);
        dice.shuffle(&mut month.extract);
        month
    }

    /// Adds a row to the ledger.
    fn add_charge(
        &mut self,
        n: usize,
        dice: &mut Dice,
        status: &'static str,
        created: i64,
        settled: Option<i64>,
    ) -> LedgerCharge {
        let amount = dice.draw_between(100, 10_000);
        let charge = LedgerCharge {
            partner: "netflix",
            id: format!("t-{n}"),
            ext_id: format!("n-{}", n * 7),
            pai: pai_of(n),
            amount,
            tax: (!dice.once_in(5)).then(|| dice.draw_between(0, amount / 4)),
            charge_code: Some(CODES[n % 2]),
            currency: if dice.once_in(8) { "EUR" } else { "USD" },
            status,
            created,
            settled,
        };
        self.charges.push(charge.clone());
        charge
    }

    fn expect_findings(&mut self, causes: &[&'static str], kind: &'static str, id: &str) {
        self.expected.extend(causes.iter().map(|cause| (*cause, kind, id.to_owned())));
    }

    fn count_in_sums(&mut self, book: &'static str, kind: &str, currency: &'static str, amount: i64) {
        let sum = self.sums.entry((currency, book)).or_default();
        if kind == "charge" {
            *sum = (sum.0 + 1, sum.1 + i128::from(amount), sum.2, sum.3);
        } else {
            *sum = (sum.0, sum.1, sum.2 + 1, sum.3 + i128::from(amount));
        }
    }

    /// Adds lines to the files; those of the month count in its sums.
    fn put_lines(&mut self, lines: EntryLines, is_of_month: bool) {
        for line in &lines.partner {
            if is_of_month && line.status == "APPROVED" {
                self.count_in_sums("partner", line.kind, line.currency, line.amount);
            }
        }
        for line in &lines.bill {
            if is_of_month {
                self.count_in_sums("bill", line.kind, line.currency, line.amount);
            }
        }
        self.statement.extend(lines.partner);
        self.extract.extend(lines.bill);
    }

    fn of_another_period(&mut self, n: usize, dice: &mut Dice, with_faults: bool) {
        let created = if dice.once_in(2) {
            dice.draw_between(FROM - 5 * 86_400, FROM - 60)
        } else {
            dice.draw_between(UNTIL, UNTIL + 3600)
        };
        let fault = if with_faults { dice.draw_between(0, 10) } else { 9 };
        if fault == 0 && created < FROM {
            // Neither file has it, and its outcome is unknown.
            let charge = self.add_charge(n, dice, "PENDING", created, None);
            return self.expect_findings(&["pending-too-long"], "charge", &charge.id);
        }
        let charge = self.add_charge(n, dice, "APPROVED", created, Some(created + 5));
        let mut lines = lines_of(&charge);
        if let 3 | 4 = fault {
            // Neither file has it in this month, only a refund of it.
            return self.give_back_too_much(n, &charge, &lines, fault == 3);
        }
        self.expect_findings(&["other-period"], "charge", &charge.id);
        if let 1 | 2 = fault {
            lines.bill[0].amount -= 1;
            self.expect_findings(&["amount-differs-on-bill"], "charge", &charge.id);
        }
        self.put_lines(lines, false);
    }

    /// Billed for another partner, and partly refunded.
    fn of_another_partner(&mut self, n: usize, dice: &mut Dice) {
        let created = dice.draw_between(FROM, UNTIL - 60);
        let mut charge = self.add_charge(n, dice, "APPROVED", created, Some(created + 5));
        charge.partner = "hulu";
        let place = self.charges.len() - 1;
        self.charges[place] = charge.clone();
        let id = format!("f-{n}");
        let bill = &lines_of(&charge).bill[0];
        let given_back = RecordLine { kind: "refund", refund: id.clone(), amount: 10, ..bill.clone() };
        self.extract.extend([bill.clone(), given_back]);
        self.expect_findings(&["other-partner"], "charge", &charge.id);
        self.expect_findings(&["other-partner"], "refund", &id);
        self.refunds.push(LedgerRefund {
            ext_id: format!("r-{n}"),
            id,
            charge: place,
            amount: 10,
            status: "APPROVED",
            created: created + 30,
            settled: Some(created + 31),
        });
    }

    /// Posted at the end of one month, approved at the beginning of the next.
    fn carried_over(&mut self, n: usize, dice: &mut Dice, with_faults: bool) {
        let into_this = dice.once_in(2);
        let midnight = if into_this { FROM } else { UNTIL };
        let charge = self.add_charge(n, dice, "APPROVED", midnight - 1, Some(midnight + 300));
        let mut lines = lines_of(&charge);
        if into_this {
            lines.partner.clear();
            if with_faults && dice.once_in(5) {
                return self.expect_findings(&["missing-on-bill"], "charge", &charge.id);
            }
        } else {
            lines.bill.clear();
            self.count_in_sums("ours", "charge", charge.currency, charge.amount);
            self.count_in_sums("bill later", "charge", charge.currency, charge.amount);
        }
        self.expect_findings(&["other-period"], "charge", &charge.id);
        self.put_lines(lines, !into_this);
    }

    fn add_declined(&mut self, n: usize, dice: &mut Dice, with_faults: bool) {
        let created = dice.draw_between(FROM, UNTIL - 60);
        let charge = self.add_charge(n, dice, "DECLINED", created, Some(created + 1));
        let mut lines = lines_of(&charge);
        let billed = with_faults && dice.once_in(10);
        if billed {
            self.expect_findings(&["billed-though-declined"], "charge", &charge.id);
        } else {
            lines.bill.clear();
        }
        // A statement may omit a charge that was not paid.
        if dice.once_in(2) {
            lines.partner.clear();
        }
        self.put_lines(lines, true);
    }

    fn add_pending(&mut self, n: usize, dice: &mut Dice, with_faults: bool) {
        let is_old = with_faults && dice.once_in(4);
        let created = if is_old {
            dice.draw_between(FROM, UNTIL - 3 * 86_400)
        } else {
            dice.draw_between(UNTIL - 3600, UNTIL)
        };
        let charge = self.add_charge(n, dice, "PENDING", created, None);
        if is_old {
            self.expect_findings(&["pending-too-long"], "charge", &charge.id);
        }
        let mut lines = lines_of(&charge);
        if with_faults && dice.once_in(4) {
            self.expect_findings(&["billed-though-pending"], "charge", &charge.id);
        } else {
            lines.bill.clear();
        }
        self.put_lines(lines, true);
    }

    fn add_approved(&mut self, n: usize, dice: &mut Dice, with_faults: bool) {
        let created = dice.draw_between(FROM, UNTIL - 60);
        let settled = created + dice.draw_between(0, 30);
        let charge = self.add_charge(n, dice, "APPROVED", created, Some(settled));
        self.count_in_sums("ours", "charge", charge.currency, charge.amount);
        let mut lines = lines_of(&charge);
        if dice.once_in(10) {
            self.give_back(n, &charge, dice, with_faults);
        } else if with_faults && dice.once_in(40) {
            let kind = dice.draw_between(0, 22);
            match (usize::try_from(kind).ok().and_then(|kind| FAULTS.get(kind)), kind) {
                (Some((causes, spoil)), _) => {
                    spoil(&mut lines);
                    self.expect_findings(causes, "charge", &charge.id);
                }
                (None, 18 | 19) => self.add_unknown_refund(n, &lines, kind == 18),
                (None, _) => self.give_back_too_much(n, &charge, &lines, kind == 20),
            }
        }
        self.put_lines(lines, true);
    }

    /// A line that is not in the ledger.
    fn add_unknown_refund(&mut self, n: usize, lines: &EntryLines, at_partner: bool) {
        let id = format!("x-{n}");
        let (mut partner, mut bill) = (vec![], vec![]);
        if at_partner {
            partner = vec![RecordLine { charge: id.clone(), ..lines.partner[0].clone() }];
            self.expect_findings(&["only-at-partner"], "charge", &id);
        } else {
            bill = vec![RecordLine { charge: id.clone(), ..lines.bill[0].clone() }];
            self.expect_findings(&["only-on-bill"], "charge", &id);
        }
        self.put_lines(EntryLines { partner, bill }, true);
    }

    /// Gives lines of the extract, charges and refunds, another code: the other one, one that is no
    /// charge's, or none. Returns our ids with the right code and the wrong one, in order.
    pub(crate) fn plant_wrong_codes(&mut self, count: usize) -> Vec<(String, String, String)> {
        let step = self.extract.len() / count;
        let lines = self.extract.iter_mut().step_by(step).take(count).enumerate();
        let mut planted: Vec<_> = lines
            .map(|(n, line)| {
                let other = if line.code == CODES[0] { CODES[1] } else { CODES[0] };
                let right = std::mem::replace(&mut line.code, [other, WRONG_CODE, ""][n % 3]);
                let id = if line.kind == "charge" { &line.charge } else { &line.refund };
                (id.clone(), right.to_owned(), line.code.to_owned())
            })
            .collect();
        planted.sort();
        planted
    }

    /// The partner's statement.
    pub(crate) fn write_statement(&self) -> String {
        let header = "date,kind,extTransactionID,extRefundID,pai,amount_minor,currency,status\n".to_owned();
        self.statement.iter().fold(header, |text, line| {
            let RecordLine { kind, charge, refund, pai, amount, currency, status, .. } = line;
            text + &format!("2026-11-30,{kind},{charge},{refund},{pai},{amount},{currency},{status}\n")
        })
    }

    /// Billing's extract.
    pub(crate) fn write_extract(&self) -> String {
        let header = "kind,transactionID,chargeCode,refundID,amount_minor,currency\n".to_owned();
        self.extract.iter().fold(header, |text, line| {
            let RecordLine { kind, charge, refund, amount, currency, code, .. } = line;
            text + &format!("{kind},{charge},{code},{refund},{amount},{currency}\n")
        })
    }
}

/// The lines of a charge in the other records when nothing is wrong.
fn lines_of(charge: &LedgerCharge) -> EntryLines {
    let line = |id: &str| RecordLine {
        kind: "charge",
        charge: id.to_owned(),
        refund: String::new(),
        pai: charge.pai.to_string(),
        amount: charge.amount,
        currency: charge.currency,
        status: charge.status,
        code: charge.charge_code.unwrap_or_default(),
    };
    EntryLines { partner: vec![line(&charge.ext_id)], bill: vec![line(&charge.id)] }
}
