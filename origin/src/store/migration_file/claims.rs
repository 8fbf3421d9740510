//! What becomes of the lines of a file of charges.

use super::{Claim, LoadOutcome, LoadRefusal, is_older};
use crate::store::number::Hash;
use onbill_domain::wire::ott::TransactionStatus;
use std::collections::{HashMap, HashSet};

/// What the ledger has of the charges and PAIs of a batch.
#[derive(Default)]
pub(super) struct KnownCharges {
    /// By partner and external id.
    pub(super) charges: HashMap<(String, String), KnownCharge>,
    /// Partner and PAI of each PAI that was loaded, or has gone back to the other system. Of the latter, charges
    /// are taken also if its line is refused: the partner repeats them here after the cut-over.
    pub(super) loaded_pais: HashSet<(String, String)>,
}

pub(super) struct KnownCharge {
    /// `None` for one that was posted here.
    pub(super) fingerprint: Option<Hash>,
    /// The file that it is as in.
    pub(super) file_id: Option<i64>,
    pub(super) status: TransactionStatus,
    /// By both systems, what is pending here included.
    pub(super) refunded_minor: i64,
    /// Its PAI is.
    pub(super) is_dark: bool,
    /// Its PAI has been on here before: the other system's sums have what was given back here.
    pub(super) has_gone_back: bool,
    /// PAI, amount and days are those of the line.
    pub(super) is_same: bool,
    /// What was given back of it here, what is pending included.
    pub(super) refunded_here_minor: i64,
}

/// What is to be written.
#[derive(Default)]
pub(super) struct ClaimWrites<'b> {
    pub(super) claims: Vec<&'b Claim>,
    pub(super) updates: Vec<ClaimUpdate<'b>>,
    /// Charges of our own of which the other system has given more back.
    pub(super) refunds: Vec<MoreGivenBack<'b>>,
}

pub(super) struct ClaimUpdate<'b> {
    pub(super) claim: &'b Claim,
    /// By both systems.
    pub(super) refunded_minor: i64,
}

/// What the other system has given back of a charge that was posted here.
pub(super) struct MoreGivenBack<'b> {
    pub(super) claim: &'b Claim,
    /// By both systems.
    pub(super) refunded_minor: i64,
    /// What that is more than before.
    pub(super) more_minor: i64,
}

/// Plans a batch of a file, whose id is known if it is about to be loaded. No two of its lines have one id, as
/// the check of the files has made sure of.
pub(super) fn plan_claims<'b>(
    known: &KnownCharges,
    file_id: Option<i64>,
    batch: &'b [Claim],
) -> (Vec<LoadOutcome>, ClaimWrites<'b>) {
    let mut writes = ClaimWrites::default();
    let outcomes = batch
        .iter()
        .map(|claim| known.plan(file_id, claim, &mut writes).unwrap_or_else(LoadOutcome::Refused));
    (outcomes.collect(), writes)
}

impl KnownCharges {
    fn plan<'b>(
        &self,
        file_id: Option<i64>,
        claim: &'b Claim,
        writes: &mut ClaimWrites<'b>,
    ) -> Result<LoadOutcome, LoadRefusal> {
        let partner = claim.partner.to_string();
        let Some(known) = self.charges.get(&(partner.clone(), claim.ext_transaction_id.to_string())) else {
            if !self.loaded_pais.contains(&(partner, claim.pai.to_string())) {
                return Err(LoadRefusal::PaiUnknown);
            }
            writes.claims.push(claim);
            return Ok(LoadOutcome::Loaded);
        };
        let Some(fingerprint) = known.fingerprint else { return known.plan_own(claim, writes) };
        // Also a line as it was loaded first: that system has not taken in what was given back here.
        if known.has_gone_back && claim.refunded_minor < known.refunded_minor {
            return Err(LoadRefusal::Changed);
        }
        if fingerprint == claim.fingerprint.to_bytes() {
            return Ok(LoadOutcome::Unchanged);
        }
        // After the cut-over, what it still may bring is the result of a charge that was pending.
        let is_pending = known.status == TransactionStatus::Pending;
        let may_change = known.is_dark || is_pending;
        if !fingerprint.starts_with(&claim.fingerprint.stays) || !may_change {
            return Err(LoadRefusal::Changed);
        }
        // An older file must not undo what a newer one has brought: money that was given back would be given again.
        let refunded_here_minor = if known.has_gone_back { 0 } else { known.refunded_here_minor };
        let refunded_minor = claim.refunded_minor.saturating_add(refunded_here_minor);
        let is_settled_otherwise = !is_pending && claim.status != known.status;
        if is_older(file_id, known.file_id) || is_settled_otherwise || refunded_minor < known.refunded_minor {
            return Err(LoadRefusal::Changed);
        }
        if refunded_minor > claim.amount.amount_minor {
            return Err(LoadRefusal::RefundedAboveCharged);
        }
        writes.updates.push(ClaimUpdate { claim, refunded_minor });
        Ok(LoadOutcome::Updated)
    }
}

impl KnownCharge {
    /// A charge that was posted here, and went back to the other system: it comes again. More of it may have been
    /// given back there, never less.
    fn plan_own<'b>(
        &self,
        claim: &'b Claim,
        writes: &mut ClaimWrites<'b>,
    ) -> Result<LoadOutcome, LoadRefusal> {
        if !self.is_dark || !self.is_same {
            return Err(LoadRefusal::ChargeTaken);
        }
        let refunded_minor = claim.refunded_minor;
        if claim.status != self.status || refunded_minor < self.refunded_minor {
            return Err(LoadRefusal::Changed);
        }
        if refunded_minor > claim.amount.amount_minor {
            return Err(LoadRefusal::RefundedAboveCharged);
        }
        if refunded_minor == self.refunded_minor {
            return Ok(LoadOutcome::Unchanged);
        }
        let more_minor = refunded_minor - self.refunded_minor;
        writes.refunds.push(MoreGivenBack { claim, refunded_minor, more_minor });
        Ok(LoadOutcome::Updated)
    }
}
