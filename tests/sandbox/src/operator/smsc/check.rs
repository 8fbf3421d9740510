//! What the SMSC accepts: a message for a subscriber, in one of two alphabets, whole or a part,
//! with no unexpected field. Every violation has an error code of its own (SMPP 3.4 §5.1.3).

use super::{SubmitParameters, alphabet};
use crate::operator::ledger::OperatorLedger;
use onbill_domain::msisdn::Msisdn;
use smpp34::{SmppError, submit_sm};

const INTERNATIONAL: u8 = 1;
const ALPHANUMERIC: u8 = 5;
const ISDN: u8 = 1;
/// Of `esm_class`: a header begins the message.
const HEADER: u8 = 0x40;
const GSM: u8 = 0;
const UCS2: u8 = 8;

/// A parsed message.
pub(super) struct SubmittedSms {
    pub(super) to: Msisdn,
    /// The source address, as it was written.
    pub(super) from: String,
    pub(super) text: String,
    pub(super) part: Option<SmsPart>,
    pub(super) wish: SubmitParameters,
}

/// Which part of which message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SmsPart {
    pub(super) reference: u8,
    pub(super) count: u8,
    pub(super) number: u8,
}

/// Parses a message, or returns what is wrong with it.
pub(super) fn read(submit: &submit_sm, ledger: &OperatorLedger) -> Result<SubmittedSms, SmppError> {
    let demand = |is_so: bool, error: SmppError| if is_so { Ok(()) } else { Err(error) };
    demand(submit.service_type.is_empty(), SmppError::ESME_RINVSERTYP)?;
    let name_chars_max = if submit.source_addr_ton == ALPHANUMERIC { 11 } else { 20 };
    demand((1..=name_chars_max).contains(&submit.source_addr.len()), SmppError::ESME_RINVSRCADR)?;
    demand(submit.dest_addr_ton == INTERNATIONAL, SmppError::ESME_RINVDSTTON)?;
    demand(submit.dest_addr_npi == ISDN, SmppError::ESME_RINVDSTNPI)?;
    let to = Msisdn::parse(&format!("+{}", submit.destination_addr)).ok_or(SmppError::ESME_RINVDSTADR)?;
    demand(ledger.subscriber(&to).is_some(), SmppError::ESME_RINVDSTADR)?;
    demand(submit.esm_class & !HEADER == 0, SmppError::ESME_RINVESMCLASS)?;
    demand(submit.priority_flag <= 3, SmppError::ESME_RINVPRTFLG)?;
    demand(submit.schedule_delivery_time.is_empty(), SmppError::ESME_RINVSCHED)?;
    demand(is_period(&submit.validity_period), SmppError::ESME_RINVEXPIRY)?;
    demand(submit.registered_delivery <= 1, SmppError::ESME_RINVREGDLVFLG)?;
    demand(submit.replace_if_present_flag == 0, SmppError::ESME_RINVREPFLAG)?;
    demand(submit.sm_default_msg_id == 0, SmppError::ESME_RINVDFTMSGID)?;
    demand(submit.protocol_id == 0 && submit.tlvs.is_empty(), SmppError::ESME_ROPTPARNOTALLWD)?;
    let (part, body) = split(submit)?;
    let (text, octets_max) = match (submit.data_coding, part) {
        (GSM, None) => (alphabet::gsm(body), 160),
        (GSM, Some(_)) => (alphabet::gsm(body), 153),
        (UCS2, None) => (alphabet::ucs2(body), 140),
        (UCS2, Some(_)) => (alphabet::ucs2(body), 134),
        _ => return Err(SmppError::ESME_RSUBMITFAIL),
    };
    demand((1..=octets_max).contains(&body.len()), SmppError::ESME_RINVMSGLEN)?;
    let wish = SubmitParameters {
        priority: submit.priority_flag,
        validity: submit.validity_period.clone(),
        receipt: submit.registered_delivery == 1,
        coding: submit.data_coding,
    };
    let text = text.ok_or(SmppError::ESME_RSUBMITFAIL)?;
    Ok(SubmittedSms { to, from: submit.source_addr.clone(), text, part, wish })
}

/// The header, if there should be one, and what comes after it.
fn split(submit: &submit_sm) -> Result<(Option<SmsPart>, &[u8]), SmppError> {
    let message = &submit.short_message[..];
    if submit.esm_class & HEADER == 0 {
        return Ok((None, message));
    }
    match message {
        [5, 0, 3, reference, count, number, body @ ..] if *count >= 2 && (1..=*count).contains(number) => {
            Ok((Some(SmsPart { reference: *reference, count: *count, number: *number }), body))
        }
        _ => Err(SmppError::ESME_RINVESMCLASS),
    }
}

/// Nothing, or a relative time: an absolute one would depend on the ESME's clock.
fn is_period(text: &str) -> bool {
    let relative = |text: &str| {
        text.strip_suffix("000R")
            .is_some_and(|time| time.len() == 12 && time.bytes().all(|b| b.is_ascii_digit()))
    };
    text.is_empty() || relative(text)
}
