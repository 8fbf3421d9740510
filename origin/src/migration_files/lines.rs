//! What the store gets of a sound line.

use super::charges::ImportedCharge;
use super::pais::{ImportedPai, ImportedSubscription};
use super::short_hash::short_hash;
use crate::ambient::Random;
use crate::config::Config;
use crate::fault::Fault;
use crate::keys::{StableIds, Vault};
use crate::store::{
    BilledSubscriber, Claim, DarkPai, DarkSubscription, LineFingerprint, MandateRow, NewSubscriberIds,
};
use onbill_domain::encoding::encode_base64url;
use onbill_domain::ids::ExtId;
use onbill_domain::mandate::MandateProof;
use onbill_domain::timestamp::Timestamp;

/// What turns lines into rows.
#[derive(Clone, Copy)]
pub(super) struct RowMaker<'a> {
    pub(super) config: &'a Config,
    pub(super) vault: &'a Vault,
    pub(super) ids: &'a StableIds,
    pub(super) random: &'a dyn Random,
    pub(super) now: Timestamp,
}

impl RowMaker<'_> {
    pub(super) fn make_pai(&self, line: u64, imported: ImportedPai) -> Result<DarkPai, Fault> {
        let subscriber = match &imported.subscriber {
            Some(subscriber) => Some(BilledSubscriber {
                number: self.vault.seal_number(self.random, &subscriber.msisdn)?,
                subscriber_ref: subscriber.subscriber_ref.clone(),
            }),
            None => None,
        };
        Ok(DarkPai {
            line: to_line(line),
            fingerprint: fingerprint_of_pai(&imported, subscriber.as_ref()),
            subscriber,
            subscription: imported.subscription.as_ref().map(|it| self.make_subscription(&imported, it)),
            partner: imported.partner,
            pai: imported.pai,
            state: imported.state,
            since: imported.since,
            paid_until: imported.paid_until,
            fresh: NewSubscriberIds { subscriber_id: self.random.uuid(), handle: self.random.uuid() },
        })
    }

    /// The mandate is in force since the PAI was issued. Nothing but the file proves it.
    fn make_subscription(
        &self,
        imported: &ImportedPai,
        subscription: &ImportedSubscription,
    ) -> DarkSubscription {
        let ImportedSubscription { ext_subscription_id, origin, plan, price } = subscription;
        let id = self.ids.subscription(&imported.partner, ext_subscription_id);
        let offer = self.config.offer_with_plan(&imported.partner, plan);
        let mandate = MandateRow {
            mandate_id: id.clone(),
            partner: imported.partner.clone(),
            pai: imported.pai,
            offer: offer.map(|offer| offer.id.clone()),
            plan: plan.clone(),
            price: *price,
            terms: None,
            words_sha256: None,
            locale: None,
            proof: MandateProof::Imported,
            proof_reference: imported.consent.as_ref().map(|consent| consent.by.clone()),
            accepted_at: imported.consent.as_ref().map_or(imported.since, |consent| consent.at),
            recorded_at: self.now,
            supersedes: None,
            in_force: Some((id.clone(), self.config.time_zone.day_of(imported.since))),
            change_id: None,
        };
        DarkSubscription {
            partner_subscription_id: id,
            ext_subscription_id: ext_subscription_id.clone(),
            source: *origin,
            mandate,
        }
    }

    pub(super) fn make_claim(&self, line: u64, imported: ImportedCharge) -> Claim {
        Claim {
            line: to_line(line),
            fingerprint: fingerprint_of_charge(&imported),
            transaction_id: self.ids.charge(&imported.partner, &imported.ext_transaction_id),
            description: self.config.partner_name(&imported.partner).to_owned(),
            partner: imported.partner,
            ext_transaction_id: imported.ext_transaction_id,
            pai: imported.pai,
            amount: imported.amount,
            refunded_minor: imported.refunded_minor,
            status: imported.status,
            billing_ref: imported.billing_ref,
            posted_at: imported.posted_at,
            service_period: imported.service_period,
        }
    }
}

fn to_line(line: u64) -> i64 {
    i64::try_from(line).unwrap_or(i64::MAX)
}

/// Of a number, its keyed hash is hashed. State and last paid day are what a later file may change.
fn fingerprint_of_pai(imported: &ImportedPai, subscriber: Option<&BilledSubscriber>) -> LineFingerprint {
    let number =
        subscriber.map(|subscriber| encode_base64url(&subscriber.number.index.0)).unwrap_or_default();
    let subscriber_ref = subscriber.map_or("", |subscriber| &subscriber.subscriber_ref);
    let subscription = imported.subscription.as_ref();
    let price = subscription.and_then(|it| it.price).map(|price| price.to_string()).unwrap_or_default();
    let consent = imported.consent.as_ref();
    LineFingerprint {
        stays: short_hash(&[
            imported.partner.as_str(),
            imported.pai.as_str(),
            &number,
            subscriber_ref,
            &imported.since.to_string(),
            subscription.map_or("", |it| it.ext_subscription_id.as_str()),
            subscription.map_or("", |it| it.origin.as_str()),
            subscription.map_or("", |it| it.plan.as_str()),
            &price,
            &consent.map(|consent| consent.at.to_string()).unwrap_or_default(),
            consent.map_or("", |consent| &consent.by),
        ]),
        changes: short_hash(&[
            imported.state.as_str(),
            &imported.paid_until.map(|day| day.to_string()).unwrap_or_default(),
        ]),
    }
}

/// Status, refunds and billing's id are what a later file may change.
fn fingerprint_of_charge(imported: &ImportedCharge) -> LineFingerprint {
    let period = imported.service_period;
    LineFingerprint {
        stays: short_hash(&[
            imported.partner.as_str(),
            imported.ext_transaction_id.as_str(),
            imported.pai.as_str(),
            &imported.amount.to_string(),
            &imported.posted_at.to_string(),
            &period.from().to_string(),
            &period.to().to_string(),
        ]),
        changes: short_hash(&[
            imported.status.as_str(),
            &imported.refunded_minor.to_string(),
            imported.billing_ref.as_ref().map_or("", ExtId::as_str),
        ]),
    }
}
