//! `settlement`: reports what operator and partner owe each other.

use super::files::new_csv;
use super::opening::{database_failed, open_store};
use super::output::{Output, print_line};
use super::period::PeriodArguments;
use super::verb_outcome::VerbOutcome;
use anyhow::{Context as _, bail};
use clap::Args;
use indicatif::ProgressBar;
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::currency::Currency;
use onbill_domain::money::format_amount;
use onbill_domain::timestamp::Timestamp;
use onbill_origin::ambient::{Clock as _, SystemClock};
use onbill_origin::config::SettlementModel;
use onbill_origin::settlement::{
    CodeShares, HEADER, SettlementLine, SettlementSums, Shares, share_by_charge_code, sum_up,
};
use onbill_origin::store::{KeptReport, OpenMode, ReportKind, Store};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Compute what operator and partner owe each other for the charges and refunds settled in a period.
///
/// A charge or refund counts in the period in which its outcome was written (its settled_at). That never changes, so
/// the settlement of a past period is always the same. For each currency:
///
///   net       charges less refunds less tax; the tax of a refund is in proportion to its charge's, and all of it
///             once the charge is refunded in full
///   partner   its share of net, by the settlement of its entry below [[partners]] in the configuration:
///               settlement = { model = "revenue-share", partner_basis_points = 8000 }
///                 80 % of net, rounded once, half to even
///               settlement = { model = "flat-cost", cost = { value = 1200, currency = "USD" } }
///                 12.00 for each charge that stays: one refunded in full does not stay, one refunded in
///                 part does
///   operator  the rest, so that both always sum to net
///
/// A refund that the operator bears (borneBy, as your systems ask for it) takes nothing from the partner's share: it is
/// listed as absorbed, by its amount without tax, and its charge stays.
///
/// You also get these sums for each charge code, under which your billing books. They add up to the currency.
///
/// The operator, who has the money, owes the partner its share; when it is negative, the partner owes the operator.
#[derive(Args)]
#[command(verbatim_doc_comment)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct Arguments {
    #[command(flatten)]
    period: PeriodArguments,
    /// JSON instead of a table; amounts in minor units. isOver says whether the period was over by then.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// CSV instead of a table, a line for each currency; amounts in minor units.
    #[arg(long)]
    csv: bool,
    /// With --csv: a line for each currency and charge code, with the code in a last column.
    #[arg(long, requires = "csv")]
    by_charge_code: bool,
    /// Keep it in the ledger, where the console shows it. It takes the place of the one that was kept of the same
    /// partner and days.
    #[arg(long, verbatim_doc_comment)]
    keep: bool,
    /// Write the charges and refunds behind the sums there (CSV), for each party to check. Minor units; refunds are
    /// negative. The sum of net_minor is net. The sum of stayed is the number of charges with a flat cost.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    lines: Option<PathBuf>,
}

/// One currency of the settlement.
struct Row {
    currency: Currency,
    sums: SettlementSums,
    shares: Shares,
    /// The same by charge code.
    codes: Vec<CodeShares>,
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let (config, store) =
            open_store(config, if self.keep { OpenMode::Migrate } else { OpenMode::ReadOnly }).await?;
        let period = self.period.to_period(&config)?;
        let partner = &self.period.partner;
        let Some(model) = config.settlement_with(partner) else {
            bail!("the configuration has no settlement with {partner}: add [[partners]] settlement = ...");
        };
        let mut file = self.lines.as_deref().map(new_csv).transpose()?;
        if let Some(file) = &mut file {
            file.write_record(HEADER).context("--lines cannot be written")?;
        }
        let mut failed = None;
        let mut by_code: BTreeMap<Currency, BTreeMap<Option<ChargeCode>, SettlementSums>> = BTreeMap::new();
        let bar = ProgressBar::new_spinner();
        let on_line = |line: &SettlementLine| {
            bar.inc(1);
            let codes = by_code.entry(line.currency).or_default();
            line.add_to(codes.entry(line.charge_code.clone()).or_default());
            if let Some(file) = &mut file
                && failed.is_none()
            {
                failed = file.write_record(line.to_csv_record()).err();
            }
        };
        let sums = sum_up(&store, partner, period, on_line).await;
        bar.finish_and_clear();
        let sums = sums.map_err(database_failed)?;
        let flushed = file.as_mut().map_or(Ok(()), csv::Writer::flush);
        failed.map_or(Ok(()), Err).context("--lines cannot be written")?;
        flushed.context("--lines cannot be written")?;

        let rows = sums
            .into_iter()
            .map(|(currency, sums)| {
                let shares = model.share(&sums, currency);
                let codes = by_code.remove(&currency).unwrap_or_default();
                let codes = share_by_charge_code(model, currency, codes);
                let row = shares.zip(codes).map(|(shares, codes)| Row { currency, sums, shares, codes });
                row.with_context(|| {
                    format!("the flat cost of {partner} is not in {currency}, which was charged too")
                })
            })
            .collect::<anyhow::Result<Vec<Row>>>()?;
        let now = SystemClock.now();
        let is_over = now >= period.until;
        if self.keep {
            self.keep_report(&store, now, &self.report_json(&rows, is_over)?).await?;
        }
        if self.json {
            print_line!("{:#}", self.report_json(&rows, is_over)?);
        } else if self.csv {
            print_csv(&rows, is_over, self.by_charge_code)?;
        } else {
            self.print_table(&self.period.title(period, now), model, &rows);
        }
        Ok(VerbOutcome::Clean)
    }

    fn print_table(&self, title: &str, model: SettlementModel, rows: &[Row]) {
        print_line!("{title}");
        match model {
            SettlementModel::RevenueShare { partner_basis_points } => {
                print_line!("revenue share: {} % of net", decimal_percent(partner_basis_points));
            }
            SettlementModel::FlatCost { cost } => print_line!("flat cost: {cost} for each charge that stays"),
        }
        if rows.is_empty() {
            print_line!("\nNothing was settled.");
        }
        for Row { currency, sums, shares, codes } in rows {
            let row = |name: &str, count: String, minor: i128| {
                print_line!("{name:24}{count:>10}{:>20}", format_amount(minor, *currency));
            };
            print_line!("\n{:24}{:>10}{:>20}", currency.as_str(), "lines", "amount");
            row("charges", sums.charges.to_string(), sums.gross_minor);
            row("refunds", sums.refunds.to_string(), -sums.refunds_minor);
            row("tax", String::new(), -sums.tax_minor);
            if sums.absorbed_minor != 0 {
                print_line!(
                    "{:24}{:>30}",
                    "the operator bears",
                    format_amount(sums.absorbed_minor, *currency)
                );
            }
            row("net", String::new(), sums.net_minor());
            if matches!(model, SettlementModel::FlatCost { .. }) {
                print_line!("{:24}{:>10}", "charges that stay", sums.stayed);
            }
            row("partner's share", String::new(), shares.partner_minor);
            row("operator's share", String::new(), shares.operator_minor);
            let owed = format_amount(shares.partner_minor.abs(), *currency);
            let partner = &self.period.partner;
            match shares.partner_minor {
                0 => print_line!("Nobody owes anything."),
                1.. => print_line!("The operator owes {partner} {owed} {currency}."),
                _ => print_line!("{partner} owes the operator {owed} {currency}."),
            }
            print_codes(*currency, codes);
        }
    }

    async fn keep_report(&self, store: &Store, now: Timestamp, settlement: &Value) -> anyhow::Result<()> {
        let report = KeptReport {
            kind: ReportKind::Settlement,
            partner: self.period.partner.clone(),
            from: self.period.from,
            to: self.period.to,
            made_at: now,
            report: settlement.to_string(),
        };
        store.keep_report(report, Vec::new()).await.map_err(database_failed)
    }

    fn report_json(&self, rows: &[Row], is_over: bool) -> anyhow::Result<Value> {
        let rows = rows.iter().map(|row| {
            let codes = row.codes.iter().map(|code| {
                let mut members = to_json(&code.sums, &code.shares)?;
                members.insert("chargeCode".to_owned(), json!(code.charge_code));
                Ok(Value::Object(members))
            });
            let mut members = to_json(&row.sums, &row.shares)?;
            members.insert("currency".to_owned(), json!(row.currency));
            members.insert("chargeCodes".to_owned(), codes.collect::<anyhow::Result<Vec<Value>>>()?.into());
            Ok(Value::Object(members))
        });
        let rows = rows.collect::<anyhow::Result<Vec<Value>>>()?;
        Ok(json!({
            "partner": self.period.partner, "from": self.period.from, "to": self.period.to,
            "isOver": is_over, "currencies": rows,
        }))
    }
}

/// Prints the sums by charge code, if there are any codes.
fn print_codes(currency: Currency, codes: &[CodeShares]) {
    if codes.iter().all(|code| code.charge_code.is_none()) {
        return;
    }
    print_line!(
        "\n{:24}{:>10}{:>18}{:>18}{:>18}",
        format!("{currency} by charge code"),
        "lines",
        "net",
        "partner's",
        "operator's"
    );
    for CodeShares { charge_code, sums, shares } in codes {
        print_line!(
            "{:24}{:>10}{:>18}{:>18}{:>18}",
            charge_code.as_ref().map_or("(none)", ChargeCode::as_str),
            sums.charges + sums.refunds,
            format_amount(sums.net_minor(), currency),
            format_amount(shares.partner_minor, currency),
            format_amount(shares.operator_minor, currency)
        );
    }
}

fn print_csv(rows: &[Row], is_over: bool, by_charge_code: bool) -> anyhow::Result<()> {
    let mut out = csv::Writer::from_writer(Output);
    let mut header = vec![
        "currency",
        "charges",
        "gross_minor",
        "refunds",
        "refunds_minor",
        "tax_minor",
        "net_minor",
        "absorbed_minor",
        "stayed",
        "partner_minor",
        "operator_minor",
        "is_over",
    ];
    header.extend(by_charge_code.then_some("charge_code"));
    out.write_record(header)?;
    for row in rows {
        if by_charge_code {
            for code in &row.codes {
                let mut fields = to_fields(row.currency, &code.sums, &code.shares, is_over)?;
                fields.push(code.charge_code.as_ref().map(ToString::to_string).unwrap_or_default());
                out.write_record(fields)?;
            }
        } else {
            out.write_record(to_fields(row.currency, &row.sums, &row.shares, is_over)?)?;
        }
    }
    Ok(out.flush()?)
}

fn to_fields(
    currency: Currency,
    sums: &SettlementSums,
    shares: &Shares,
    is_over: bool,
) -> anyhow::Result<Vec<String>> {
    let [gross, refunds, tax, net, absorbed, partner, operator] =
        to_amounts(sums, shares)?.map(|minor| minor.to_string());
    Ok(vec![
        currency.to_string(),
        sums.charges.to_string(),
        gross,
        sums.refunds.to_string(),
        refunds,
        tax,
        net,
        absorbed,
        sums.stayed.to_string(),
        partner,
        operator,
        is_over.to_string(),
    ])
}

fn to_json(sums: &SettlementSums, shares: &Shares) -> anyhow::Result<Map<String, Value>> {
    let [gross, refunds, tax, net, absorbed, partner, operator] = to_amounts(sums, shares)?;
    let members = [
        ("charges", json!(sums.charges)),
        ("grossMinor", json!(gross)),
        ("refunds", json!(sums.refunds)),
        ("refundsMinor", json!(refunds)),
        ("taxMinor", json!(tax)),
        ("netMinor", json!(net)),
        ("absorbedMinor", json!(absorbed)),
        ("stayed", json!(i64::try_from(sums.stayed)?)),
        ("partnerMinor", json!(partner)),
        ("operatorMinor", json!(operator)),
    ];
    Ok(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Gross, refunds, tax, net, what the operator bears, the partner's share and the operator's share, as
/// numbers that JSON can carry.
fn to_amounts(sums: &SettlementSums, shares: &Shares) -> anyhow::Result<[i64; 7]> {
    let amounts = [
        sums.gross_minor,
        sums.refunds_minor,
        sums.tax_minor,
        sums.net_minor(),
        sums.absorbed_minor,
        shares.partner_minor,
        shares.operator_minor,
    ];
    let mut numbers = [0; 7];
    for (number, amount) in numbers.iter_mut().zip(amounts) {
        *number = i64::try_from(amount).context("a sum is larger than 64 bits")?;
    }
    Ok(numbers)
}

/// Formats basis points as percent: `80` or `82.5`.
fn decimal_percent(basis_points: u16) -> String {
    let text = format!("{}.{:02}", basis_points / 100, basis_points % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
