//! Mandates as evidence for a regulator or in a dispute: lines in a chain of hashes. The chain shows
//! that no line was changed or left out since it was written; it does not sign them.

use crate::store::{MandateEvidence, MandatePlace, Period, Store, StoreError};
use onbill_domain::wire::mandate::{ChainEnd, MandateLine, first_previous, hash_of_text, to_hex};
use serde::Deserialize;
use std::io::{self, BufRead};

/// A chain as far as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceChain {
    /// The place of the last line in the ledger.
    pub last: Option<MandatePlace>,
    pub lines: u64,
    /// The hash of the last line.
    pub hash: String,
}

impl EvidenceChain {
    pub fn begin() -> Self {
        Self { last: None, lines: 0, hash: first_previous() }
    }

    /// The next lines of a period, up to `limit`; fewer than that at the end of the chain.
    pub async fn read_lines(
        &mut self,
        store: &Store,
        period: Period,
        limit: u32,
    ) -> Result<Vec<MandateLine>, StoreError> {
        let page = store.list_mandates(period, self.last, limit).await?;
        page.into_iter().map(|evidence| self.add_line(evidence)).collect()
    }

    fn add_line(&mut self, evidence: MandateEvidence) -> Result<MandateLine, StoreError> {
        let place = evidence.place;
        let mut line = to_line(evidence);
        self.hash = line.chain(&self.hash).map_err(|_| StoreError::Interrupted)?;
        self.lines += 1;
        self.last = Some(place);
        Ok(line)
    }

    pub fn end(&self) -> ChainEnd {
        ChainEnd { lines: self.lines, hash: self.hash.clone() }
    }
}

fn to_line(evidence: MandateEvidence) -> MandateLine {
    let MandateEvidence { place: _, mandate, ended_at, ended_by } = evidence;
    let (subscription, in_force_from) = mandate.in_force.unzip();
    let (terms_id, terms_sha256) = mandate.terms.map(|terms| (terms.id, to_hex(&terms.sha256))).unzip();
    MandateLine {
        mandate_id: mandate.mandate_id,
        partner: mandate.partner,
        pai: mandate.pai,
        offer: mandate.offer,
        plan: mandate.plan,
        price: mandate.price,
        period: "month".to_owned(),
        terms_id,
        terms_sha256,
        words_sha256: mandate.words_sha256.map(|hash| to_hex(&hash)),
        locale: mandate.locale,
        proof: mandate.proof,
        proof_reference: mandate.proof_reference,
        accepted_at: mandate.accepted_at,
        recorded_at: mandate.recorded_at,
        supersedes: mandate.supersedes,
        partner_subscription_id: subscription,
        in_force_from,
        change_id: mandate.change_id,
        ended_at,
        ended_by,
        previous: String::new(),
        hash: String::new(),
    }
}

/// The last line of a file.
#[derive(Deserialize)]
struct EndLine {
    end: ChainEnd,
}

/// Checks a file of lines: how many there are, or what is wrong with it and where.
pub fn verify_chain(file: impl BufRead) -> io::Result<Result<u64, String>> {
    let (mut previous, mut lines) = (first_previous(), 0_u64);
    let mut end: Option<ChainEnd> = None;
    for text in file.lines() {
        let text = text?;
        let at = lines + 1;
        if end.is_some() {
            return Ok(Err(format!("line {at} comes after the end")));
        }
        if let Ok(EndLine { end: stated }) = serde_json::from_str(&text) {
            end = Some(stated);
            continue;
        }
        let Ok(line) = serde_json::from_str::<MandateLine>(&text) else {
            return Ok(Err(format!("line {at} is not a mandate")));
        };
        if hash_of_text(&text).as_ref() != Some(&line.hash) {
            return Ok(Err(format!("line {at} was changed: its hash is another")));
        }
        if line.previous != previous {
            return Ok(Err(format!("before line {at}, a line is missing")));
        }
        (previous, lines) = (line.hash, at);
    }
    Ok(match end {
        Some(end) if end.lines == lines && end.hash == previous => Ok(lines),
        Some(_) => Err(format!("after line {lines}, a line is missing")),
        None => Err(format!("the end is missing after line {lines}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A file of three lines.
    fn file() -> Vec<String> {
        let mut chain = EvidenceChain::begin();
        let mut lines: Vec<String> = (1..=3)
            .map(|n| {
                let mut line: MandateLine = serde_json::from_value(json!({
                    "mandateID": format!("ps-{n}"), "partner": "netflix", "pai": "01010101-0101-4101-8101-010101010101", "plan": "standard",
                    "period": "month", "proof": "pin", "acceptedAt": "2026-11-18T11:06:40Z",
                    "recordedAt": "2026-11-18T11:06:40Z", "previous": "", "hash": "",
                }))
                .expect("is a line");
                chain.hash = line.chain(&chain.hash).expect("is JSON");
                chain.lines += 1;
                serde_json::to_string(&line).expect("is JSON")
            })
            .collect();
        lines.push(json!({"end": chain.end()}).to_string());
        lines
    }

    fn verify(lines: &[String]) -> Result<u64, String> {
        verify_chain(lines.join("\n").as_bytes()).expect("reads")
    }

    #[test]
    fn chain_shows_a_line_that_is_missing_or_changed() {
        let whole = file();
        assert_eq!(verify(&whole), Ok(3));
        for removed in 0..3 {
            let mut lines = whole.clone();
            lines.remove(removed);
            assert!(verify(&lines).is_err_and(|why| why.contains("a line is missing")), "{removed}");
        }
        assert!(verify(&whole[..3]).is_err_and(|why| why.contains("the end is missing")));
        assert!(verify(&[]).is_err());
        let mut swapped = whole.clone();
        swapped.swap(0, 1);
        assert!(verify(&swapped).is_err());
        let mut changed = whole.clone();
        changed[1] = changed[1].replace("standard", "premium");
        assert_eq!(verify(&changed), Err("line 2 was changed: its hash is another".to_owned()));
        let mut longer = whole.clone();
        longer.push(whole[2].clone());
        assert!(verify(&longer).is_err_and(|why| why.contains("after the end")));
    }
}
