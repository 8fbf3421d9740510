//! The operator's ledger: accounts with their balances, charges and refunds, and the SMS sent. No
//! HTTP and no clock: the time comes in.

use super::account_answers::AccountAnswer;
use crate::account_file::Subscriber;
use onbill_domain::account::{AccountStatus, AccountType};
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::currency::Currency;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::ids::PartnerId;
use onbill_domain::money::Money;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::csp::{
    BillChargeRequest, BillChargeResponse, BillRefundRequest, BillRefundResponse, BillTax, BillingDecision,
};
use serde::Serialize;
use std::collections::HashMap;

/// The outcome of a request that has an id of its own.
#[derive(Debug, PartialEq, Eq)]
pub enum PostOutcome<T> {
    /// It was new, and this is the response.
    First(T),
    /// A replay: the same response.
    Again(T),
    /// The id was used before, with other contents.
    Conflict,
}

/// A line on a bill.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BillLine {
    #[serde(rename = "transactionID")]
    pub transaction_id: String,
    /// Set when the line refunds some of the charge.
    #[serde(rename = "refundID", skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<String>,
    pub description: String,
    /// Negative for a refund.
    pub amount: Money,
    /// The days paid for.
    pub service_period: ServicePeriod,
    pub at: Timestamp,
    /// Whose charge it is.
    pub partner: PartnerId,
    /// Under which it is booked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge_code: Option<ChargeCode>,
    /// The tax in the amount; negative for a refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax: Option<BillTax>,
}

/// An SMS as delivered.
#[derive(Clone, Debug, Serialize)]
pub struct DeliveredSms {
    pub at: Timestamp,
    pub text: String,
}

pub struct OperatorLedger {
    currency: Currency,
    subscribers: Vec<Subscriber>,
    by_number: HashMap<String, usize>,
    /// What is reported of an account beyond its status, by number.
    answers: HashMap<String, AccountAnswer>,
    charges: HashMap<String, (BillChargeRequest, BillChargeResponse)>,
    refunds: HashMap<String, (BillRefundRequest, BillRefundResponse)>,
    lines: HashMap<String, Vec<BillLine>>,
    texts: HashMap<String, Vec<DeliveredSms>>,
}

impl OperatorLedger {
    /// An empty ledger with these accounts.
    pub fn open(subscribers: Vec<Subscriber>, currency: Currency) -> Self {
        let numbers = subscribers.iter().enumerate().map(|(n, each)| (each.msisdn.expose().to_owned(), n));
        Self {
            currency,
            by_number: numbers.collect(),
            subscribers,
            answers: HashMap::new(),
            charges: HashMap::new(),
            refunds: HashMap::new(),
            lines: HashMap::new(),
            texts: HashMap::new(),
        }
    }

    /// All subscribers, in the order of the file.
    pub fn subscribers(&self) -> &[Subscriber] {
        &self.subscribers
    }

    pub fn subscriber(&self, msisdn: &Msisdn) -> Option<&Subscriber> {
        self.subscribers.get(*self.by_number.get(msisdn.expose())?)
    }

    /// Sets what is reported of an account; `None` for a number without one.
    pub fn set_answer(&mut self, msisdn: &Msisdn, answer: AccountAnswer) -> Option<()> {
        self.subscriber(msisdn)?;
        self.answers.insert(msisdn.expose().to_owned(), answer);
        Some(())
    }

    pub fn answer(&self, msisdn: &Msisdn) -> AccountAnswer {
        self.answers.get(msisdn.expose()).copied().unwrap_or_default()
    }

    /// Puts a charge on its bill, or declines it; the same id again gets the same response.
    pub fn charge(&mut self, request: BillChargeRequest, now: Timestamp) -> PostOutcome<BillChargeResponse> {
        if let Some((before, answer)) = self.charges.get(&request.transaction_id) {
            // The subscriber may have got another number while the charge waited.
            let same_holder = BillChargeRequest {
                msisdn: before.msisdn.clone(),
                subscriber_id: before.subscriber_id.clone(),
                ..request
            };
            return if *before == same_holder {
                PostOutcome::Again(answer.clone())
            } else {
                PostOutcome::Conflict
            };
        }
        let answer = match self.take(&request) {
            Ok(()) => {
                let billed_on = self.next_bill_date(&request.msisdn, now);
                let line = BillLine {
                    transaction_id: request.transaction_id.clone(),
                    refund_id: None,
                    description: request.description.clone(),
                    amount: request.amount,
                    service_period: request.service_period,
                    at: now,
                    partner: request.partner.clone(),
                    charge_code: request.charge_code.clone(),
                    tax: request.tax.clone(),
                };
                self.lines.entry(request.msisdn.expose().to_owned()).or_default().push(line);
                BillChargeResponse { status: BillingDecision::Approved, raw_code: None, billed_on }
            }
            Err(raw_code) => BillChargeResponse {
                status: BillingDecision::Declined,
                raw_code: Some(raw_code.to_owned()),
                billed_on: None,
            },
        };
        self.charges.insert(request.transaction_id.clone(), (request, answer.clone()));
        PostOutcome::First(answer)
    }

    /// Bills are dated the first of the next month. A prepaid line has none.
    fn next_bill_date(&self, msisdn: &Msisdn, now: Timestamp) -> Option<Day> {
        let is_postpaid = self.subscriber(msisdn)?.account.account_type == AccountType::Postpaid;
        Day::of_timestamp(now).first_of_month().plus_months(1).filter(|_| is_postpaid)
    }

    /// Takes the money from a prepaid balance, if the account may be charged at all; else returns
    /// billing's raw code.
    fn take(&mut self, request: &BillChargeRequest) -> Result<(), &'static str> {
        let answer = self.answer(&request.msisdn);
        if answer.suspension.is_some() {
            return Err("account-on-hold");
        }
        if answer.reason.is_some() {
            return Err("not-eligible");
        }
        let at = self.by_number.get(request.msisdn.expose()).ok_or("account-closed")?;
        let subscriber = self.subscribers.get_mut(*at).ok_or("account-closed")?;
        // An origin with a table of accounts knows the subscriber by the day of activation, which may
        // be that of an earlier number.
        let is_by_day = Day::parse(&request.subscriber_id).is_some();
        if !is_by_day && request.subscriber_id != subscriber.subscriber_id {
            return Err("account-closed-taken-over");
        }
        let account = &mut subscriber.account;
        match account.status {
            AccountStatus::Ceased => return Err("account-closed"),
            AccountStatus::Suspended => return Err("account-on-hold"),
            AccountStatus::Active => {}
        }
        if request.amount.currency != self.currency {
            return Err("currency-not-supported");
        }
        if let Some(balance) = &mut account.balance {
            if balance.currency != request.amount.currency {
                return Err("currency-not-supported");
            }
            if balance.amount_minor < request.amount.amount_minor {
                return Err("insufficient-balance");
            }
            balance.amount_minor -= request.amount.amount_minor;
        }
        Ok(())
    }

    /// The response to a charge.
    pub fn charge_answer(&self, transaction_id: &str) -> Option<&BillChargeResponse> {
        self.charges.get(transaction_id).map(|(_, answer)| answer)
    }

    /// Refunds some or all of a charge, or declines it; the same id again gets the same response.
    pub fn refund(&mut self, request: BillRefundRequest, now: Timestamp) -> PostOutcome<BillRefundResponse> {
        if let Some((before, answer)) = self.refunds.get(&request.refund_id) {
            return if *before == request {
                PostOutcome::Again(answer.clone())
            } else {
                PostOutcome::Conflict
            };
        }
        let answer = match self.give_back(&request, now) {
            Ok(()) => BillRefundResponse { status: BillingDecision::Approved, raw_code: None },
            Err(raw_code) => {
                BillRefundResponse { status: BillingDecision::Declined, raw_code: Some(raw_code.to_owned()) }
            }
        };
        self.refunds.insert(request.refund_id.clone(), (request, answer.clone()));
        PostOutcome::First(answer)
    }

    /// Puts a refund on the bill of its charge, and pays a prepaid balance back; else returns billing's raw
    /// code.
    fn give_back(&mut self, request: &BillRefundRequest, now: Timestamp) -> Result<(), &'static str> {
        let charge = self.charges.get(&request.transaction_id);
        let (charge, _) = charge
            .filter(|(_, answer)| answer.status == BillingDecision::Approved)
            .ok_or("no-such-charge")?;
        let given_back: i64 = self
            .refunds
            .values()
            .filter(|(refund, answer)| {
                refund.transaction_id == request.transaction_id && answer.status == BillingDecision::Approved
            })
            .map(|(refund, _)| refund.amount.amount_minor)
            .sum();
        let remains = charge.amount.amount_minor - given_back;
        let amount_minor = request.amount.amount_minor;
        if request.amount.currency != charge.amount.currency || !(1..=remains).contains(&amount_minor) {
            return Err("not-within-remainder");
        }
        let number = charge.msisdn.expose().to_owned();
        let line = BillLine {
            transaction_id: request.transaction_id.clone(),
            refund_id: Some(request.refund_id.clone()),
            description: format!("Refund: {}", charge.description),
            amount: Money { amount_minor: -amount_minor, ..request.amount },
            service_period: charge.service_period,
            at: now,
            partner: request.partner.clone(),
            charge_code: request.charge_code.clone(),
            tax: request.tax.clone().map(|tax| BillTax {
                amount: Money { amount_minor: -tax.amount.amount_minor, ..tax.amount },
                ..tax
            }),
        };
        let subscriber = self.by_number.get(&number).and_then(|at| self.subscribers.get_mut(*at));
        if let Some(balance) = subscriber.and_then(|subscriber| subscriber.account.balance.as_mut()) {
            balance.amount_minor += amount_minor;
        }
        self.lines.entry(number).or_default().push(line);
        Ok(())
    }

    /// The lines on a subscriber's bill and their sum.
    pub fn bill(&self, msisdn: &Msisdn) -> (&[BillLine], Money) {
        let lines = self.lines.get(msisdn.expose()).map(Vec::as_slice).unwrap_or_default();
        let amount_minor = lines.iter().map(|line| line.amount.amount_minor).sum();
        (lines, Money { amount_minor, currency: self.currency })
    }

    /// Delivers an SMS. Every number receives messages, as in a network.
    pub fn text(&mut self, msisdn: &Msisdn, text: String, now: Timestamp) {
        self.texts.entry(msisdn.expose().to_owned()).or_default().push(DeliveredSms { at: now, text });
    }

    /// A number's messages, oldest first.
    pub fn texts(&self, msisdn: &Msisdn) -> &[DeliveredSms] {
        self.texts.get(msisdn.expose()).map(Vec::as_slice).unwrap_or_default()
    }
}
