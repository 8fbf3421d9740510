//! Settlement of a hundred thousand lines, against a computation of its own.

use crate::generated_month::{CODES, GeneratedMonth};
use crate::ledger_file::{FROM, LedgerCharge, LedgerFile, LedgerRefund, UNTIL, netflix, november};
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::currency::Currency;
use onbill_domain::money::Money;
use onbill_origin::config::SettlementModel;
use onbill_origin::settlement::{SettlementLine, SettlementSums, share_by_charge_code, sum_up};
use std::collections::{BTreeMap, HashMap};

fn parse_currency(code: &str) -> Currency {
    Currency::parse(code).expect("is listed")
}

async fn settle_november(ledger: &LedgerFile) -> (BTreeMap<Currency, SettlementSums>, Vec<SettlementLine>) {
    let mut lines = Vec::new();
    let store = ledger.open_store();
    let sums = sum_up(&store, &netflix(), november(), |line| lines.push(line.clone())).await.expect("works");
    (sums, lines)
}

fn is_in_november(status: &str, settled: Option<i64>) -> bool {
    status == "APPROVED" && settled.is_some_and(|at| (FROM..UNTIL).contains(&at))
}

/// The same sums, from the generator's rows: each charge with all its refunds, in the order in
/// which they were settled.
fn compute_sums(charges: &[LedgerCharge], refunds: &[LedgerRefund]) -> BTreeMap<Currency, SettlementSums> {
    let mut of_charge: HashMap<usize, Vec<&LedgerRefund>> = HashMap::new();
    for refund in refunds.iter().filter(|refund| refund.status == "APPROVED") {
        of_charge.entry(refund.charge).or_default().push(refund);
    }
    let mut all: BTreeMap<Currency, SettlementSums> = BTreeMap::new();
    for (place, charge) in charges.iter().enumerate() {
        let sums = all.entry(parse_currency(charge.currency)).or_default();
        let tax = charge.tax.unwrap_or(0);
        if is_in_november(charge.status, charge.settled) {
            sums.charges += 1;
            sums.gross_minor += i128::from(charge.amount);
            sums.tax_minor += i128::from(tax);
            sums.stayed += 1;
        }
        let mut refunds = of_charge.remove(&place).unwrap_or_default();
        refunds.sort_by_key(|refund| (refund.settled, refund.id.clone()));
        let (mut left, mut tax_left) = (charge.amount, tax);
        for refund in refunds {
            left -= refund.amount;
            // The tax of the remaining amount, rounded up: the refunded part is rounded down.
            let tax_then = (tax * left + charge.amount - 1) / charge.amount;
            if is_in_november("APPROVED", refund.settled) {
                sums.refunds += 1;
                sums.refunds_minor += i128::from(refund.amount);
                sums.tax_minor -= i128::from(tax_left - tax_then);
                sums.stayed -= i128::from(left == 0);
            }
            tax_left = tax_then;
        }
        assert!(left > 0 || tax_left == 0, "all given back, and so is all tax");
    }
    all.retain(|_, sums| *sums != SettlementSums::default());
    all
}

#[tokio::test]
async fn month_of_a_hundred_thousand_lines_sums_exactly() {
    let month = GeneratedMonth::new(3, 100_000, false);
    let ledger = LedgerFile::new();
    ledger.insert_rows(&month.charges, &month.refunds);
    let (sums, lines) = settle_november(&ledger).await;
    assert_eq!(sums, compute_sums(&month.charges, &month.refunds));
    assert!(lines.len() > 100_000, "{}", lines.len());

    for (currency, sums) in &sums {
        let of_currency = || lines.iter().filter(|line| line.currency == *currency);
        let net: i128 = of_currency().map(|line| i128::from(line.amount_minor - line.tax_minor)).sum();
        let stayed: i128 = of_currency().map(|line| i128::from(line.stayed)).sum();
        assert_eq!((net, stayed), (sums.net_minor(), sums.stayed), "the lines prove the sums");
        let mut by_code: BTreeMap<Option<ChargeCode>, SettlementSums> = BTreeMap::new();
        for line in of_currency() {
            line.add_to(by_code.entry(line.charge_code.clone()).or_default());
        }
        assert_eq!(by_code.len(), CODES.len());
        for points in [0, 1, 3333, 5000, 8000, 8001, 9999, 10_000] {
            let model = SettlementModel::RevenueShare { partner_basis_points: points };
            let shares = model.share(sums, *currency).expect("is in every currency");
            assert_eq!(shares.partner_minor + shares.operator_minor, net);
            // The nearest cent; a tie goes to the even one.
            let off = shares.partner_minor * 10_000 - net * i128::from(points);
            assert!(off.abs() < 5_000 || (off.abs() == 5_000 && shares.partner_minor % 2 == 0), "{points}");
            let codes =
                share_by_charge_code(model, *currency, by_code.clone()).expect("is in every currency");
            let partner: i128 = codes.iter().map(|code| code.shares.partner_minor).sum();
            let operator: i128 = codes.iter().map(|code| code.shares.operator_minor).sum();
            assert_eq!(
                (partner, operator),
                (shares.partner_minor, shares.operator_minor),
                "the codes add up"
            );
        }
        let cost = Money { amount_minor: 1200, currency: *currency };
        let shares = SettlementModel::FlatCost { cost }.share(sums, *currency).expect("is its currency");
        assert_eq!((shares.partner_minor, shares.operator_minor), (1200 * stayed, net - 1200 * stayed));
    }
}

#[tokio::test]
async fn past_month_is_stable_and_refunds_return_tax() {
    let row = |id: &str, created| LedgerCharge {
        partner: "netflix",
        id: format!("t-{id}"),
        ext_id: id.to_owned(),
        pai: crate::ledger_file::pai_of(1),
        amount: 1599,
        tax: Some(100),
        charge_code: (id == "1").then_some("OTT-OLD"),
        currency: "USD",
        status: "APPROVED",
        created,
        settled: Some(created),
    };
    let back = |id: &str, amount, settled| LedgerRefund {
        id: format!("f-{id}"),
        ext_id: id.to_owned(),
        charge: 0,
        amount,
        status: "APPROVED",
        created: settled,
        settled: Some(settled),
    };
    let charges = [row("1", FROM - 100), row("2", FROM)];
    let ledger = LedgerFile::new();
    // A third of an older charge in November; the rest of it in December, which is outside
    // November's settlement.
    ledger.insert_rows(
        &charges,
        &[back("1", 533, FROM + 5), back("2", 533, UNTIL + 5), back("3", 533, UNTIL + 5)],
    );
    let (sums, lines) = settle_november(&ledger).await;
    let november = SettlementSums {
        charges: 1,
        gross_minor: 1599,
        refunds: 1,
        refunds_minor: 533,
        absorbed_minor: 0,
        tax_minor: 100 - 33,
        stayed: 1,
    };
    assert_eq!(sums, BTreeMap::from([(parse_currency("USD"), november)]));
    assert_eq!(lines.iter().map(|line| line.stayed).collect::<Vec<_>>(), [1, 0]);
    let codes = lines.iter().map(|line| line.charge_code.as_ref().map(ChargeCode::as_str));
    assert_eq!(codes.collect::<Vec<_>>(), [None, Some("OTT-OLD")], "a refund has its charge's");

    let store = ledger.open_store();
    let december =
        onbill_origin::store::Period { from: november_end(), until: november_end().plus_seconds(86_400) };
    let sums = sum_up(&store, &netflix(), december, |_| {}).await.expect("works");
    let december = SettlementSums {
        refunds: 2,
        refunds_minor: 1066,
        tax_minor: -67,
        stayed: -1,
        ..SettlementSums::default()
    };
    assert_eq!(sums, BTreeMap::from([(parse_currency("USD"), december)]));
}

fn november_end() -> onbill_domain::timestamp::Timestamp {
    november().until
}
