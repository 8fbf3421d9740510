//! `onbill-origin coupons issue` of an operator's file, each coupon for another number. The file comes in as many parts
//! as there are rounds.

use super::{Goal, Line, Row};
use crate::bench::Bench;
use crate::measure::{Round, Side, Unit, measure_in_turn};
use crate::programs::finished::run_to_end;
use crate::programs::keys::OFFER;
use crate::programs::origin::{Origin, msisdn_of};
use anyhow::Result;
use async_trait::async_trait;
use std::fmt::Write as _;
use std::fs;
use std::ops::Range;
use std::time::Duration;

pub(crate) const ROW: Row = Row { name: "coupons", measure: |bench| Box::pin(measure(bench)) };

const COUPONS: usize = 100_000;

async fn measure(bench: &Bench) -> Result<Vec<Line>> {
    let part = bench.scale.amount(COUPONS, 10) / bench.scale.rounds;
    let coupons = part * bench.scale.rounds;
    let settings =
        format!(r#"coupons = {{ tag = "AC", plans = [{{ id = "6M", months = 6, offer = "{OFFER}" }}] }}"#);
    let origin = Origin::set_up(bench, "coupons", None, coupons, &settings).await?;
    let mut verb = Issue { bench, origin: &origin, part, issued: 0 };
    let series = measure_in_turn(bench, Unit::PerSecond, &mut [&mut verb]).await?;
    let [issued] = super::take(series)?;
    let title = format!("bulk issue of {coupons} coupons");
    Ok(vec![Line::new(title, issued, None, &[Goal::ValueAtLeast(5000.0)])])
}

struct Issue<'a> {
    bench: &'a Bench,
    origin: &'a Origin,
    /// Coupons of a round.
    part: usize,
    issued: usize,
}

#[async_trait]
impl Side for Issue<'_> {
    async fn run_round(&mut self, _: Duration) -> Result<Round> {
        let file = self.origin.folder().join("coupons.csv");
        fs::write(&file, coupons_csv(self.issued..self.issued + self.part)?)?;
        self.issued += self.part;
        let mut verb = self.origin.command(self.bench);
        // It fails when it refuses a line.
        verb.args(["coupons", "issue"]).arg(&file);
        Ok(run_to_end(verb, self.origin.folder()).await?.into_round(self.part))
    }

    /// Each round is a program of its own.
    fn warm_up_rounds(&self) -> usize {
        0
    }
}

fn coupons_csv(numbers: Range<usize>) -> Result<String> {
    let mut file = "ext_coupon_id,msisdn,plan,amount,currency,offer,locale\n".to_owned();
    for n in numbers {
        writeln!(file, "campaign-{n:07},{},6M,8999,USD,,en", msisdn_of(n))?;
    }
    Ok(file)
}
