//! What was kept of the month: the three sources side by side, with what is wrong between them and why, and
//! what operator and partner owe each other.

use crate::config::Config;
use crate::console::figures::{format_count, format_counted, format_money};
use crate::console::text::show_time;
use crate::reconciliation::{Cause, KeptReconciliation, KeptSum, KeptSums};
use crate::settlement::{KeptSettlement, KeptShares};
use crate::store::{KeptReport, ReportKind};
use maud::{Markup, html};
use onbill_domain::currency::Currency;
use serde::de::DeserializeOwned;

/// The reconciliations that were kept of these days.
pub(super) fn three_sources(config: &Config, reports: &[KeptReport]) -> Markup {
    let reports: Vec<_> = read_reports::<KeptReconciliation>(reports, ReportKind::Reconciliation).collect();
    html! {
        section class="card" {
            h2 { "Ledger, partner and bill" }
            @if reports.is_empty() {
                p class="muted" { "No reconciliation of this month was kept. " code { "onbill-origin reconcile --keep" } " keeps one." }
            }
            @for (report, kept) in &reports {
                h3 { (show_title(config, report)) }
                (show_conclusion(kept))
                (sums_table(kept))
                (causes_table(report, kept))
            }
        }
    }
}

/// The settlements that were kept of these days.
pub(super) fn settlements(config: &Config, reports: &[KeptReport]) -> Markup {
    let reports: Vec<_> = read_reports::<KeptSettlement>(reports, ReportKind::Settlement).collect();
    html! {
        section class="card" {
            h2 { "Settlement" }
            @if reports.is_empty() {
                p class="muted" { "No settlement of this month was kept. " code { "onbill-origin settlement --keep" } " keeps one." }
            }
            @for (report, kept) in &reports {
                h3 { (show_title(config, report)) }
                @if !kept.is_over { p class="warn" { "The period was not over when this was made." } }
                (shares_table(kept))
            }
        }
    }
}

/// A report that this program cannot read is passed over: a newer one has written it.
fn read_reports<T: DeserializeOwned>(
    reports: &[KeptReport],
    kind: ReportKind,
) -> impl Iterator<Item = (&KeptReport, T)> {
    let of_kind = reports.iter().filter(move |report| report.kind == kind);
    of_kind.filter_map(|report| serde_json::from_str(&report.report).ok().map(|kept| (report, kept)))
}

fn show_title(config: &Config, report: &KeptReport) -> Markup {
    html! {
        (config.partner_name(&report.partner)) ", " (report.from) " to " (report.to) " (UTC) "
        span class="muted small" { "made " (show_time(&config.time_zone, report.made_at)) }
    }
}

fn show_conclusion(kept: &KeptReconciliation) -> Markup {
    let is_wrong = kept.causes.iter().any(|cause| !Cause::parse(&cause.cause).is_some_and(Cause::is_note));
    html! {
        @if !kept.agree { p class="bad" { "The sums differ." } }
        @else if is_wrong || kept.unreadable > 0 { p class="warn" { "The sums agree, but not every line does." } }
        @else { p class="good" { "All three agree." } }
        @if kept.unreadable > 0 { p class="warn" { (kept.unreadable) " lines of the files could not be read." } }
    }
}

/// The three nets of a code, and how far the others are from ours.
fn sums_table(kept: &KeptReconciliation) -> Markup {
    let has_codes = kept.sums.iter().any(|sums| sums.charge_code.as_deref() != Some(""));
    html! {
        table {
            caption { "Net sums" }
            thead {
                tr {
                    th scope="col" { "Currency" }
                    @if has_codes { th scope="col" { "Charge code" } }
                    th scope="col" class="amount" { "Our ledger" }
                    th scope="col" class="amount" { "Partner" }
                    th scope="col" class="amount" { "Bill" }
                    th scope="col" class="amount" { "On the next bill" }
                }
            }
            tbody {
                @for sums in &kept.sums {
                    tr {
                        td data-label="Currency" { (sums.currency) }
                        @if has_codes { td data-label="Charge code" { (code_name(sums.charge_code.as_deref())) } }
                        (sum_cell("Our ledger", &sums.ours, sums, true))
                        (sum_cell("Partner", &sums.partner, sums, sums.partner == sums.ours))
                        (sum_cell("Bill", &sums.billing, sums, sums.billing.plus(sums.next_bill) == sums.ours))
                        (sum_cell("On the next bill", &sums.next_bill, sums, true))
                    }
                }
            }
        }
    }
}

fn code_name(code: Option<&str>) -> &str {
    match code {
        None => "(others)",
        Some("") => "(none)",
        Some(code) => code,
    }
}

fn sum_cell(label: &str, sum: &KeptSum, of: &KeptSums, agrees: bool) -> Markup {
    html! {
        td class="amount" data-label=(label) {
            span class=[(!agrees).then_some("bad")] { (format_money(sum.net_minor(), of.currency)) }
            @if !agrees { span class="bad small" { " differs" } }
            br;
            span class="muted small" {
                (format_counted(to_i64(sum.charges), "charge")) ", " (format_counted(to_i64(sum.refunds), "refund"))
            }
        }
    }
}

fn to_i64(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn causes_table(report: &KeptReport, kept: &KeptReconciliation) -> Markup {
    let link = |cause: &str| {
        let KeptReport { partner, from, to, .. } = report;
        format!("/finance/findings?partner={partner}&from={from}&to={to}&cause={cause}")
    };
    html! {
        @if !kept.causes.is_empty() {
            table {
                caption { "What differs, and why" }
                thead {
                    tr {
                        th scope="col" { "Cause" } th scope="col" class="amount" { "Charges" }
                        th scope="col" class="amount" { "Refunds" } th scope="col" { "Meaning" }
                    }
                }
                tbody {
                    @for cause in &kept.causes {
                        tr {
                            td data-label="Cause" { a href=(link(&cause.cause)) { code { (cause.cause) } } }
                            td class="amount" data-label="Charges" { (format_count(to_i64(cause.charges))) }
                            td class="amount" data-label="Refunds" { (format_count(to_i64(cause.refunds))) }
                            td data-label="Meaning" { (Cause::parse(&cause.cause).map_or("", Cause::meaning)) }
                        }
                    }
                }
            }
        }
    }
}

fn shares_table(kept: &KeptSettlement) -> Markup {
    html! {
        table {
            caption { "Shares" }
            thead {
                tr {
                    th scope="col" { "Currency" } th scope="col" { "Charge code" }
                    th scope="col" class="amount" { "Charged" } th scope="col" class="amount" { "Refunded" }
                    th scope="col" class="amount" { "Tax" } th scope="col" class="amount" { "Net" }
                    th scope="col" class="amount" { "Partner’s" } th scope="col" class="amount" { "Operator’s" }
                }
            }
            tbody {
                @for of_currency in &kept.currencies {
                    @for code in &of_currency.charge_codes {
                        (shares_row(of_currency.currency, code.charge_code.as_deref().unwrap_or("(none)"), &code.sums))
                    }
                    (shares_row(of_currency.currency, "all", &of_currency.sums))
                }
            }
        }
    }
}

fn shares_row(currency: Currency, code: &str, sums: &KeptShares) -> Markup {
    let amounts = [
        ("Charged", sums.gross_minor),
        ("Refunded", sums.refunds_minor),
        ("Tax", sums.tax_minor),
        ("Net", sums.net_minor),
        ("Partner’s", sums.partner_minor),
        ("Operator’s", sums.operator_minor),
    ];
    html! {
        tr {
            td data-label="Currency" { (currency) }
            td data-label="Charge code" { (code) }
            @for (label, minor) in amounts {
                td class="amount" data-label=(label) { (format_money(minor, currency)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::sample_config;
    use crate::reconciliation::KeptCause;
    use onbill_domain::day::Day;
    use onbill_domain::ids::PartnerId;
    use onbill_domain::timestamp::Timestamp;

    fn report(kind: ReportKind, report: String) -> KeptReport {
        KeptReport {
            kind,
            partner: PartnerId::parse("netflix").expect("is an id"),
            from: Day::parse("2026-11-01").expect("is a day"),
            to: Day::parse("2026-11-30").expect("is a day"),
            made_at: Timestamp::from_unix_seconds(1_795_000_000),
            report,
        }
    }

    #[test]
    fn difference_is_marked_and_leads_to_its_findings() {
        let sum = |charges_minor| KeptSum { charges: 1, charges_minor, ..KeptSum::default() };
        let sums = KeptSums {
            currency: Currency::parse("USD").expect("is listed"),
            charge_code: Some("VOD<1>".to_owned()),
            ours: sum(1_599),
            partner: sum(1_599),
            billing: sum(1_500),
            next_bill: KeptSum::default(),
        };
        let cause = KeptCause { cause: "amount-differs-on-bill".to_owned(), charges: 1, refunds: 0 };
        let kept = KeptReconciliation {
            sums: vec![sums],
            causes: vec![cause],
            lines: 1,
            unreadable: 0,
            agree: false,
        };
        let text = serde_json::to_string(&kept).expect("is JSON");
        let shown = |text: String| {
            three_sources(&sample_config(), &[report(ReportKind::Reconciliation, text)]).into_string()
        };
        let page = shown(text);
        assert_eq!(page.matches(" differs</span>").count(), 1, "{page}");
        assert!(page.contains("1 charge, 0 refunds") && page.contains("2026-11-18 11:06 UTC"), "{page}");
        assert!(page.contains("VOD&lt;1&gt;") && page.contains("The sums differ."), "{page}");
        let link = "/finance/findings?partner=netflix&amp;from=2026-11-01&amp;to=2026-11-30&amp;cause=amount-differs-on-bill";
        assert!(page.contains(link), "{page}");
        assert!(page.contains("<h3>Netflix, 2026-11-01"), "{page}");
        let unreadable = shown("{}".to_owned());
        assert!(unreadable.contains("No reconciliation"), "{unreadable}");
    }

    #[test]
    fn settlement_has_a_line_for_each_code_and_one_for_all() {
        let sums = r#""charges":2,"grossMinor":3198,"refunds":1,"refundsMinor":600,"taxMinor":98,"netMinor":2500,
            "absorbedMinor":0,"stayed":2,"partnerMinor":2000,"operatorMinor":500"#;
        let text = format!(
            r#"{{"isOver":false,"currencies":[{{{sums},"currency":"USD","chargeCodes":[{{{sums},"chargeCode":"VOD"}}]}}]}}"#
        );
        let page = settlements(&sample_config(), &[report(ReportKind::Settlement, text)]).into_string();
        assert_eq!(page.matches(">20.00<").count(), 2, "{page}");
        assert!(page.contains("not over") && page.contains(">VOD<") && page.contains(">all<"), "{page}");
    }
}
