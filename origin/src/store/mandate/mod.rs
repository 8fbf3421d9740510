//! Mandates: what customers have agreed to pay. Rows are only added; what ends a mandate is written
//! at its subscription. Which charges a mandate covers is in [`super::charge`].

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::config::{OperatorTimeZone, Terms};
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::Hash;
use crate::store::report::Period;
use onbill_domain::currency::Currency;
use onbill_domain::day::Day;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::locale::Locale;
use onbill_domain::mandate::MandateProof;
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::PartnerSubscriptionRequest;

impl Store {
    /// A page of mandates that were recorded in a period, after `after`, in the order in which they
    /// were recorded.
    pub async fn list_mandates(
        &self,
        period: Period,
        after: Option<MandatePlace>,
        limit: u32,
    ) -> Result<Vec<MandateEvidence>, StoreError> {
        use_case!(self, read, list_mandates(period, after, limit))
    }
}

/// A mandate, and how its subscription ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MandateEvidence {
    pub place: MandatePlace,
    pub mandate: MandateRow,
    pub ended_at: Option<Timestamp>,
    /// `None` if the partner has cancelled it.
    pub ended_by: Option<DeclineReason>,
}

/// Where a mandate is in the list of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MandatePlace {
    pub recorded_at: Timestamp,
    pub sequence: i64,
}

impl MandatePlace {
    /// Before the first one of a period.
    fn before(period: Period) -> Self {
        Self { recorded_at: period.from, sequence: 0 }
    }
}

/// How long after the partner spent the token a subscription still belongs to that visit. One that is
/// reported later was agreed elsewhere, as far as can be proved.
const VISIT_SECONDS_MAX: i64 = 86_400;

/// How far back a subscription is in force, from its report. The report may be late, and comes again
/// after a restore: its first month must still be covered then. No report is later than that month,
/// and a partner must not reach days of long ago by its word alone.
const REPORT_SECONDS_MAX: i64 = 31 * 86_400;

/// After so many seconds, a change counts as announced: its message was sent or dropped within a day, and
/// may be swept from the day after that on.
const ANNOUNCED_SECONDS: i64 = 86_400;

/// The terms that an offer is sold under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgreedTerms {
    pub id: String,
    /// Of their text.
    pub sha256: Hash,
}

impl From<&Terms> for AgreedTerms {
    fn from(terms: &Terms) -> Self {
        Self { id: terms.id.to_string(), sha256: terms.sha256 }
    }
}

/// The words that the customer saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownWords {
    pub sha256: Hash,
    pub locale: Locale,
}

/// What a customer agrees to in the widget.
#[derive(Clone, Debug)]
pub struct WidgetAgreement {
    pub plan: ExtId,
    pub price: Money,
    pub terms: Option<AgreedTerms>,
    pub words: Option<ShownWords>,
    pub proof: MandateProof,
    /// What proved the number.
    pub proof_reference: String,
}

/// What a subscription is sold for here, and how its number was proved if not in the widget.
#[derive(Clone, Debug)]
pub struct SubscriptionTerms {
    /// The offer with the partner's plan, and its price; `None` if there is none.
    pub offer: Option<(OfferId, Money)>,
    pub terms: Option<AgreedTerms>,
    pub proof: MandateProof,
    /// The operator's, in which the day of the agreement is counted.
    pub time_zone: OperatorTimeZone,
    /// The partner's charges need a price that was agreed.
    pub needs_price: bool,
    /// The operator has set the highest price, and the report is not above it.
    pub has_ceiling: bool,
    /// What the operator sells the plan at, in the currency of the reported price. A plan that is no offer has the
    /// highest price of the partner's offers.
    pub listed_price: Option<Money>,
}

/// The most that a customer may have agreed to with the partner, where the operator has set no ceiling:
/// twice the highest of these prices in that currency, which the widget has shown or the operator sells at.
/// That is room for any usual step to a dearer plan. There is only the partner's word for the consent,
/// and a slip of the decimal point is ten times the price or more.
pub(crate) fn max_by_consent(prices: impl IntoIterator<Item = Money>, currency: Currency) -> Option<Money> {
    let known = prices.into_iter().filter(|price| price.currency == currency);
    let amount_minor = known.map(|price| price.amount_minor.saturating_mul(2)).max()?;
    Some(Money { amount_minor, currency })
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MandateRow {
    pub mandate_id: String,
    pub partner: PartnerId,
    pub pai: Pai,
    pub offer: Option<OfferId>,
    pub plan: ExtId,
    /// For a month.
    pub price: Option<Money>,
    pub terms: Option<AgreedTerms>,
    pub words_sha256: Option<Hash>,
    /// The customer's language.
    pub locale: Option<Locale>,
    pub proof: MandateProof,
    pub proof_reference: Option<String>,
    pub accepted_at: Timestamp,
    pub recorded_at: Timestamp,
    pub supersedes: Option<String>,
    /// The subscription, and the first day on which this covers its charges.
    pub in_force: Option<(String, Day)>,
    pub change_id: Option<ExtId>,
}

/// Why a subscription is not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum NotAgreed {
    /// What it costs is not known.
    PriceUnknown,
    /// It costs more than the widget has shown, and the partner does not say when the customer agreed
    /// to that.
    AbovePrice,
    /// It costs more than a consent is believed for, see [`max_by_consent()`].
    AboveConsent,
}

/// The price that the visit has shown, and that of the operator's offer with the plan.
fn known_prices(visit: &MandateRow, at: &SubscriptionTerms) -> impl Iterator<Item = Money> {
    let offered = at.offer.as_ref().map(|(_, offered)| *offered);
    visit.price.into_iter().chain(offered)
}

impl MandateRow {
    /// What the widget has shown to the customer, recorded with the token.
    pub(in crate::store) fn of_visit(
        jti: &str,
        partner: &PartnerId,
        pai: Pai,
        offer: &OfferId,
        agreed: &WidgetAgreement,
        now: Timestamp,
    ) -> Self {
        Self {
            mandate_id: jti.to_owned(),
            partner: partner.clone(),
            pai,
            offer: Some(offer.clone()),
            plan: agreed.plan.clone(),
            price: Some(agreed.price),
            terms: agreed.terms.clone(),
            words_sha256: agreed.words.as_ref().map(|words| words.sha256),
            locale: agreed.words.as_ref().map(|words| words.locale),
            proof: agreed.proof,
            proof_reference: Some(agreed.proof_reference.clone()),
            accepted_at: now,
            recorded_at: now,
            supersedes: None,
            in_force: None,
            change_id: None,
        }
    }

    /// The mandate of a new subscription. It continues what was agreed in the visit, if there was
    /// one; a price that the partner reports is what the customer has agreed to there. The words and
    /// the terms of the visit were shown with its own plan and price, and are evidence of no other.
    /// Until the partner says when the customer has agreed to more, no plan costs more than the visit
    /// has shown.
    pub(in crate::store) fn of_subscription(
        partner: &PartnerId,
        id: &str,
        request: &PartnerSubscriptionRequest,
        visit: Option<&Self>,
        at: &SubscriptionTerms,
        now: Timestamp,
    ) -> Result<Self, NotAgreed> {
        let (offer, price) = find_agreed_price(request, visit, at)?;
        let accepted_at = request.consent_at.or(visit.map(|visit| visit.accepted_at)).unwrap_or(now);
        // A report from a partner whose clock is ahead is in force now, and no later.
        let covers_from = accepted_at.clamp(now.plus_seconds(-REPORT_SECONDS_MAX), now);
        let shown = visit.filter(|visit| visit.plan == request.plan && visit.price == price);
        let supersedes = visit.map(|visit| visit.mandate_id.clone());
        let (proof, proof_reference) =
            visit.map_or((at.proof, None), |visit| (visit.proof, visit.proof_reference.clone()));
        Ok(Self {
            mandate_id: id.to_owned(),
            partner: partner.clone(),
            pai: request.pai,
            offer,
            plan: request.plan.clone(),
            price,
            words_sha256: shown.and_then(|visit| visit.words_sha256),
            locale: visit.and_then(|visit| visit.locale),
            terms: shown.map_or_else(|| at.terms.clone(), |visit| visit.terms.clone()),
            proof,
            proof_reference,
            accepted_at,
            recorded_at: now,
            supersedes,
            in_force: Some((id.to_owned(), at.time_zone.day_of(covers_from))),
            change_id: None,
        })
    }

    /// Whether a repeated report of the subscription says the same. What it leaves out is the same.
    pub(in crate::store) fn is_of(&self, request: &PartnerSubscriptionRequest) -> bool {
        request.price.is_none_or(|price| self.price == Some(price))
            && request.consent_at.is_none_or(|at| self.accepted_at.unix_seconds() == at.unix_seconds())
    }
}

/// The offer and the price that a reported subscription is for. Without a consent of the customer, the price is not
/// above the one that they have seen; with one, not above what a consent may reach.
fn find_agreed_price(
    request: &PartnerSubscriptionRequest,
    visit: Option<&MandateRow>,
    at: &SubscriptionTerms,
) -> Result<(Option<OfferId>, Option<Money>), NotAgreed> {
    let is_within = |price: Money, known: Money| {
        price.currency == known.currency && price.amount_minor <= known.amount_minor
    };
    let same_plan = visit.filter(|visit| visit.plan == request.plan);
    let (offer, known) = if let Some(visit) = same_plan {
        (visit.offer.clone(), visit.price)
    } else {
        let (offer, offered) = at.offer.clone().unzip();
        let shown = visit.and_then(|visit| visit.price);
        let is_above = request.consent_at.is_none()
            && offered.zip(shown).is_some_and(|(offered, shown)| !is_within(offered, shown));
        (offer, if is_above { shown } else { offered.or(shown) })
    };
    let price = request.price.or(known);
    if price.is_none() && at.needs_price {
        return Err(NotAgreed::PriceUnknown);
    }
    if visit.is_some()
        && request.consent_at.is_none()
        && !request.price.zip(known).is_none_or(|(price, known)| is_within(price, known))
    {
        return Err(NotAgreed::AbovePrice);
    }
    if let Some(price) = request.price
        && !at.has_ceiling
        && is_above_consent(price, request, visit, at)
    {
        return Err(NotAgreed::AboveConsent);
    }
    Ok((offer, price))
}

/// Whether the partner's word for a consent is not enough, see [`max_by_consent()`]. In the partner's app the customer
/// has seen no price of ours: what counts is what the operator sells at.
fn is_above_consent(
    price: Money,
    request: &PartnerSubscriptionRequest,
    visit: Option<&MandateRow>,
    at: &SubscriptionTerms,
) -> bool {
    let is_above = |most: Money| price.amount_minor > most.amount_minor;
    match visit {
        Some(visit) => {
            let most = max_by_consent(known_prices(visit, at), price.currency);
            request.consent_at.is_some() && most.is_none_or(is_above)
        }
        None => max_by_consent(at.listed_price, price.currency).is_some_and(is_above),
    }
}
