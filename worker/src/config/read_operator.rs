//! Reads an operator's entry, beside what else the deployment has.

use super::Config;
use super::operators::Operator;
use onbill_domain::operator_entry::{EntryFault, OperatorEntry};
use onbill_domain::root_key::derive_operator_keys;
use std::sync::Arc;

impl Config {
    /// Reads and checks an entry of this deployment, and derives the operator's keys. Also returns what
    /// the entry names that this version of the edge does not know, and does without: members,
    /// partners, and epochs while at least one is left.
    pub(crate) fn read_operator(
        &self,
        json: &str,
    ) -> Result<(Arc<Operator>, Option<EntryFault>), EntryFault> {
        let entry = OperatorEntry::parse(json, self.deployment)?;
        let OperatorEntry { id, name, country, origin, dashboards, coupons, logo, font, .. } = entry;
        let mut unknown: Vec<String> =
            entry.unknown_members.iter().map(|member| format!("unknown member {member}")).collect();
        let partners = entry.partners.map(|mut partners| {
            partners.retain(|partner| {
                let is_known = self.find_partner(partner.as_str()).is_some();
                if !is_known {
                    unknown.push(format!("partners names {partner}, which is not in PARTNERS"));
                }
                is_known
            });
            partners
        });
        let (mut epochs, others): (Vec<_>, Vec<_>) =
            entry.key_epochs.into_iter().partition(|epoch| self.roots.iter().any(|root| epoch.is_of(root)));
        if epochs.is_empty() {
            epochs = others;
        } else {
            let lacks = |epoch| format!("key_epochs names {epoch}, and there is no such root key");
            unknown.extend(others.iter().map(lacks));
        }
        let keys = derive_operator_keys(&self.roots, &id, &epochs);
        let keys = keys.map_err(|what| EntryFault::of(&id, what))?;
        let unknown = (!unknown.is_empty()).then(|| EntryFault::of(&id, unknown.join("; ")));
        let read = Operator { id, name, country, origin, dashboards, coupons, logo, font, partners, keys };
        Ok((Arc::new(read), unknown))
    }
}
