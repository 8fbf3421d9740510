//! Matches the message ids of receipts with those of the SMSC's answers.
//!
//! SMPP 3.4 has one form for both, and SMSCs have several: hexadecimal in one and decimal in the
//! other, padded with zeros, in the other case. Each id is stored as it was answered, and a receipt's
//! id is brought into that form. Unless the settings say which form it is, the first receipts for
//! recent messages show it.

use crate::config::MessageIdForm;
use crate::instruments::{Alarm, Instruments, raise_alarm};
use crate::sms::gateway::SMPP;
use crate::sms::receipt::{DeliveryReceipt, ReceiptNotStored, ReceiptSink};
use async_trait::async_trait;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Answers that are remembered: those of the minutes in which most receipts come.
const RECENT_MAX: usize = 1_000;
/// Answers, and receipts that match none of them, after which something must be wrong.
const ALARM_AFTER: u32 = 20;

/// The message ids of one SMSC.
pub(super) struct MessageIds {
    known: Mutex<Known>,
    instruments: Arc<Instruments>,
}

struct Known {
    form: MessageIdForm,
    recent: VecDeque<String>,
    /// Whether answers have their letters in upper case.
    is_upper: bool,
    /// The length to which answers are padded with zeros; 0 when they are not.
    padded_to: usize,
    answers: u32,
    unmatched: u32,
    /// Whether a receipt has ever matched.
    has_matched: bool,
}

impl MessageIds {
    pub(super) fn new(form: MessageIdForm, instruments: Arc<Instruments>) -> Self {
        let known = Known {
            form,
            recent: VecDeque::new(),
            is_upper: false,
            padded_to: 0,
            answers: 0,
            unmatched: 0,
            has_matched: false,
        };
        Self { known: Mutex::new(known), instruments }
    }

    /// Remembers the id of a message for which there will be a receipt.
    pub(super) fn note_answer(&self, id: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.recent.len() == RECENT_MAX {
            known.recent.pop_front();
        }
        known.recent.push_back(id.to_owned());
        known.answers = known.answers.saturating_add(1);
        if id.bytes().any(|b| b.is_ascii_alphabetic()) {
            known.is_upper = id.bytes().any(|b| b.is_ascii_uppercase());
        }
        known.padded_to = if id.len() > 1 && id.starts_with('0') { id.len() } else { 0 };
    }

    /// The id of a receipt in the form of the answers.
    pub(super) fn translate(&self, reported: &str) -> String {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.form == MessageIdForm::Auto {
            known.find_out(reported);
        }
        let found = known.find_recent(reported);
        if found.is_some() {
            self.instruments.alarms.clear(Alarm::SmsReceiptsUnmatched, SMPP);
        }
        if known.watch(found.is_some()) {
            let (alarms, alarm) = (&self.instruments.alarms, Alarm::SmsReceiptsUnmatched);
            let message = "no receipt of the SMSC has the id of a message: see sms.message_id";
            raise_alarm!(alarms, alarm, SMPP, "{message}");
        }
        found.unwrap_or_else(|| known.restyle(reported))
    }
}

impl Known {
    /// Settles on the form in which this id is that of a recent answer, if it is one form only.
    fn find_out(&mut self, reported: &str) {
        use MessageIdForm::{AnyCase, AsIs, Auto, DecimalThenHex, HexThenDecimal};
        let matching = |form: &MessageIdForm| self.recent.iter().any(|id| are_same(*form, id, reported));
        let mut forms = [AsIs, AnyCase, HexThenDecimal, DecimalThenHex].into_iter().filter(matching);
        let found = match (forms.next(), forms.next(), forms.next()) {
            (Some(form), None, _) => form,
            // What is the same as it is, is so in any case and padding too.
            (Some(AsIs), Some(AnyCase), None) => AsIs,
            _ => Auto,
        };
        if found != Auto {
            self.form = found;
            tracing::info!(
                message_id = found.as_str(),
                "the form of the message ids in receipts was detected: set sms.message_id to keep it"
            );
        }
    }

    fn find_recent(&self, reported: &str) -> Option<String> {
        let form = if self.form == MessageIdForm::Auto { MessageIdForm::AsIs } else { self.form };
        self.recent.iter().rev().find(|id| are_same(form, id, reported)).cloned()
    }

    /// The id as answers are written: for one that was answered long ago, or not yet.
    fn restyle(&self, reported: &str) -> String {
        let in_case =
            |id: String| if self.is_upper { id.to_ascii_uppercase() } else { id.to_ascii_lowercase() };
        let plain = match self.form {
            MessageIdForm::Auto | MessageIdForm::AsIs => return reported.to_owned(),
            MessageIdForm::AnyCase => Some(in_case(strip_zeros(reported).to_owned())),
            MessageIdForm::HexThenDecimal => reported.parse().ok().map(|id: u128| in_case(format!("{id:x}"))),
            MessageIdForm::DecimalThenHex => u128::from_str_radix(reported, 16).ok().map(|id| id.to_string()),
        };
        plain.map_or_else(|| reported.to_owned(), |plain| format!("{plain:0>width$}", width = self.padded_to))
    }

    /// Whether something is wrong: receipts come, and none is ever for a message that was sent since
    /// the start.
    fn watch(&mut self, has_matched: bool) -> bool {
        self.unmatched = if has_matched { 0 } else { self.unmatched.saturating_add(1) };
        self.has_matched |= has_matched;
        !self.has_matched && self.unmatched >= ALARM_AFTER && self.answers >= ALARM_AFTER
    }
}

/// Whether an answered and a reported id are the same in this form.
fn are_same(form: MessageIdForm, answered: &str, reported: &str) -> bool {
    let decimal =
        |id: &str| id.bytes().all(|b| b.is_ascii_digit()).then(|| id.parse::<u128>().ok()).flatten();
    let hex = |id: &str| u128::from_str_radix(id, 16).ok();
    let are_equal = |one: Option<u128>, other: Option<u128>| one.is_some() && one == other;
    match form {
        MessageIdForm::Auto | MessageIdForm::AsIs => answered == reported,
        MessageIdForm::AnyCase => strip_zeros(answered).eq_ignore_ascii_case(strip_zeros(reported)),
        MessageIdForm::HexThenDecimal => are_equal(hex(answered), decimal(reported)),
        MessageIdForm::DecimalThenHex => are_equal(decimal(answered), hex(reported)),
    }
}

/// The id without zeros before it. Of zeros alone, one stays.
fn strip_zeros(id: &str) -> &str {
    let stripped = id.trim_start_matches('0');
    if stripped.is_empty() { &id[id.len().saturating_sub(1)..] } else { stripped }
}

/// Passes receipts on with the ids of the answers.
pub(super) struct TranslatedReceipts<'a> {
    pub(super) ids: &'a MessageIds,
    pub(super) sink: &'a dyn ReceiptSink,
}

#[async_trait]
impl ReceiptSink for TranslatedReceipts<'_> {
    async fn store_receipt(&self, receipt: DeliveryReceipt) -> Result<(), ReceiptNotStored> {
        let message_id = self.ids.translate(&receipt.message_id);
        self.sink.store_receipt(DeliveryReceipt { message_id, ..receipt }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::SystemClock;

    fn ids(form: MessageIdForm, answers: &[&str]) -> MessageIds {
        let ids = MessageIds::new(form, Instruments::new(Arc::new(SystemClock)));
        for id in answers {
            ids.note_answer(id);
        }
        ids
    }

    #[test]
    fn form_is_found_out_from_the_first_receipt() {
        for (answer, reported, form, earlier, earlier_answer) in [
            ("4010", "4010", MessageIdForm::AsIs, "0FF", "0FF"),
            ("ffa", "4090", MessageIdForm::HexThenDecimal, "4091", "ffb"),
            ("FFA", "4090", MessageIdForm::HexThenDecimal, "4091", "FFB"),
            ("00000FFA", "4090", MessageIdForm::HexThenDecimal, "0000004091", "00000FFB"),
            ("4090", "ffa", MessageIdForm::DecimalThenHex, "FFB", "4091"),
            ("4010", "0000004010", MessageIdForm::AnyCase, "0000004011", "4011"),
            ("0000004010", "4010", MessageIdForm::AnyCase, "4011", "0000004011"),
            ("abfab", "ABFAB", MessageIdForm::AnyCase, "ABFAC", "abfac"),
            ("x-AB", "x-ab", MessageIdForm::AnyCase, "x-ac", "X-AC"),
        ] {
            let ids = ids(MessageIdForm::Auto, &["77", answer]);
            assert_eq!(ids.translate(reported), answer, "{reported}");
            assert_eq!(ids.known.lock().expect("is whole").form, form, "{answer} {reported}");
            assert_eq!(ids.translate(earlier), earlier_answer, "an id from before the start");
        }
    }

    #[test]
    fn ambiguous_receipt_decides_nothing() {
        // 10 is an answer as it is, and in hexadecimal that of the other.
        let ids = ids(MessageIdForm::Auto, &["10", "a"]);
        assert_eq!(ids.translate("10"), "10");
        assert_eq!(ids.known.lock().expect("is whole").form, MessageIdForm::Auto);
        ids.note_answer("1f");
        assert_eq!(ids.translate("31"), "1f");
        assert_eq!(ids.translate("10"), "a", "now it is clear");
    }

    #[test]
    fn configured_form_needs_no_receipt() {
        assert_eq!(ids(MessageIdForm::HexThenDecimal, &[]).translate("4090"), "ffa");
        assert_eq!(ids(MessageIdForm::DecimalThenHex, &[]).translate("ffa"), "4090");
        assert_eq!(ids(MessageIdForm::AsIs, &["ffa"]).translate("4090"), "4090");
        assert_eq!(ids(MessageIdForm::HexThenDecimal, &["ffa"]).translate("no number"), "no number");
    }

    #[test]
    fn alarm_is_raised_when_no_receipt_ever_matches() {
        let is_raised =
            |ids: &MessageIds| ids.instruments.alarms.is_active(Alarm::SmsReceiptsUnmatched, SMPP);
        let all: Vec<String> = (0..ALARM_AFTER).map(|n| format!("a-{n}")).collect();
        let strange = ids(MessageIdForm::Auto, &all.iter().map(String::as_str).collect::<Vec<_>>());
        for n in 0..ALARM_AFTER {
            assert!(!is_raised(&strange), "{n}");
            strange.translate(&format!("b-{n}"));
        }
        assert!(is_raised(&strange));
        strange.translate("a-3");
        assert!(!is_raised(&strange), "a receipt matches");
        // Receipts for messages from before the start do not raise it.
        let quiet = ids(MessageIdForm::Auto, &["a-1"]);
        (0..2 * ALARM_AFTER).for_each(|n| drop(quiet.translate(&format!("b-{n}"))));
        assert!(!is_raised(&quiet));
    }

    #[test]
    fn only_recent_answers_are_remembered() {
        let ids = ids(MessageIdForm::Auto, &[]);
        (0..2 * RECENT_MAX).for_each(|n| ids.note_answer(&n.to_string()));
        assert_eq!(ids.known.lock().expect("is whole").recent.len(), RECENT_MAX);
    }
}
