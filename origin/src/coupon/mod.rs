//! Coupons: having one made, giving it another code, and telling people that their months end. Whether the operator's
//! systems call or a person reads in a file, it is done here. How a code is spent is the partner's call's affair.

mod file;
mod text;

pub use file::{HEADER, Report, Stopped, issue_file};

use crate::app::App;
use crate::config::{CouponPlan, CouponSettings, Offer};
use crate::fault::{Failure, Fault};
use crate::store::{
    CouponChange, CouponIssue, CouponRow, CouponText, FreshNames, KnownAccount, NewCoupon, NewPai,
    ReminderDue, StoreError,
};
use onbill_domain::account::AccountStatus;
use onbill_domain::coupon_code::CouponCode;
use onbill_domain::day::Day;
use onbill_domain::digest::sha256;
use onbill_domain::ids::ExtId;
use onbill_domain::limits::{CHARGE_MINOR_MAX, COUPON_SMS_MAX, DESCRIPTION_CHARS_MAX};
use onbill_domain::locale::Locale;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::CouponRequest;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const DAY_SECONDS: i64 = 86_400;

/// Reminders read at once.
const REMINDERS: u32 = 100;

/// A coupon's text message in the outbox, before it is sealed.
#[derive(Serialize, Deserialize)]
pub(crate) struct CouponMessage {
    pub(crate) msisdn: Msisdn,
    pub(crate) text: String,
    /// Whom it is for: a number's next holder is not sent somebody else's coupon.
    pub(crate) generation: String,
    /// When it is not worth sending any more.
    pub(crate) expires_at: Timestamp,
}

/// Which member of a request is refused, where a file says which column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// The operator's name for the coupon.
    ExtCouponId,
    /// The number.
    Msisdn,
    /// The plan.
    Plan,
    /// The amount.
    Amount,
    /// Its currency.
    Currency,
    /// The offer.
    Offer,
}

/// Why there is no coupon.
#[derive(Debug)]
pub enum NotIssued {
    /// The answer is no.
    Refused(Member, Reject),
    /// There is no answer.
    Failed(Failure),
}

impl From<Failure> for NotIssued {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Fault> for NotIssued {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault.into())
    }
}

impl From<StoreError> for NotIssued {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<NotIssued> for Failure {
    fn from(error: NotIssued) -> Self {
        match error {
            NotIssued::Refused(_, reject) => reject.into(),
            NotIssued::Failed(failure) => failure,
        }
    }
}

/// What a request comes to before anything is recorded.
enum Asked {
    /// A coupon that was made before.
    There(Box<CouponRow>),
    /// One to make.
    New(Box<NewCoupon>),
}

/// Makes a coupon and sends it.
///
/// 1. It is looked at: see [`examine`].
/// 2. Records it, with its buyer's PAI and the sealed text message.
pub async fn issue(
    app: &App,
    nonce: Option<Nonce>,
    request: &CouponRequest,
) -> Result<(bool, CouponRow), NotIssued> {
    // 1.
    let new = match examine(app, request).await? {
        Asked::There(row) => return Ok((false, *row)),
        Asked::New(new) => new,
    };

    // 2.
    match app.store.issue_coupon(nonce, app.now(), *new).await? {
        CouponIssue::Created(row) => Ok((true, *row)),
        CouponIssue::Replayed(row) => Ok((false, *row)),
        CouponIssue::Conflict => Err(conflict()),
    }
}

/// Looks at a request for a coupon.
///
/// 1. The same name again is the same coupon, whatever has become of it and of its buyer; with other contents it is
///    422 `idempotency-violation`.
/// 2. The plan and the offer are on sale, the currency is billed in: 400 `parameter-not-supported`. The amount is one that
///    billing takes: 400 `invalid-request`.
/// 3. The number is an account's (404 `account-not-found`), and not suspended (400 `suspended-non-payment`). Its balance is
///    asked for when the coupon is redeemed: only then is it charged.
/// 4. It has a code, and a text message with it.
async fn examine(app: &App, request: &CouponRequest) -> Result<Asked, NotIssued> {
    // 1.
    let msisdn = app.numbers.spell(&request.msisdn);
    let fingerprint = fingerprint(app, &msisdn, request)?;
    if let Some(row) = app.store.coupon(request.ext_coupon_id.clone()).await? {
        return if row.is_of(&fingerprint) { Ok(Asked::There(Box::new(row))) } else { Err(conflict()) };
    }

    // 2.
    let (settings, plan, offer) = on_sale(app, request)?;
    check_amount(app, request)?;

    // 3.
    let now = app.now();
    let known = in_good_standing(app, &msisdn).await?;

    // 4.
    let expires_at = now.plus_seconds(i64::from(settings.valid_days) * DAY_SECONDS);
    let about = text::About { offer: &offer.title, months: plan.months, expires_at };
    let new = NewCoupon {
        coupon_id: app.random.uuid(),
        ext_coupon_id: request.ext_coupon_id.clone(),
        fingerprint,
        plan: plan.id.clone(),
        months: plan.months,
        offer: offer.id.clone(),
        description: description(&offer.title, plan.months),
        locale: request.locale,
        amount: request.amount,
        text: new_text(app, settings, &msisdn, &known.generation, request.locale, &about, false)?,
        expires_at,
        buyer: NewPai {
            partner: offer.partner.clone(),
            number: app.vault.seal_number(&*app.random, &msisdn).ok_or_else(cannot_seal)?,
            generation: known.generation,
            fresh: FreshNames::draw(&*app.random),
        },
    };
    Ok(Asked::New(Box::new(new)))
}

const CONFLICT: &str = "extCouponID was used for another coupon.";

fn conflict() -> NotIssued {
    NotIssued::Refused(Member::ExtCouponId, Reject::new(ErrorCode::IdempotencyViolation, CONFLICT))
}

fn cannot_seal() -> Fault {
    Fault::Broken("a text message or a number could not be sealed")
}

/// Of the members as understood, in one order, with the number as the books know it.
fn fingerprint(app: &App, msisdn: &Msisdn, request: &CouponRequest) -> Result<[u8; 32], Fault> {
    let CouponRequest { ext_coupon_id, msisdn: _, plan, amount, offer, locale } = request;
    let contents = (ext_coupon_id, app.vault.index(msisdn).0, plan, amount, offer, locale);
    Ok(sha256(&serde_json::to_vec(&contents).map_err(|_| Fault::Broken("a request does not serialize"))?))
}

fn on_sale<'a>(
    app: &'a App,
    request: &CouponRequest,
) -> Result<(&'a CouponSettings, &'a CouponPlan, &'a Offer), NotIssued> {
    let refuse = |member, message: &str| {
        NotIssued::Refused(member, Reject::new(ErrorCode::ParameterNotSupported, message))
    };
    let plan = app.config.coupons.as_ref().and_then(|settings| {
        settings.plans.iter().find(|plan| plan.id == request.plan).map(|plan| (settings, plan))
    });
    let (settings, plan) = plan.ok_or_else(|| refuse(Member::Plan, "plan is not on sale here."))?;
    let offer = app.config.offer(request.offer.as_ref().unwrap_or(&plan.offer));
    let offer = offer.ok_or_else(|| refuse(Member::Offer, "offer is not on sale here."))?;
    Ok((settings, plan, offer))
}

fn check_amount(app: &App, request: &CouponRequest) -> Result<(), NotIssued> {
    let limits = app.config.limits_in(request.amount.currency).ok_or_else(|| {
        let message = "amount.currency is not one that the operator bills in.";
        NotIssued::Refused(Member::Currency, Reject::new(ErrorCode::ParameterNotSupported, message))
    })?;
    // What an account may be charged at once says nothing against what the operator itself has sold.
    let smallest = limits.smallest_minor.unwrap_or(1).max(1);
    if (smallest..=CHARGE_MINOR_MAX).contains(&request.amount.amount_minor) {
        return Ok(());
    }
    let message = "amount.value must be a number of minor units that billing takes.";
    Err(NotIssued::Refused(Member::Amount, Reject::invalid_request(message)))
}

async fn in_good_standing(app: &App, msisdn: &Msisdn) -> Result<KnownAccount, NotIssued> {
    let known = app.account(msisdn).await?;
    let known = known.filter(|known| known.account.status != AccountStatus::Ceased).ok_or_else(|| {
        NotIssued::Refused(
            Member::Msisdn,
            Reject::new(ErrorCode::AccountNotFound, "There is no such account."),
        )
    })?;
    match known.account.status {
        AccountStatus::Suspended => Err(NotIssued::Refused(Member::Msisdn, Reject::suspended_non_payment())),
        _ => Ok(known),
    }
}

/// The line of its charge, which the bill follows with the days: as much of the offer's title as there is room for.
fn description(title: &str, months: u8) -> String {
    let end = format!(", {months} months");
    let room = DESCRIPTION_CHARS_MAX - end.chars().count();
    title.chars().take(room).collect::<String>() + &end
}

/// A new code, and the text message with it.
fn new_text(
    app: &App,
    settings: &CouponSettings,
    msisdn: &Msisdn,
    generation: &str,
    locale: Locale,
    about: &text::About<'_>,
    replaces: bool,
) -> Result<CouponText, Fault> {
    let code = CouponCode::from_random(settings.tag, app.random.bytes());
    let spelled = Zeroizing::new(code.grouped());
    let text = text::coupon(&app.config.name, &spelled, about, replaces, locale);
    let message = seal(app, msisdn, text, generation, about.expires_at)?;
    Ok(CouponText { code: app.vault.coupon_hash(&code), message })
}

fn seal(
    app: &App,
    msisdn: &Msisdn,
    text: String,
    generation: &str,
    expires_at: Timestamp,
) -> Result<Vec<u8>, Fault> {
    let message =
        CouponMessage { msisdn: msisdn.clone(), text, generation: generation.to_owned(), expires_at };
    let plain = Zeroizing::new(serde_json::to_vec(&message).map_err(|_| cannot_seal())?);
    drop(Zeroizing::new(message.text));
    app.vault.seal_message(&*app.random, &plain).ok_or_else(cannot_seal)
}

/// Gives a coupon another code and sends that: the old one is only known by its hash, and is void from then on.
///
/// 1. There is such a coupon: else 404 `not-found`; and its buyer is still with us: else 400 `account-not-eligible`.
/// 2. Nothing more is sent where it was sent under this `resend_id` before. Otherwise it can still be redeemed: else 409
///    `token-already-used`, 400 `token-expired` or `token-invalid`; and has not had all its text messages: else 400
///    `invalid-request`.
pub async fn renew(
    app: &App,
    nonce: Option<Nonce>,
    id: &ExtId,
    resend_id: Option<ExtId>,
) -> Result<CouponRow, Failure> {
    // 1.
    let row = app.store.coupon(id.clone()).await?.ok_or_else(not_found)?;
    let settings = app.config.coupons.as_ref();
    let settings = settings
        .ok_or_else(|| Reject::new(ErrorCode::ParameterNotSupported, "Coupons are not sold here."))?;
    let buyer = app.store.coupon_buyer(id.clone()).await?.ok_or_else(buyer_left)?;
    let number = app.vault.open_number(&buyer.number.sealed);
    let msisdn = number.ok_or(Fault::Broken("a sealed number does not open"))?;

    // 2.
    let now = app.now();
    let title = app.config.offer(&row.offer).map_or(row.description.as_str(), |offer| &offer.title);
    let about = text::About { offer: title, months: row.months, expires_at: row.expires_at };
    let text = new_text(app, settings, &msisdn, &buyer.generation, buyer.locale, &about, true)?;
    match app.store.renew_coupon(nonce, now, id.clone(), resend_id, text).await? {
        CouponChange::Done(row) => Ok(*row),
        CouponChange::NotFound => Err(not_found().into()),
        CouponChange::BuyerLeft => Err(buyer_left().into()),
        CouponChange::Not(row) => Err(why_not(&row, now).into()),
    }
}

/// Takes a coupon back, for ever: 404 `not-found`, 409 `token-already-used` when it is redeemed.
pub async fn void(app: &App, nonce: Option<Nonce>, id: &ExtId) -> Result<CouponRow, Failure> {
    let now = app.now();
    match app.store.void_coupon(nonce, now, id.clone()).await? {
        CouponChange::Done(row) => Ok(*row),
        CouponChange::NotFound | CouponChange::BuyerLeft => Err(not_found().into()),
        CouponChange::Not(row) => Err(why_not(&row, now).into()),
    }
}

/// 404 `not-found`.
pub fn not_found() -> Reject {
    Reject::new(ErrorCode::NotFound, "There is no such coupon.")
}

fn buyer_left() -> Reject {
    Reject::new(ErrorCode::AccountNotEligible, "The coupon's buyer has left: nobody else is sent its code.")
}

fn why_not(row: &CouponRow, now: Timestamp) -> Reject {
    if row.voided_at.is_some() {
        Reject::new(ErrorCode::TokenInvalid, "The coupon is void.")
    } else if row.redeemed_at.is_some() {
        Reject::new(ErrorCode::TokenAlreadyUsed, "The coupon is redeemed.")
    } else if now >= row.expires_at {
        Reject::new(ErrorCode::TokenExpired, "The coupon can no longer be redeemed.")
    } else {
        Reject::invalid_request(format!("The coupon has had its {COUPON_SMS_MAX} text messages."))
    }
}

/// Tells everybody whose months end soon how to go on, once; gives how many there were.
pub async fn remind_all(app: &App) -> Result<usize, Fault> {
    let Some((settings, url)) =
        app.config.coupons.as_ref().and_then(|settings| Some((settings, settings.continue_url.as_ref()?)))
    else {
        return Ok(0);
    };
    let mut reminded = 0;
    loop {
        let now = app.now();
        let ends_by = Day::of_timestamp(now.plus_seconds(i64::from(settings.remind_days) * DAY_SECONDS));
        let due = app.store.reminders_due(Day::of_timestamp(now), ends_by, REMINDERS).await?;
        let before = reminded;
        for reminder in due {
            match remind(app, now, url, reminder).await {
                Ok(put) => reminded += usize::from(put),
                // The others are told all the same.
                Err(fault) => tracing::error!(?fault, "somebody whose coupon ends could not be told"),
            }
        }
        if reminded == before {
            return Ok(reminded);
        }
        app.ring_outbox();
    }
}

async fn remind(app: &App, now: Timestamp, url: &str, due: ReminderDue) -> Result<bool, Fault> {
    let number = app.vault.open_number(&due.number.sealed);
    let msisdn = number.ok_or(Fault::Broken("a sealed number does not open"))?;
    let title = app.config.offer(&due.offer).map_or(due.offer.as_str(), |offer| &offer.title);
    let text = text::reminder(&app.config.name, title, due.paid_until, url, due.locale);
    let ends_at = due.paid_until.starts_at().plus_seconds(DAY_SECONDS);
    let message = seal(app, &msisdn, text, &due.generation, ends_at)?;
    Ok(app.store.remind(now, due.transaction_id, message).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_room_for_the_months_whatever_the_title() {
        assert_eq!(description("Netflix Standard", 6), "Netflix Standard, 6 months");
        let long = description(&"é".repeat(200), 12);
        assert_eq!(long.chars().count(), DESCRIPTION_CHARS_MAX);
        assert!(long.ends_with("é, 12 months"));
    }
}
