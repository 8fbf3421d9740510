//! Writes the two files of [`crate::migration_files`] from the ledger, for the way back to another
//! system, or on to another onbill.

use crate::fault::Fault;
use crate::keys::Vault;
use crate::migration_files::{CHARGES_HEADER, PAIS_HEADER};
use crate::store::{HandedBackCharge, HandedBackPai, Store, StoreError};
use onbill_domain::day::Day;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::PaiState;
use onbill_domain::wire::ott::TransactionStatus;
use std::io::Write;

/// Rows that are read at once.
const PAGE: u32 = 1000;

/// What is written.
pub struct WayBack<'a> {
    pub store: &'a Store,
    pub vault: &'a Vault,
    pub partner: PartnerId,
    /// The day of the operator, whose plans and prices are written.
    pub today: Day,
    /// What is as it was loaded is written too.
    pub with_unchanged: bool,
}

/// How much was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub pais: u64,
    pub charges: u64,
    /// Charges about which, or about whose refunds, billing has not decided yet.
    pub pending: u64,
}

/// Why the files were not written.
#[derive(Debug)]
pub enum WayBackError {
    Store(StoreError),
    /// A number cannot be read with the keys of the ring.
    Number(Fault),
    File(csv::Error),
}

impl From<StoreError> for WayBackError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<csv::Error> for WayBackError {
    fn from(error: csv::Error) -> Self {
        Self::File(error)
    }
}

impl WayBack<'_> {
    /// Writes both files. The charges are read last: each of their PAIs is in the first file, or was
    /// issued since, and then the next run has it.
    pub async fn write(
        &self,
        pais: &mut csv::Writer<impl Write>,
        charges: &mut csv::Writer<impl Write>,
        mut progress: impl FnMut(&Written),
    ) -> Result<Written, WayBackError> {
        let mut written = Written::default();
        self.write_pais(pais, &mut written, &mut progress).await?;
        self.write_charges(charges, &mut written, &mut progress).await?;
        pais.flush().map_err(csv::Error::from)?;
        charges.flush().map_err(csv::Error::from)?;
        Ok(written)
    }

    async fn write_pais(
        &self,
        file: &mut csv::Writer<impl Write>,
        written: &mut Written,
        progress: &mut impl FnMut(&Written),
    ) -> Result<(), WayBackError> {
        file.write_record(PAIS_HEADER)?;
        let mut after = None;
        loop {
            let page =
                self.store.list_handed_back_pais(self.partner.clone(), self.today, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.pai);
            for own in page.iter().filter(|own| self.with_unchanged || own.is_changed) {
                file.write_record(self.to_pai_record(own).map_err(WayBackError::Number)?)?;
                written.pais += 1;
            }
            progress(written);
        }
    }

    async fn write_charges(
        &self,
        file: &mut csv::Writer<impl Write>,
        written: &mut Written,
        progress: &mut impl FnMut(&Written),
    ) -> Result<(), WayBackError> {
        file.write_record(CHARGES_HEADER)?;
        let mut after = None;
        loop {
            let page = self.store.list_handed_back_charges(self.partner.clone(), after, PAGE).await?;
            for charge in page.lines.iter().filter(|charge| self.with_unchanged || charge.is_changed) {
                file.write_record(self.to_charge_record(charge))?;
                written.charges += 1;
                written.pending += u64::from(charge.is_pending);
            }
            progress(written);
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// In the order of [`PAIS_HEADER`].
    fn to_pai_record(&self, own: &HandedBackPai) -> Result<[String; PAIS_HEADER.len()], Fault> {
        let subscriber = own.subscriber.as_ref();
        let number = subscriber.map(|known| self.vault.open_number(&known.number.sealed)).transpose()?;
        let subscription = own.subscription.as_ref().filter(|_| own.state != PaiState::Closed);
        let price = subscription.and_then(|subscription| subscription.price);
        let consent = own.consent.as_ref();
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Ok([
            self.partner.to_string(),
            own.pai.to_string(),
            text(number.as_ref().map(onbill_domain::msisdn::Msisdn::expose)),
            text(subscriber.map(|known| known.subscriber_ref.as_str())),
            own.state.as_str().to_owned(),
            own.since.to_string(),
            text(subscription.map(|subscription| subscription.ext_subscription_id.as_str())),
            text(subscription.map(|subscription| subscription.origin.as_str())),
            text(subscription.map(|subscription| subscription.plan.as_str())),
            price.map(|price| price.amount_minor.to_string()).unwrap_or_default(),
            price.map(|price| price.currency.to_string()).unwrap_or_default(),
            own.paid_until.map(|day| day.to_string()).unwrap_or_default(),
            consent.map(|(at, _)| at.to_string()).unwrap_or_default(),
            text(consent.map(|(_, by)| by.as_str())),
        ])
    }

    /// In the order of [`CHARGES_HEADER`]. Nothing of a charge that is not approved was given back, and
    /// billing has no line of one that was declined.
    fn to_charge_record(&self, charge: &HandedBackCharge) -> [String; CHARGES_HEADER.len()] {
        let is_approved = charge.status == TransactionStatus::Approved;
        let has_line = charge.status != TransactionStatus::Declined;
        [
            self.partner.to_string(),
            charge.ext_transaction_id.to_string(),
            charge.pai.to_string(),
            charge.amount.amount_minor.to_string(),
            charge.amount.currency.to_string(),
            if is_approved { charge.refunded_minor } else { 0 }.to_string(),
            charge.status.as_str().to_owned(),
            if has_line { charge.billing_ref.clone() } else { String::new() },
            charge.posted.at.to_string(),
            charge.service_period.from().to_string(),
            charge.service_period.to().to_string(),
        ]
    }
}
