//! What is printed at the end: the sums of the three sources, the findings, and the conclusion.

use crate::cli::output::print_line;
use onbill_domain::currency::Currency;
use onbill_domain::money::format_amount;
use onbill_origin::reconciliation::{
    CODES_MAX, Cause, CodeTotals, Finding, Kind, LedgerSum, LedgerTotals, ReportedAmount, Summary,
};
use std::path::Path;

pub(super) fn print_sums(summary: &Summary) {
    for (currency, totals) in &summary.totals.0 {
        print_totals(currency.as_str(), *currency, totals);
    }
    let CodeTotals { codes, others } = &summary.by_charge_code;
    if codes.keys().all(|(_, code)| code.is_empty()) {
        return;
    }
    print_line!("\nThe same by charge code:");
    for ((currency, code), totals) in codes {
        let code = if code.is_empty() { "(none)" } else { code };
        print_totals(&format!("{currency} {code}"), *currency, totals);
    }
    if others.0.is_empty() {
        return;
    }
    print_line!("\nThere are more than {CODES_MAX} charge codes. The others together:");
    for (currency, totals) in &others.0 {
        print_totals(&format!("{currency} (others)"), *currency, totals);
    }
}

fn print_totals(title: &str, currency: Currency, totals: &LedgerTotals) {
    print_line!("\n{title:20}{:>18}{:>10}{:>18}{:>10}{:>18}", "charges", "lines", "refunds", "lines", "net");
    let row = |name: &str, sum: &LedgerSum| {
        print_line!(
            "{name:20}{:>18}{:>10}{:>18}{:>10}{:>18}",
            format_amount(sum.charges_minor, currency),
            sum.charges,
            format_amount(sum.refunds_minor, currency),
            sum.refunds,
            format_amount(sum.net_minor(), currency)
        );
    };
    row("ours", &totals.ours);
    row("partner", &totals.partner);
    row("billing", &totals.bill);
    if totals.bill_later != LedgerSum::default() {
        row("on the next bill", &totals.bill_later);
    }
}

pub(super) fn print_findings(summary: &Summary, listed: &[Finding], file: Option<&Path>) {
    let total: u64 = summary.findings.values().sum();
    if total == 0 {
        return;
    }
    print_line!("\n{:34}{:>10}{:>10}", "findings", "charges", "refunds");
    for cause in Cause::ALL {
        let [charges, refunds] =
            Kind::ALL.map(|kind| summary.findings.get(&(cause, kind)).copied().unwrap_or_default());
        if charges + refunds > 0 {
            print_line!("{cause:34}{charges:>10}{refunds:>10}  {}", cause.meaning());
        }
    }
    for (mended, count) in &summary.mended {
        print_line!("repair: {count} {}", mended.as_str());
    }
    if let Some(file) = file {
        print_line!("All findings are in {}.", file.display());
        return;
    }
    print_line!();
    for finding in listed {
        print_line!("{}", format_finding(finding));
    }
    if total > listed.len() as u64 {
        print_line!("... and {} more: --findings FILE has them all.", total - listed.len() as u64);
    }
}

/// Formats a finding for the terminal: cause, ids, and what each source reports.
fn format_finding(finding: &Finding) -> String {
    let id = match finding.kind {
        Kind::Charge => [&finding.transaction_id, &finding.ext_transaction_id],
        Kind::Refund => [&finding.refund_id, &finding.ext_refund_id],
    };
    let ids: Vec<&str> = id.into_iter().flatten().map(String::as_str).collect();
    let mut parts = vec![format!("{} {} {}", finding.cause, finding.kind.as_str(), ids.join(" = "))];
    let seen = |seen: &ReportedAmount| {
        let amount = format_amount(seen.amount_minor, seen.currency);
        let line = seen.line.map(|line| format!(" (line {line})")).unwrap_or_default();
        format!("{amount} {}{line}", seen.currency)
    };
    parts.extend(finding.ours.map(|(status, amount)| format!("ours {} {amount}", status.as_str())));
    parts.extend(
        finding.partner.map(|partner| format!("partner {} {}", partner.status.as_str(), seen(&partner))),
    );
    parts.extend(finding.bill.map(|bill| format!("billing {}", seen(&bill))));
    if finding.cause == Cause::ChargeCodeDiffersOnBill {
        let [ours, billing] =
            finding.charge_codes.each_ref().map(|code| code.as_deref().filter(|code| !code.is_empty()));
        let (ours, billing) = (ours.unwrap_or("(none)"), billing.unwrap_or("(none)"));
        parts.push(format!("charge code {ours}, billing {billing}"));
    }
    parts.extend(finding.mended.map(|mended| mended.as_str().to_owned()));
    parts.join(" | ")
}

pub(super) fn describe_conclusion(summary: &Summary, unreadable: u64) -> &'static str {
    match (summary.totals.agree(), summary.discrepancies() + unreadable) {
        (true, 0) if summary.totals.0.is_empty() => {
            "There was nothing to compare: no source has money of this period."
        }
        (true, 0) => "Ledger, statement and bill agree to the cent.",
        (true, _) => "The sums of ledger, statement and bill agree to the cent, but not every line does.",
        (false, _) => "Ledger, statement and bill do not agree.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn period_without_money_does_not_agree() {
        let mut summary = Summary::default();
        summary.findings.insert((Cause::OtherPeriod, Kind::Charge), 1);
        assert!(describe_conclusion(&summary, 0).starts_with("There was nothing to compare"));
        assert_eq!(
            describe_conclusion(&summary, 1),
            "The sums of ledger, statement and bill agree to the cent, but not every line does."
        );
    }
}
