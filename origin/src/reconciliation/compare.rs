//! The rules that compare one charge or refund of our ledger with its lines in the statement and on
//! the bill. Pure; each line of a file is compared by itself, so that a duplicate hides nothing.

use super::cause::Cause;
use super::own::LedgerLine;
use super::reported_line::{Copies, ReportedLine};
use crate::store::Period;
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionStatus::{Approved, Declined, Pending};

/// The parameters of a comparison.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// The days that are reconciled.
    pub(super) period: Period,
    pub(super) now: Timestamp,
    /// For how long an outcome may be unknown, in seconds.
    pub(super) pending_seconds_max: i64,
}

/// Something that is wrong, and the lines that show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Discrepancy<'a> {
    pub(super) cause: Cause,
    pub(super) partner: Option<&'a ReportedLine>,
    pub(super) bill: Option<&'a ReportedLine>,
}

impl Rules {
    /// Whether it was posted in the period: only then is the partner expected to have it, and only
    /// then is it in the sums.
    pub(super) fn is_within(&self, own: &LedgerLine) -> bool {
        self.period.has(own.created_at)
    }

    /// Whether its line must be on the bill of the period. A charge or refund that was posted at
    /// the end of a period may have been settled in the next: then its line is expected there.
    fn is_on_this_bill(&self, own: &LedgerLine) -> bool {
        own.status == Approved && own.settled_at.is_some_and(|at| self.period.has(at))
    }

    /// Whether it was posted in the period and its line may be on the next bill.
    pub(super) fn may_be_on_next_bill(&self, own: &LedgerLine) -> bool {
        self.is_within(own) && own.status == Approved && !self.is_on_this_bill(own)
    }

    /// Finds everything that is wrong with it.
    pub(super) fn compare<'a>(
        &self,
        own: &LedgerLine,
        partner: Option<&'a Copies>,
        bill: Option<&'a Copies>,
    ) -> Vec<Discrepancy<'a>> {
        let (on_statement, on_bill) = (partner.map(|c| &c.first), bill.map(|c| &c.first));
        let mut found = Vec::new();
        let mut say = |cause, partner, bill| found.push(Discrepancy { cause, partner, bill });
        if own.status == Pending && self.now.seconds_since(own.created_at) > self.pending_seconds_max {
            say(Cause::PendingTooLong, on_statement, on_bill);
        }
        if partner.is_none() && own.status == Approved && self.is_within(own) {
            say(Cause::MissingAtPartner, None, on_bill);
        }
        for line in partner.into_iter().flat_map(Copies::all) {
            compare_with_statement(own, line, |cause| say(cause, Some(line), on_bill));
        }
        for line in partner.into_iter().flat_map(|copies| &copies.more) {
            say(Cause::TwiceAtPartner, Some(line), on_bill);
        }
        if bill.is_none() && self.is_on_this_bill(own) {
            say(Cause::MissingOnBill, on_statement, None);
        }
        for line in bill.into_iter().flat_map(Copies::all) {
            compare_with_bill(own, line, |cause| say(cause, on_statement, Some(line)));
        }
        for line in bill.into_iter().flat_map(|copies| &copies.more) {
            say(Cause::TwiceOnBill, on_statement, Some(line));
        }
        let is_elsewhere = !self.is_within(own) && (partner.is_some() || bill.is_some());
        if is_elsewhere || (bill.is_none() && self.may_be_on_next_bill(own)) {
            say(Cause::OtherPeriod, on_statement, on_bill);
        }
        found
    }
}

/// Compares one line of the statement.
fn compare_with_statement(own: &LedgerLine, line: &ReportedLine, mut say: impl FnMut(Cause)) {
    match compare_amounts(own, line) {
        Amounts::Same => {}
        Amounts::Differ => say(Cause::AmountDiffersAtPartner),
        Amounts::OtherCurrency => say(Cause::CurrencyDiffersAtPartner),
    }
    if line.status != own.status {
        say(Cause::StatusDiffersAtPartner);
    }
    if line.pai.is_some_and(|pai| pai != own.pai) {
        say(Cause::PaiDiffersAtPartner);
    }
    if line.charge.as_deref().is_some_and(|charge| charge != own.ext_transaction_id.as_str()) {
        say(Cause::ChargeDiffersAtPartner);
    }
}

/// Compares one line of the extract.
fn compare_with_bill(own: &LedgerLine, line: &ReportedLine, mut say: impl FnMut(Cause)) {
    match compare_amounts(own, line) {
        Amounts::Same => {}
        Amounts::Differ => say(Cause::AmountDiffersOnBill),
        Amounts::OtherCurrency => say(Cause::CurrencyDiffersOnBill),
    }
    match own.status {
        Approved => {}
        Declined => say(Cause::BilledThoughDeclined),
        Pending => say(Cause::BilledThoughPending),
    }
    if line.charge.as_deref().is_some_and(|charge| charge != own.billed_as) {
        say(Cause::ChargeDiffersOnBill);
    }
    // Where the ledger has no code, billing got none and has chosen one of its own.
    let ours = own.charge_code.as_ref().map(ChargeCode::as_str);
    if line.charge_code.as_deref().zip(ours).is_some_and(|(theirs, ours)| theirs != ours) {
        say(Cause::ChargeCodeDiffersOnBill);
    }
}

enum Amounts {
    Same,
    Differ,
    /// Amounts of two currencies cannot be compared any further.
    OtherCurrency,
}

fn compare_amounts(own: &LedgerLine, line: &ReportedLine) -> Amounts {
    if line.amount.currency != own.amount.currency {
        Amounts::OtherCurrency
    } else if line.amount == own.amount {
        Amounts::Same
    } else {
        Amounts::Differ
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconciliation::Kind;
    use onbill_domain::currency::Currency;
    use onbill_domain::ids::ExtId;
    use onbill_domain::money::Money;
    use onbill_domain::pai::Pai;
    use onbill_domain::wire::ott::TransactionStatus;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    fn rules() -> Rules {
        let period = Period { from: at(1000), until: at(2000) };
        Rules { period, now: at(2500), pending_seconds_max: 600 }
    }

    fn usd(amount_minor: i64) -> Money {
        Money { amount_minor, currency: Currency::parse("USD").expect("is listed") }
    }

    fn own(status: TransactionStatus, created: i64, settled: Option<i64>) -> LedgerLine {
        LedgerLine {
            kind: Kind::Charge,
            transaction_id: "t".to_owned(),
            billed_as: "t".to_owned(),
            is_claim: false,
            ext_transaction_id: ExtId::parse("n").expect("is an id"),
            refund: None,
            pai: Pai::from_random([1; 16]),
            amount: usd(1599),
            charge_code: ChargeCode::parse("OTT-1"),
            status,
            created_at: at(created),
            settled_at: settled.map(at),
        }
    }

    fn line(change: impl FnOnce(&mut ReportedLine)) -> Copies {
        let pai = Some(Pai::from_random([1; 16]));
        let mut first = ReportedLine {
            number: 2,
            amount: usd(1599),
            status: Approved,
            pai,
            charge: None,
            charge_code: None,
            details: None,
        };
        change(&mut first);
        Copies { first, more: Vec::new() }
    }

    fn causes(
        own: &LedgerLine,
        partner: impl Into<Option<Copies>>,
        bill: impl Into<Option<Copies>>,
    ) -> Vec<Cause> {
        let (partner, bill) = (partner.into(), bill.into());
        rules().compare(own, partner.as_ref(), bill.as_ref()).iter().map(|found| found.cause).collect()
    }

    #[test]
    fn each_thing_that_is_wrong_has_its_cause() {
        use Cause::*;
        let good = || Some(line(|_| {}));
        let other = || Money { currency: Currency::parse("EUR").expect("is listed"), ..usd(1599) };
        let approved = own(Approved, 1500, Some(1501));
        let uncoded = LedgerLine { charge_code: None, ..approved.clone() };
        let of_a_claim = LedgerLine { billed_as: "line-1".to_owned(), ..approved.clone() };
        let declined = own(Declined, 1500, Some(1501));
        let pending = own(Pending, 1500, None);
        let young = own(Pending, 1950, None);
        for (own, partner, bill, expected) in [
            (&approved, good(), good(), vec![]),
            (&approved, None, good(), vec![MissingAtPartner]),
            (&approved, good(), None, vec![MissingOnBill]),
            (&approved, None, None, vec![MissingAtPartner, MissingOnBill]),
            (&approved, Some(line(|l| l.amount = usd(1))), good(), vec![AmountDiffersAtPartner]),
            (&approved, Some(line(|l| l.amount = other())), good(), vec![CurrencyDiffersAtPartner]),
            (&approved, Some(line(|l| l.status = Pending)), good(), vec![StatusDiffersAtPartner]),
            (&approved, Some(line(|l| l.pai = None)), good(), vec![]),
            (
                &approved,
                Some(line(|l| l.pai = Some(Pai::from_random([2; 16])))),
                good(),
                vec![PaiDiffersAtPartner],
            ),
            (&approved, Some(line(|l| l.charge = Some("m".into()))), good(), vec![ChargeDiffersAtPartner]),
            (&approved, good(), Some(line(|l| l.amount = usd(1))), vec![AmountDiffersOnBill]),
            (&approved, good(), Some(line(|l| l.amount = other())), vec![CurrencyDiffersOnBill]),
            (&approved, good(), Some(line(|l| l.charge = Some("s".into()))), vec![ChargeDiffersOnBill]),
            (&of_a_claim, good(), Some(line(|l| l.charge = Some("line-1".into()))), vec![]),
            (&of_a_claim, good(), Some(line(|l| l.charge = Some("t".into()))), vec![ChargeDiffersOnBill]),
            (&approved, good(), Some(line(|l| l.charge_code = Some("OTT-1".into()))), vec![]),
            (
                &approved,
                good(),
                Some(line(|l| l.charge_code = Some("OTT-2".into()))),
                vec![ChargeCodeDiffersOnBill],
            ),
            (
                &approved,
                good(),
                Some(line(|l| l.charge_code = Some("".into()))),
                vec![ChargeCodeDiffersOnBill],
            ),
            (&uncoded, good(), Some(line(|l| l.charge_code = Some("OTT-2".into()))), vec![]),
            (&declined, None, None, vec![]),
            (&declined, Some(line(|l| l.status = Declined)), None, vec![]),
            (&declined, good(), good(), vec![StatusDiffersAtPartner, BilledThoughDeclined]),
            (&young, None, None, vec![]),
            (&young, Some(line(|l| l.status = Pending)), good(), vec![BilledThoughPending]),
            (&pending, None, good(), vec![PendingTooLong, BilledThoughPending]),
        ] {
            assert_eq!(causes(own, partner.clone(), bill.clone()), expected, "{partner:?} {bill:?}");
        }
    }

    #[test]
    fn line_that_is_there_twice_hides_nothing() {
        use Cause::*;
        let approved = own(Approved, 1500, Some(1501));
        let mut partner = line(|_| {});
        partner.more = vec![line(|l| l.amount = usd(1)).first];
        let mut bill = line(|l| l.amount = usd(2));
        bill.more = vec![line(|_| {}).first, line(|_| {}).first];
        assert_eq!(
            causes(&approved, Some(partner), Some(bill)),
            [AmountDiffersAtPartner, TwiceAtPartner, AmountDiffersOnBill, TwiceOnBill, TwiceOnBill]
        );
    }

    #[test]
    fn period_boundaries_make_no_false_findings() {
        use Cause::*;
        let good = || Some(line(|_| {}));
        let carried_out = own(Approved, 1999, Some(2100));
        assert_eq!(causes(&carried_out, good(), None), [OtherPeriod]);
        assert_eq!(causes(&carried_out, good(), good()), [], "billing dates it before we do");
        assert_eq!(causes(&carried_out, None, None), [MissingAtPartner, OtherPeriod]);
        let carried_in = own(Approved, 900, Some(1100));
        assert_eq!(causes(&carried_in, None, good()), [OtherPeriod]);
        assert_eq!(causes(&carried_in, None, None), [MissingOnBill]);
        for elsewhere in [own(Approved, 900, Some(901)), own(Approved, 2001, Some(2002))] {
            assert_eq!(causes(&elsewhere, None, None), []);
            assert_eq!(causes(&elsewhere, good(), None), [OtherPeriod]);
            let wrong = Some(line(|l| l.amount = usd(1)));
            assert_eq!(causes(&elsewhere, None, wrong), [AmountDiffersOnBill, OtherPeriod]);
        }
    }
}
