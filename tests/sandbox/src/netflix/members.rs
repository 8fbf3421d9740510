//! The partner's memory: visits of customers whom operators sent, and accounts with their means of
//! payment. Of the customer behind a phone bill it knows only the PAI.

use super::coupons::RedeemedCoupon;
use onbill_domain::day::Day;
use onbill_domain::ids::{ExtId, OperatorId};
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use serde::Serialize;
use std::collections::HashMap;

/// Seconds for which a sign-up page stays open.
const VISIT_SECONDS: i64 = 3600;

/// The password of every demo account: it is shown on the page.
pub(super) const DEMO_PASSWORD: &str = "demo";

/// A customer on the sign-up pages.
#[derive(Clone, Debug)]
pub(super) struct SignupVisit {
    pub(super) pai: Pai,
    pub(super) operator: OperatorId,
    pub(super) return_url: String,
    pub(super) started_at: Timestamp,
    /// Our id of the subscription that may follow: fixed, so that a second try is the same request.
    pub(super) ext_subscription_id: ExtId,
    /// The last day that coupons have paid for already, according to the token.
    pub(super) paid_until: Option<Day>,
    /// The account with which it ended.
    pub(super) account_id: Option<String>,
}

/// How an account is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "how", rename_all = "lowercase")]
pub(super) enum PaymentMethod {
    /// By card, as before.
    Card {
        /// The last four digits of its number.
        last4: &'static str,
    },
    /// On the phone bill.
    Bill {
        operator: OperatorId,
        pai: Pai,
        /// Our id of the subscription.
        #[serde(rename = "extSubscriptionID")]
        ext_subscription_id: ExtId,
        /// onbill's id of it.
        #[serde(rename = "partnerSubscriptionID")]
        partner_subscription_id: String,
    },
    /// Only by its coupons: it ends with them.
    Coupons,
}

impl PaymentMethod {
    /// The operator on whose bill it is paid, and the PAI.
    pub(super) fn bill(&self) -> Option<(OperatorId, Pai)> {
        match self {
            Self::Bill { operator, pai, .. } => Some((operator.clone(), *pai)),
            Self::Card { .. } | Self::Coupons => None,
        }
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MemberAccount {
    #[serde(rename = "accountID")]
    pub(super) id: String,
    pub(super) email: String,
    pub(super) plan: &'static str,
    pub(super) pays: PaymentMethod,
    /// Oldest first.
    pub(super) coupons: Vec<RedeemedCoupon>,
    /// The last paid day.
    pub(super) paid_until: Option<Day>,
}

#[derive(Default)]
pub(super) struct Members {
    visits: HashMap<String, SignupVisit>,
    accounts: Vec<MemberAccount>,
}

impl Members {
    /// Three members who pay by card.
    pub(super) fn with_demo_accounts() -> Self {
        let mut members = Self::default();
        for (email, last4) in
            [("dana@example.com", "4242"), ("lee@example.com", "1881"), ("sam@example.com", "0005")]
        {
            members.account_or_new(email, PaymentMethod::Card { last4 });
        }
        members
    }

    /// The account with this e-mail address, created if necessary.
    pub(super) fn account_or_new(&mut self, email: &str, pays: PaymentMethod) -> &mut MemberAccount {
        let known = self.accounts.iter().position(|account| account.email.eq_ignore_ascii_case(email));
        let at = known.unwrap_or_else(|| {
            let id = format!("member-{}", self.accounts.len() + 1);
            let (email, coupons) = (email.to_owned(), Vec::new());
            self.accounts.push(MemberAccount {
                id,
                email,
                plan: "standard",
                pays,
                coupons,
                paid_until: None,
            });
            self.accounts.len() - 1
        });
        &mut self.accounts[at]
    }

    /// All accounts, oldest first.
    pub(super) fn accounts(&self) -> &[MemberAccount] {
        &self.accounts
    }

    /// The account with this e-mail address, ignoring case.
    pub(super) fn account(&self, email: &str) -> Option<&MemberAccount> {
        self.accounts.iter().find(|account| account.email.eq_ignore_ascii_case(email))
    }

    /// The account with this id.
    pub(super) fn account_named(&self, id: &str) -> Option<&MemberAccount> {
        self.accounts.iter().find(|account| account.id == id)
    }

    /// The account that this subscriber of the operator's pays on the bill.
    pub(super) fn account_of(&self, subscriber: (&OperatorId, Pai)) -> Option<&MemberAccount> {
        let is_theirs = |account: &&MemberAccount| match &account.pays {
            PaymentMethod::Bill { operator, pai, .. } => (operator, *pai) == subscriber,
            PaymentMethod::Card { .. } | PaymentMethod::Coupons => false,
        };
        self.accounts.iter().find(is_theirs)
    }

    /// A customer arrives.
    pub(super) fn open(&mut self, id: String, visit: SignupVisit) {
        let now = visit.started_at;
        self.visits.retain(|_, visit| now.seconds_since(visit.started_at) < VISIT_SECONDS);
        self.visits.insert(id, visit);
    }

    /// A visit that is not over.
    pub(super) fn visit(&self, id: &str, now: Timestamp) -> Option<&SignupVisit> {
        self.visits.get(id).filter(|visit| now.seconds_since(visit.started_at) < VISIT_SECONDS)
    }

    /// The subscription of a visit exists. A visit that ended already stays unchanged.
    pub(super) fn conclude(&mut self, id: &str, email: &str, partner_subscription_id: String) {
        let Some(visit) = self.visits.get(id).filter(|visit| visit.account_id.is_none()).cloned() else {
            return;
        };
        let pays = PaymentMethod::Bill {
            operator: visit.operator,
            pai: visit.pai,
            ext_subscription_id: visit.ext_subscription_id,
            partner_subscription_id,
        };
        let account_id = self.put_on_bill(email, pays, visit.paid_until);
        if let Some(visit) = self.visits.get_mut(id) {
            visit.account_id = Some(account_id);
        }
    }

    /// Creates the account, or moves it to this bill from its previous payment, where coupons have
    /// paid until that day already. Returns its id.
    pub(super) fn put_on_bill(
        &mut self,
        email: &str,
        pays: PaymentMethod,
        paid_until: Option<Day>,
    ) -> String {
        let account = self.account_or_new(email, pays.clone());
        account.pays = pays;
        account.paid_until = account.paid_until.max(paid_until);
        account.id.clone()
    }
}
