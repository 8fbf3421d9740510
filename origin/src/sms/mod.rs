//! SMS to customers: one trait, and an adapter for each kind of gateway that operators have.
//!
//! An adapter sends once, and returns what it knows of the result. Whether and when an SMS is sent
//! again is decided by the queue, and so is keeping it: nothing is stored here. What a gateway
//! reports of a message later is a [`DeliveryReceipt`]. No number and no text is ever logged.

mod counted;
mod csp;
mod gateway;
mod gsm7;
mod kannel;
mod parts;
mod receipt;
mod smpp;
mod values;
mod words;

pub use gateway::{RetryCause, SendSmsResult, Sms, SmsGateway};
pub(crate) use kannel::KannelReport;
pub use receipt::{DeliveryReceipt, DeliveryState, ReceiptNotStored, ReceiptSink};
pub(crate) use values::{day_text, price_text};
#[cfg(test)]
pub(crate) use words::assert_parts;
pub(crate) use words::{months_text, sms_words};

use crate::ambient::{Clock, Random};
use crate::config::SmsSettings;
use crate::http::{CspClient, Peer};
use crate::instruments::Instruments;
use std::sync::Arc;

/// The number of SMS parts of a text, and whether it is in the GSM alphabet.
#[cfg(test)]
pub(crate) fn parts_of(text: &str) -> Option<(usize, bool)> {
    let parts = parts::split_sms(text, 0)?;
    Some((parts.messages.len(), parts.alphabet == parts::Alphabet::Gsm))
}

/// Opens the gateway that a configuration names. The error says what to correct.
pub fn open_gateway(
    settings: &SmsSettings,
    csp: &Arc<CspClient>,
    peer: &Arc<dyn Peer>,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
    instruments: &Arc<Instruments>,
) -> Result<Arc<dyn SmsGateway>, String> {
    let (opened, called_as): (Result<Arc<dyn SmsGateway>, String>, _) = match settings {
        SmsSettings::Csp(_) => (Ok(Arc::new(csp::CspGateway::new(Arc::clone(csp)))), Some(gateway::CSP)),
        SmsSettings::Kannel(settings) => {
            let opened = kannel::KannelGateway::open(
                settings,
                Arc::clone(peer),
                Arc::clone(clock),
                Arc::clone(random),
                Arc::clone(instruments),
            );
            (opened.map(|gateway| Arc::new(gateway) as _), Some(gateway::KANNEL))
        }
        SmsSettings::Smpp(settings) => {
            let (clock, random) = (Arc::clone(clock), Arc::clone(random));
            let opened = smpp::SmppGateway::open(settings, clock, random, Arc::clone(instruments));
            (opened.map(|gateway| Arc::new(gateway) as _), None)
        }
    };
    let gateway = opened.map_err(|complaint| format!("sms: {complaint}"))?;
    let instruments = Arc::clone(instruments);
    Ok(Arc::new(counted::CountedGateway { gateway, called_as, instruments }))
}
