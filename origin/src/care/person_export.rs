//! All that is kept on one person, for the person who asks: in a form that people read, and in JSON.

use super::desk::CareDesk;
use super::roles::Act;
use crate::account::live_account;
use crate::fault::Failure;
use crate::lifecycle::erasure_file::{ListLine, NOT_A_NUMBER, parse_number, read_line};
use crate::line_problem::{LineProblem, ProblemKind};
use crate::store::{AuditStamp, KeptTable};
use onbill_domain::day::Day;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::io::{self, BufRead};

/// What is kept on one person.
pub struct PersonExport {
    msisdn: Msisdn,
    tables: Vec<KeptTable>,
}

/// Counts of the lines by outcome.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ExportReport {
    pub exported: u64,
    /// No present subscriber of the number has signed up.
    pub not_found: u64,
    /// Lines that are no number.
    pub refused: u64,
}

/// Why a list was not read to its end.
#[derive(Debug)]
pub enum ExportListError {
    /// Reading the list failed.
    Unreadable(io::Error),
    /// Something else failed.
    Failed(Failure),
}

impl CareDesk {
    /// 1. Checks the role: 403 `forbidden`.
    /// 2. Asks the operator's source of accounts who has the number: 503 `service-unavailable` if it
    ///    does not respond. Who had it before is another person.
    /// 3. Records the export in the audit, whatever it finds; then reads. `None` if no present subscriber
    ///    has signed up.
    pub async fn export_person(
        &self,
        nonce: Option<Nonce>,
        stamp: AuditStamp,
        msisdn: Msisdn,
    ) -> Result<Option<PersonExport>, Failure> {
        // 1.
        let stamp = self.gate.admit(nonce.as_ref(), stamp, Act::ExportSubscriber).await?;
        // 2.
        let account = live_account(self.accounts.find_account(&msisdn).await?);
        // 3.
        let subscriber_ref = account.map(|account| account.subscriber_ref);
        let number = self.vault.index_number(&msisdn);
        let found = self.store.look_up_for_export(nonce, self.clock.now(), stamp, number, subscriber_ref);
        let Some(subscriber) = found.await? else { return Ok(None) };
        let tables = self.store.list_kept_rows(subscriber, number).await?;
        Ok(Some(PersonExport { msisdn, tables }))
    }

    /// Exports the people on `list`, one number in each line. `complain` gets each line that is no
    /// number, or whose number has no such subscriber.
    pub async fn export_listed(
        &self,
        stamp: &AuditStamp,
        mut list: impl BufRead,
        mut on_person: impl FnMut(PersonExport),
        mut complain: impl FnMut(LineProblem),
    ) -> Result<ExportReport, ExportListError> {
        let mut report = ExportReport::default();
        for line in 1_u64.. {
            let number = match read_line(&mut list).map_err(ExportListError::Unreadable)? {
                ListLine::End => break,
                ListLine::Empty => continue,
                ListLine::Text(text) => parse_number(self.numbers, &text),
            };
            let Some(number) = number else {
                report.refused += 1;
                complain(LineProblem::of_line(line, ProblemKind::Value, NOT_A_NUMBER));
                continue;
            };
            let exported = self.export_person(None, stamp.clone(), number).await;
            if let Some(person) = exported.map_err(ExportListError::Failed)? {
                report.exported += 1;
                on_person(person);
            } else {
                report.not_found += 1;
                let why = "no present subscriber of this number has signed up";
                complain(LineProblem::of_line(line, ProblemKind::NumberUnknown, why));
            }
        }
        Ok(report)
    }
}

impl PersonExport {
    /// For machines: the tables by their names, with a row for each object. Times are RFC 3339; amounts
    /// are whole minor units, and numbers are text.
    pub fn to_json(&self) -> Value {
        let mut tables = Map::new();
        for table in &self.tables {
            let rows = table.rows.iter().map(|row| {
                let members =
                    values(table, row).map(|(column, value)| (column.to_owned(), Value::from(value)));
                Value::Object(members.collect())
            });
            tables.insert(table.table.to_owned(), rows.collect());
        }
        json!({"msisdn": self.msisdn.expose(), "tables": tables})
    }

    /// For people: a heading for each table that has something, and a line for each value.
    pub fn to_text(&self) -> String {
        let mut text = format!("Number {}\n", self.msisdn.expose());
        for table in self.tables.iter().filter(|table| !table.rows.is_empty()) {
            let _ = writeln!(text, "\n{}\n{}", table.title, "-".repeat(table.title.len()));
            for (n, row) in table.rows.iter().enumerate() {
                if n > 0 {
                    text.push('\n');
                }
                for (column, value) in values(table, row) {
                    // A partner's words may have line breaks, and look like another value.
                    let value = value.replace(char::is_control, " ");
                    let _ = writeln!(text, "{:26} {value}", name_of(column).replace('_', " "));
                }
            }
        }
        text
    }
}

/// The values that are there, with their columns.
fn values<'a>(
    table: &'a KeptTable,
    row: &'a [Option<String>],
) -> impl Iterator<Item = (&'static str, String)> + 'a {
    let named = table.columns.iter().zip(row);
    named.filter_map(move |(column, value)| Some((*column, to_words(table.table, column, value.as_deref()?))))
}

/// A value as people read it: stored times are seconds or nanoseconds since 1970, and some days are counted.
fn to_words(table: &str, column: &str, value: &str) -> String {
    let number = || value.parse::<i64>().ok();
    let time = if column.ends_with("_nanoseconds") {
        number().map(Timestamp::from_unix_nanoseconds)
    } else if column.ends_with("_at") || column == "dark_since" {
        number().map(Timestamp::from_unix_seconds)
    } else {
        None
    };
    if let Some(time) = time {
        return time.to_string();
    }
    match (table, column, number()) {
        ("number_checks", "day", Some(days)) => {
            Day::of_timestamp(Timestamp::from_unix_seconds(days.saturating_mul(86_400))).to_string()
        }
        _ => value.to_owned(),
    }
}

/// The name of a value without its unit, where the value is shown as a time.
fn name_of(column: &str) -> &str {
    column.strip_suffix("_nanoseconds").unwrap_or(column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export() -> PersonExport {
        let row = |values: &[Option<&str>]| values.iter().map(|value| value.map(str::to_owned)).collect();
        PersonExport {
            msisdn: Msisdn::parse("+12025550101").expect("is a number"),
            tables: vec![
                KeptTable {
                    table: "number_checks",
                    title: "Checks",
                    columns: &["day", "partner"],
                    rows: vec![row(&[Some("20775"), Some("netflix")])],
                },
                KeptTable {
                    table: "account_events",
                    title: "Events",
                    columns: &["occurred_at_nanoseconds", "event", "recorded_at", "outcome"],
                    rows: vec![row(&[
                        Some("1795000000000000000"),
                        Some("suspended\nstatus forged"),
                        Some("1795000000"),
                        None,
                    ])],
                },
                KeptTable {
                    table: "pais",
                    title: "Links",
                    columns: &["dark_since", "cut_over_at"],
                    rows: vec![row(&[Some("1795000000"), None])],
                },
                KeptTable { table: "refunds", title: "Refunds", columns: &["refund_id"], rows: Vec::new() },
            ],
        }
    }

    #[test]
    fn machines_read_every_table() {
        let expected = json!({
            "msisdn": "+12025550101",
            "tables": {
                "number_checks": [{"day": "2026-11-18", "partner": "netflix"}],
                "account_events": [{
                    "occurred_at_nanoseconds": "2026-11-18T11:06:40Z",
                    "event": "suspended\nstatus forged",
                    "recorded_at": "2026-11-18T11:06:40Z",
                }],
                "pais": [{"dark_since": "2026-11-18T11:06:40Z"}],
                "refunds": [],
            },
        });
        assert_eq!(export().to_json(), expected);
    }

    #[test]
    fn people_read_what_is_there() {
        let text = export().to_text();
        assert!(text.starts_with("Number +12025550101\n\nChecks\n------\nday "), "{text}");
        assert!(text.contains("\noccurred at                2026-11-18T11:06:40Z\n"), "{text}");
        assert!(text.contains("suspended status forged"), "{text}");
        assert!(!text.contains("Refunds"), "{text}");
    }
}
