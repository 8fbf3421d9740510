//! What becomes of the lines of a file of charges.

use super::{Claim, LoadOutcome, LoadRefusal, PaisAre};
use crate::store::number::Hash;
use onbill_domain::wire::ott::TransactionStatus;
use std::collections::{HashMap, HashSet};

/// What the ledger has of the charges and PAIs of a batch.
#[derive(Default)]
pub(super) struct KnownCharges {
    /// By partner and external id.
    pub(super) charges: HashMap<(String, String), KnownCharge>,
    /// Partner and PAI of each PAI that was loaded.
    pub(super) loaded_pais: HashSet<(String, String)>,
}

pub(super) struct KnownCharge {
    /// `None` for one that was posted here.
    pub(super) fingerprint: Option<Hash>,
    pub(super) status: TransactionStatus,
    /// Its PAI is.
    pub(super) is_dark: bool,
    /// What was given back of it here, what is pending included.
    pub(super) refunded_here_minor: i64,
}

/// What is to be written.
#[derive(Default)]
pub(super) struct ClaimWrites<'b> {
    pub(super) claims: Vec<&'b Claim>,
    pub(super) updates: Vec<ClaimUpdate<'b>>,
}

pub(super) struct ClaimUpdate<'b> {
    pub(super) claim: &'b Claim,
    /// By both systems.
    pub(super) refunded_minor: i64,
}

/// Plans a batch. No two of its lines have one id, as the check of the files has seen to.
pub(super) fn plan_claims<'b>(
    known: &KnownCharges,
    pais: PaisAre,
    batch: &'b [Claim],
) -> (Vec<LoadOutcome>, ClaimWrites<'b>) {
    let mut writes = ClaimWrites::default();
    let outcomes =
        batch.iter().map(|claim| known.plan(pais, claim, &mut writes).unwrap_or_else(LoadOutcome::Refused));
    (outcomes.collect(), writes)
}

impl KnownCharges {
    fn plan<'b>(
        &self,
        pais: PaisAre,
        claim: &'b Claim,
        writes: &mut ClaimWrites<'b>,
    ) -> Result<LoadOutcome, LoadRefusal> {
        let partner = claim.partner.to_string();
        let Some(known) = self.charges.get(&(partner.clone(), claim.ext_transaction_id.to_string())) else {
            if pais == PaisAre::Loaded && !self.loaded_pais.contains(&(partner, claim.pai.to_string())) {
                return Err(LoadRefusal::PaiUnknown);
            }
            writes.claims.push(claim);
            return Ok(LoadOutcome::Loaded);
        };
        let fingerprint = known.fingerprint.ok_or(LoadRefusal::ChargeTaken)?;
        if fingerprint == claim.fingerprint.to_bytes() {
            return Ok(LoadOutcome::Unchanged);
        }
        // After the cut-over, what it still may bring is the result of a charge that was pending.
        let may_change = known.is_dark || known.status == TransactionStatus::Pending;
        if !fingerprint.starts_with(&claim.fingerprint.stays) || !may_change {
            return Err(LoadRefusal::Changed);
        }
        let refunded_minor = claim.refunded_minor.saturating_add(known.refunded_here_minor);
        if refunded_minor > claim.amount.amount_minor {
            return Err(LoadRefusal::RefundedAboveCharged);
        }
        writes.updates.push(ClaimUpdate { claim, refunded_minor });
        Ok(LoadOutcome::Updated)
    }
}
