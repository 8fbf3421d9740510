//! Refunds of the generated month, right ones and wrong ones.

use super::{EntryLines, FAULTS, GeneratedMonth, REFUND_FAULTS, RecordLine, lines_of};
use crate::ledger_file::{LedgerCharge, LedgerRefund, NOW, UNTIL};
use onbill_test_harness::Dice;

impl GeneratedMonth {
    /// A refund that is not in the ledger, of more than its charge.
    pub(super) fn give_back_too_much(
        &mut self,
        n: usize,
        charge: &LedgerCharge,
        lines: &EntryLines,
        at_partner: bool,
    ) {
        let id = format!("y-{n}");
        let of = |line: &RecordLine| RecordLine {
            kind: "refund",
            refund: id.clone(),
            amount: charge.amount + 1,
            ..line.clone()
        };
        let (partner, bill) = if at_partner {
            (vec![of(&lines.partner[0])], vec![])
        } else {
            (vec![], vec![of(&lines.bill[0])])
        };
        let (only, exceed) = if at_partner {
            ("only-at-partner", "refunds-exceed-charge-at-partner")
        } else {
            ("only-on-bill", "refunds-exceed-charge-on-bill")
        };
        self.expect_findings(&[only], "refund", &id);
        self.expect_findings(&[exceed], "charge", &charge.id);
        self.put_lines(EntryLines { partner, bill }, true);
    }

    /// One refund or two, of part of a charge or of all of it.
    pub(super) fn give_back(&mut self, n: usize, charge: &LedgerCharge, dice: &mut Dice, with_faults: bool) {
        let place = self.charges.len() - 1;
        let first = if dice.once_in(3) { charge.amount } else { dice.draw_between(10, charge.amount - 10) };
        let mut parts = vec![first];
        if first < charge.amount && dice.once_in(2) {
            parts.push(if dice.once_in(2) { charge.amount - first } else { 10 });
        }
        for (part, amount) in parts.into_iter().enumerate() {
            let created = dice.draw_between(charge.created + 31, UNTIL);
            let is_stuck = with_faults && dice.once_in(20);
            let refund = LedgerRefund {
                id: format!("f-{n}-{part}"),
                ext_id: format!("r-{n}-{part}"),
                charge: place,
                amount,
                status: if is_stuck { "PENDING" } else { "APPROVED" },
                created,
                settled: (!is_stuck).then_some(created),
            };
            self.refunds.push(refund.clone());
            if is_stuck {
                if NOW.unix_seconds() - created > 86_400 {
                    self.expect_findings(&["pending-too-long"], "refund", &refund.id);
                }
                continue;
            }
            self.count_in_sums("ours", "refund", charge.currency, amount);
            let mut lines = lines_of(charge);
            for line in lines.partner.iter_mut().chain(&mut lines.bill) {
                (line.kind, line.amount) = ("refund", amount);
            }
            lines.partner[0].refund.clone_from(&refund.ext_id);
            lines.bill[0].refund.clone_from(&refund.id);
            if with_faults && dice.once_in(10) {
                let faults = [&FAULTS[..], &REFUND_FAULTS].concat();
                let at = dice.draw_between(0, i64::try_from(faults.len()).expect("are few"));
                let (causes, spoil) = faults[usize::try_from(at).expect("is an index")];
                spoil(&mut lines);
                self.expect_findings(causes, "refund", &refund.id);
            }
            self.put_lines(lines, true);
        }
    }
}
