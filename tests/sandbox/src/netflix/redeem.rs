//! `/redeem`: a member, or a person who becomes one by it, enters the code of a coupon.

use super::Netflix;
use super::edge::EdgeFailure;
use super::members::{DEMO_PASSWORD, MemberAccount};
use super::redeem_form::{self, EnteredCoupon, RedeemError, RedeemField};
use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};
use onbill_domain::day::Day;
use onbill_domain::ids::ExtId;
use onbill_domain::wire::coupon::CouponRedeemRequest;

pub(super) async fn get_redeem(State(netflix): State<Netflix>, headers: HeaderMap) -> Response {
    redeem_form::page(&netflix, netflix.logged_in(&headers).as_ref(), None)
}

/// 1. The form has had its effect before (a double click, a page from the history) → the account.
/// 2. No input, or another's account → 400 and the page again, with the reason.
/// 3. The edge is called, to the end: a browser that disconnects meanwhile interrupts nothing. A
///    refusal or no response → the page again, in words. Only after a missing response does the
///    next try request the same redemption.
/// 4. The account has the coupon → the account, and a new member is logged in.
pub(super) async fn post_redeem(
    State(netflix): State<Netflix>,
    headers: HeaderMap,
    Form(entered): Form<EnteredCoupon>,
) -> Response {
    // 1.
    let member = netflix.logged_in(&headers);
    let reference = ExtId::parse(&entered.reference);
    let before = reference.as_ref().and_then(|reference| netflix.redeemed_by(reference));
    if let Some(account_id) = before {
        return netflix.show(member.as_ref(), &account_id);
    }
    // 2.
    let again = |complaint: RedeemError, status: StatusCode| {
        let page = redeem_form::page(&netflix, member.as_ref(), Some((&entered, &complaint)));
        (status, page).into_response()
    };
    let (Some(reference), Ok(redeemer)) = (reference, netflix.redeemer(member.as_ref(), &entered)) else {
        let complaint = netflix.redeemer(member.as_ref(), &entered).err().unwrap_or(RedeemError::OLD_FORM);
        return again(complaint, StatusCode::BAD_REQUEST);
    };
    // 3.
    let asked = CouponRedeemRequest {
        code: entered.code.trim().to_owned(),
        ext_reference: reference,
        pai: redeemer.account.as_ref().and_then(|account| netflix.members().subscriber_of(account)),
    };
    let (party, email) = (netflix.clone(), redeemer.email);
    let done = tokio::spawn(async move { party.redeem_for(&email, &asked).await });
    match done.await.unwrap_or(Err(EdgeFailure::Silent)) {
        // 4.
        Ok(account_id) => netflix.show(member.as_ref(), &account_id),
        Err(failure) => {
            let status =
                if failure.is_passing() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::CONFLICT };
            again(RedeemError::of(&failure), status)
        }
    }
}

/// The redeemer: the address of the account, and the account where there is one.
struct Redeemer {
    email: String,
    account: Option<MemberAccount>,
}

impl Netflix {
    /// The logged-in member, else the person in the form, if they are permitted.
    fn redeemer(
        &self,
        member: Option<&MemberAccount>,
        entered: &EnteredCoupon,
    ) -> Result<Redeemer, RedeemError> {
        if entered.code.trim().is_empty() {
            return Err(RedeemError::at(RedeemField::Code, "Enter the code from the text message."));
        }
        if let Some(member) = member {
            return Ok(Redeemer { email: member.email.clone(), account: Some(member.clone()) });
        }
        let email = entered.email.trim();
        if !redeem_form::is_address(email) {
            return Err(RedeemError::at(
                RedeemField::Email,
                "Enter an e-mail address, such as name@example.com.",
            ));
        }
        if entered.password.is_empty() {
            return Err(RedeemError::at(RedeemField::Password, "Enter a password."));
        }
        let account = self.members().account(email).cloned();
        if account.is_some() && entered.password != DEMO_PASSWORD {
            let mismatch = "There is an account with this e-mail, and its password is another.";
            return Err(RedeemError::at(RedeemField::Password, mismatch));
        }
        Ok(Redeemer { email: email.to_owned(), account })
    }

    /// Redeems, and puts the coupon on the account with this address. Returns the account's id.
    async fn redeem_for(&self, email: &str, asked: &CouponRedeemRequest) -> Result<String, EdgeFailure> {
        let reported = self.redeem(asked).await?;
        let today = Day::of_timestamp(self.now());
        Ok(self.members().put_coupon(email, asked, reported, today))
    }

    fn redeemed_by(&self, reference: &ExtId) -> Option<String> {
        self.members().redeemed_by(reference).map(|account| account.id.clone())
    }

    /// Redirects to the account, and logs it in unless it is logged in already.
    fn show(&self, member: Option<&MemberAccount>, account_id: &str) -> Response {
        match member {
            Some(member) if member.id == account_id => Redirect::to("/member").into_response(),
            _ => self.log_in(account_id, "/member"),
        }
    }
}
