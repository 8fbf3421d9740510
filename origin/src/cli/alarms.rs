//! `alarms` and `alarms close`: what a person has to look at, and that it is done.

use super::acting::Acting;
use super::opening::{database_failed, open_store};
use super::output::{print_error_line, print_line};
use super::verb_outcome::VerbOutcome;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;
use clap::{Args, Subcommand};
use onbill_domain::timestamp::Timestamp;
use onbill_origin::ambient::{Clock as _, SystemClock};
use onbill_origin::instruments::{Alarm, AlarmKind, StoredAlarm};
use onbill_origin::store::{ALARMS_LISTED_MAX, AlarmFilter, AuditStamp, OpenMode, Store};
use serde_json::json;
use std::path::Path;

/// List the alarms that are active. Exit code 1 when there is one.
///
/// The columns:
///
///   ALARM      the name of the alarm
///   SEVERITY   page or ticket
///   ENDS       a condition ends by itself, an event when you close it
///   SINCE      when it began (UTC)
///   LAST SEEN  when it was noticed last (UTC)
///   COUNT      how often it was noticed since it began
///   SUBJECT    a partner, a file, or our own id of a charge
///   ORIGIN     the origin that it is about; none if it is about the ledger
///
/// docs/operate/alarms.md says what each means, and its first three steps.
///
/// The origin writes alarms within seconds. While the database takes no writes, new ones are in the log, the metrics
/// and the alarm webhook only.
#[derive(Args)]
#[command(verbatim_doc_comment, args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    /// Also list the alarms of the last 90 days that are over.
    #[arg(long)]
    all: bool,
    /// One JSON object per line instead of a table.
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// Close an event that you have dealt with. Exit code 1 when it was not active.
    ///
    /// A condition cannot be closed: it ends by itself when its reason is gone.
    #[command(verbatim_doc_comment)]
    Close {
        /// The alarm, as it is listed.
        #[arg(value_parser = PossibleValuesParser::new(Alarm::ALL.map(Alarm::as_str)).map(|word| parse_alarm(&word)))]
        alarm: Alarm,
        /// Its subject, as it is listed; without one, all alarms of this name are closed.
        subject: Option<String>,
        #[command(flatten)]
        acting: Acting,
    },
}

fn parse_alarm(word: &str) -> Alarm {
    Alarm::parse(word).expect("clap takes the words of alarms only")
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        match self.verb {
            None => {
                let (_, store) = open_store(config, OpenMode::ReadOnly).await?;
                list_alarms(&store, self.all, self.json).await
            }
            Some(Verb::Close { alarm, .. }) if alarm.kind() == AlarmKind::Condition => {
                anyhow::bail!(
                    "{0} ends by itself when its reason is gone: docs/operate/alarms.md#{0} says what to do",
                    alarm.as_str()
                )
            }
            Some(Verb::Close { alarm, subject, acting }) => {
                let (config, store) = open_store(config, OpenMode::Migrate).await?;
                let stamp = acting.into_stamp(&config)?;
                close_alarms(&store, SystemClock.now(), stamp, alarm, subject).await
            }
        }
    }
}

async fn list_alarms(store: &Store, all: bool, as_json: bool) -> anyhow::Result<VerbOutcome> {
    let filter = if all { AlarmFilter::All } else { AlarmFilter::Active };
    let alarms = store.list_alarms(filter).await.map_err(database_failed)?;
    let is_active = alarms.iter().any(|alarm| alarm.cleared_at.is_none());
    if !as_json && !alarms.is_empty() {
        print_line!(
            "{:26}  {:8}  {:9}  {:20}  {:20}  {:>6}  {:36}  {}{}",
            "ALARM",
            "SEVERITY",
            "ENDS",
            "SINCE",
            "LAST SEEN",
            "COUNT",
            "SUBJECT",
            if all { "OVER SINCE            " } else { "" },
            "ORIGIN"
        );
    }
    for alarm in &alarms {
        if as_json { print_json(alarm) } else { print_row(alarm, all) }
    }
    if alarms.len() == ALARMS_LISTED_MAX {
        print_error_line!("There are more than {ALARMS_LISTED_MAX}: the rest is not listed.");
    }
    if !is_active && !as_json {
        print_line!("There is no active alarm.");
    }
    Ok(VerbOutcome::findings_if(is_active))
}

fn print_json(alarm: &StoredAlarm) {
    print_line!(
        "{}",
        json!({
            "alarm": alarm.alarm.as_str(), "severity": alarm.alarm.severity().as_str(),
            "kind": alarm.alarm.kind().as_str(), "subject": alarm.subject, "instance": alarm.instance,
            "raisedAt": alarm.raised_at, "lastSeenAt": alarm.last_seen_at, "count": alarm.count,
            "endsAt": alarm.ends_at, "clearedAt": alarm.cleared_at,
        })
    );
}

fn print_row(alarm: &StoredAlarm, all: bool) {
    let ends = match alarm.alarm.kind() {
        AlarmKind::Condition => "by itself",
        AlarmKind::Event => "close it",
    };
    let over = |at: Option<Timestamp>| format!("{:20}  ", at.map(|at| at.to_string()).unwrap_or_default());
    print_line!(
        "{:26}  {:8}  {ends:9}  {:20}  {:20}  {:>6}  {:36}  {}{}",
        alarm.alarm.as_str(),
        alarm.alarm.severity().as_str(),
        alarm.raised_at.to_string(),
        alarm.last_seen_at.to_string(),
        alarm.count,
        alarm.subject,
        if all { over(alarm.cleared_at) } else { String::new() },
        alarm.instance
    );
}

async fn close_alarms(
    store: &Store,
    now: Timestamp,
    stamp: AuditStamp,
    alarm: Alarm,
    subject: Option<String>,
) -> anyhow::Result<VerbOutcome> {
    let closed = store.close_seen_alarms(now, stamp, alarm, subject).await.map_err(database_failed)?;
    match closed {
        0 => print_line!("{} is not active.", alarm.as_str()),
        1 => print_line!("{} is closed.", alarm.as_str()),
        several => print_line!("{several} alarms {} are closed.", alarm.as_str()),
    }
    Ok(VerbOutcome::findings_if(closed == 0))
}
