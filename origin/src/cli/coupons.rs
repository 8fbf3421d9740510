//! `coupons`: issues and manages coupons, by hand or from a file.

use super::acting::{Acting, record_command};
use super::files::open_file;
use super::opening::{database_failed, open_app, open_store};
use super::output::{self, print_line};
use super::problems::ProblemArguments;
use super::verb_outcome::VerbOutcome;
use anyhow::anyhow;
use clap::{Args, Subcommand};
use onbill_domain::ids::ExtId;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::CouponDetails;
use onbill_origin::ambient::{Clock as _, SystemClock};
use onbill_origin::app::App;
use onbill_origin::coupon::{CouponFileError, issue_file};
use onbill_origin::fault::Failure;
use onbill_origin::store::{CouponFilter, CouponRow, OpenMode, Store};
use std::path::{Path, PathBuf};

/// Coupons read in one page.
const PAGE: u32 = 500;

/// Issue coupons, list them, send them again, and take them back.
///
/// The code of a coupon is in its text message and nowhere else. The origin that serves sends the messages.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Issue the coupons of a CSV file. Exit code 1 when a line was refused.
    ///
    /// The header is ext_coupon_id,msisdn,plan,amount,currency,offer,locale. The amount is in whole minor units
    /// (8999 is 89.99). An empty offer means the plan's own, and an empty locale means English. A line that cannot
    /// be used is left out, and reported by line and column. So are lines that give one id to different coupons.
    /// A coupon that exists by its ext_coupon_id stays as it is: after an interruption, read the same file again.
    #[command(verbatim_doc_comment)]
    Issue {
        /// The file (CSV, UTF-8).
        file: PathBuf,
        #[command(flatten)]
        problems: ProblemArguments,
        #[command(flatten)]
        acting: Acting,
    },
    /// List coupons. With --unpaid or --undelivered, exit code 1 when there are any.
    ///
    /// Columns: STATE, ISSUED AT (UTC), EXPIRES AT, PLAN, AMOUNT, TEXTS (how many were sent), UNDELIVERED (why the
    /// newest one does not arrive), and the operator's id.
    #[command(verbatim_doc_comment)]
    List {
        /// Only those that were redeemed and that billing refused afterwards: they are not paid for.
        #[arg(long)]
        unpaid: bool,
        /// Only those that could still be redeemed, and whose text message does not arrive.
        #[arg(long, conflicts_with = "unpaid")]
        undelivered: bool,
        /// One JSON object per line instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Show all that is known of a coupon, as JSON.
    Show {
        /// The coupon, by the operator's id.
        #[arg(value_parser = parse_ext_id)]
        id: ExtId,
    },
    /// Send a coupon again, with another code: the first one is void from then on. At most four times each.
    ///
    /// The same --ref again sends nothing more.
    #[command(verbatim_doc_comment)]
    Resend {
        /// The coupon, by the operator's id.
        #[arg(value_parser = parse_ext_id)]
        id: ExtId,
        #[command(flatten)]
        acting: Acting,
    },
    /// Take a coupon back, permanently. One that is redeemed stays redeemed.
    Void {
        /// The coupon, by the operator's id.
        #[arg(value_parser = parse_ext_id)]
        id: ExtId,
        #[command(flatten)]
        acting: Acting,
    },
}

fn parse_ext_id(text: &str) -> Result<ExtId, &'static str> {
    ExtId::parse(text).ok_or("is not an identifier: 1 to 128 printable characters without spaces")
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        match self.verb {
            Verb::Issue { file, problems, acting } => {
                let app = open_app_for_change(config).await?;
                issue_coupons(&app, &file, &problems, acting).await
            }
            Verb::List { unpaid, undelivered, json } => {
                let now = SystemClock.now();
                let which = match (unpaid, undelivered) {
                    (true, _) => CouponFilter::Unpaid,
                    (_, true) => CouponFilter::Undelivered(now),
                    _ => CouponFilter::All,
                };
                list_coupons(&open_store(config, OpenMode::ReadOnly).await?.1, now, which, json).await
            }
            Verb::Show { id } => {
                show_coupon(&open_store(config, OpenMode::ReadOnly).await?.1, SystemClock.now(), id).await
            }
            Verb::Resend { id, acting } => {
                let app = open_app_for_change(config).await?;
                let resent = app.coupons.resend(None, acting.into_stamp(&app.config)?, &id).await;
                print_change(&app, "goes out with another code", resent)
            }
            Verb::Void { id, acting } => {
                let app = open_app_for_change(config).await?;
                let voided = app.coupons.void(None, acting.into_stamp(&app.config)?, &id).await;
                print_change(&app, "is void", voided)
            }
        }
    }
}

/// Opens the origin for a change of coupons, unless its database is being recovered.
async fn open_app_for_change(config: &Path) -> anyhow::Result<App> {
    let app = open_app(config, OpenMode::Migrate).await?;
    if app.store.find_recovery_marks().await.map_err(database_failed)?.is_incomplete() {
        anyhow::bail!(
            "the database is being recovered: it may lack coupons, and redemptions of those it has"
        );
    }
    Ok(app)
}

async fn issue_coupons(
    app: &App,
    file: &Path,
    problems: &ProblemArguments,
    acting: Acting,
) -> anyhow::Result<VerbOutcome> {
    let (opened, bar) = open_file(file)?;
    let mut problems = problems.open()?;
    record_command(&app.store, &app.config, acting, "coupons issue").await?;
    let complain = |problem| problems.complain(Some(&bar), file, &problem);
    let report = issue_file(&app.coupons, opened, complain, |position| bar.set_position(position)).await;
    bar.finish_and_clear();
    let finished = problems.finish();
    let report = report.map_err(|stopped| match stopped {
        CouponFileError::Header(complaint) => anyhow!("{}: {complaint}", file.display()),
        CouponFileError::Failed(why) => {
            anyhow!("{why}. The coupons that were made stay. Run it again with the same file to continue")
        }
    })?;
    print_line!(
        "{} coupons made, {} were there before, {} lines refused.",
        report.issued,
        report.repeated,
        report.refused
    );
    finished?;
    Ok(VerbOutcome::findings_if(report.refused > 0))
}

async fn list_coupons(
    store: &Store,
    now: Timestamp,
    which: CouponFilter,
    as_json: bool,
) -> anyhow::Result<VerbOutcome> {
    let (mut after, mut count) = (None, 0_usize);
    loop {
        let page = store.list_coupons(after, which, PAGE).await.map_err(database_failed)?;
        let Some(last) = page.last() else { break };
        after = Some(last.ext_coupon_id.clone());
        if count == 0 && !as_json {
            print_line!(
                "{:9}  {:20}  {:20}  {:6}  {:>14}  {:>5}  {:13}  ID",
                "STATE",
                "ISSUED AT",
                "EXPIRES AT",
                "PLAN",
                "AMOUNT",
                "TEXTS",
                "UNDELIVERED"
            );
        }
        count += page.len();
        if output::is_closed() {
            break;
        }
        for row in page {
            let view = row.view(now);
            if as_json {
                print_line!("{}", serde_json::to_string(&view)?);
                continue;
            }
            let CouponDetails { coupon, plan, amount, sms_count, undelivered, issued_at, expires_at, .. } =
                view;
            print_line!(
                "{:9}  {issued_at:20}  {expires_at:20}  {:6}  {:>14}  {sms_count:>5}  {:13}  {}",
                coupon.state,
                plan.as_str(),
                amount.to_string(),
                undelivered.map_or("", |undelivered| undelivered.reason.as_str()),
                coupon.ext_coupon_id
            );
        }
    }
    if count == 0 && !as_json {
        print_line!("There are none.");
    }
    Ok(VerbOutcome::findings_if(which != CouponFilter::All && count > 0))
}

async fn show_coupon(store: &Store, now: Timestamp, id: ExtId) -> anyhow::Result<VerbOutcome> {
    if let Some(row) = store.find_coupon(id).await.map_err(database_failed)? {
        print_line!("{}", serde_json::to_string_pretty(&row.view(now))?);
        Ok(VerbOutcome::Clean)
    } else {
        print_line!("There is no such coupon.");
        Ok(VerbOutcome::Findings)
    }
}

fn print_change(app: &App, how: &str, row: Result<CouponRow, Failure>) -> anyhow::Result<VerbOutcome> {
    match row {
        Ok(row) => {
            print_line!("{} {how}; it is {} now.", row.ext_coupon_id, row.state(app.now()));
            Ok(VerbOutcome::Clean)
        }
        Err(Failure::Reject(reject)) => {
            print_line!("{}", reject.message);
            Ok(VerbOutcome::Findings)
        }
        Err(Failure::Fault(fault)) => Err(anyhow!("the coupon could not be changed: {fault:?}")),
    }
}
