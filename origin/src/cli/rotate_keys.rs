//! `rotate-keys`: seals everything with the newest key.

use super::opening::{database_failed, open_origin};
use super::output::print_line;
use super::verb_outcome::VerbOutcome;
use anyhow::anyhow;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use onbill_origin::ambient::SystemRandom;
use onbill_origin::keys::Vault;
use onbill_origin::keys::rotation::{RotationError, RotationReport, rotate};
use onbill_origin::store::{OpenMode, SealedAt};
use std::path::Path;

/// Findings that are listed: as many as a person reads.
const LISTED_MAX: usize = 20;

/// Seal every number again with the newest key of use numbers.
///
/// Put the new key last into the ring, restart every origin with it, and run this verb. Charges continue meanwhile.
/// It may stop anywhere, and you can run it again. At the end it reports whether an older key is still in use for
/// sealing. Keep the oldest key in the ring in any case: numbers are found by an index made with it, and that of
/// accounts and events cannot be computed again. You may remove any other older key.
///
/// A value that does not open is reported, and never overwritten.
///
/// Exit code 0 when everything is sealed with the newest key, 1 when something is not, 2 when it could not run.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let (_, keys, store) = open_origin(config, OpenMode::Migrate).await?;
        let vault = Vault::new(&keys).map_err(anyhow::Error::msg)?;
        let bar = ProgressBar::new(PLACES).with_style(ProgressStyle::with_template(
            "{bar:40} {percent:>3}% {msg} {elapsed_precise} {eta} left",
        )?);
        let mut report = RotationReport::default();
        let outcome = rotate(&store, &vault, &SystemRandom, &mut report, |report, at| {
            bar.set_position(position_of(at));
            bar.set_message(format!("{} values", report.seen()));
        })
        .await;
        bar.finish_and_clear();
        if let Err(RotationError::NotServedYet(key)) = &outcome {
            return Err(anyhow!(
                "the origin that was started last seals with key {}, and could not open what is sealed with {}: \
                 start every origin with this ring first",
                key.as_deref().unwrap_or("(it has not reported one)"),
                vault.newest_key_id()
            ));
        }
        print_line!(
            "{} values sealed again with key {}, {} were.",
            report.resealed,
            vault.newest_key_id(),
            report.current
        );
        for at in report.unopened.iter().take(LISTED_MAX) {
            print_line!("does not open, and is left as it is: {}", describe_place(at));
        }
        if report.unopened.len() > LISTED_MAX {
            print_line!("... and {} more that do not open.", report.unopened.len() - LISTED_MAX);
        }
        if let Err(RotationError::Store(error)) = outcome {
            return Err(database_failed(error));
        }
        for (key, count) in &report.left {
            print_line!("{count} values are still sealed with key {key}.");
        }
        if report.left.is_empty() {
            print_line!("No other key is in use for sealing. Keep the oldest in the ring: it finds numbers.");
        } else if report.unopened.is_empty() {
            print_line!(
                "Is there an origin that was not started with this ring? Then start it, and run this again."
            );
        }
        Ok(VerbOutcome::findings_if(!report.is_complete()))
    }
}

/// Steps of the progress bar. Ids of subscribers and flows are random and so evenly spread; the
/// other columns have few rows.
const PLACES: u64 = 4 << 16;

fn position_of(at: &SealedAt) -> u64 {
    let spread = |first: u8, second: u8| u64::from(first) << 8 | u64::from(second);
    match at {
        SealedAt::Subscriber(id) => {
            3 * u64::from_str_radix(id.get(..4).unwrap_or_default(), 16).unwrap_or_default()
        }
        SealedAt::Flow(hash) => (3 << 16) + spread(hash[0], hash[1]),
        SealedAt::BillingFileLine(..) | SealedAt::Message(_) => PLACES,
    }
}

/// Describes the row of a sealed value. Nothing in these ids reveals a number.
fn describe_place(at: &SealedAt) -> String {
    match at {
        SealedAt::Subscriber(id) => format!("subscriber {id}"),
        SealedAt::Flow(hash) => format!("flow {:02x}{:02x}{:02x}{:02x}…", hash[0], hash[1], hash[2], hash[3]),
        SealedAt::BillingFileLine(file, line) => format!("line {line} of file {file}"),
        SealedAt::Message(entry) => format!("entry {entry} of the outbox"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_columns_are_in_scan_order() {
        let places = [
            SealedAt::Subscriber("0000aaaa".to_owned()),
            SealedAt::Subscriber("ffffaaaa".to_owned()),
            SealedAt::Flow([0; 32]),
            SealedAt::Flow([0xff; 32]),
            SealedAt::BillingFileLine("f".to_owned(), 1),
        ];
        let places = places.map(|at| position_of(&at));
        assert!(places.is_sorted() && places[0] == 0 && places[4] == PLACES, "{places:?}");
    }
}
