//! `POST /edge/v1/signup`: the customer goes on to the partner, and a sign-up token is minted for them.

use super::proven_flow;
use crate::app::App;
use crate::fault::{Failure, Fault};
use crate::routes::authentic::EdgeCall;
use crate::routes::standing::{self, Good};
use crate::store::{FreshNames, NewPai, NewSignup, SignupIssue};
use axum::Json;
use axum::extract::State;
use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::key::KeyUse;
use onbill_domain::limits::SIGNUP_TOKEN_TTL_SECONDS;
use onbill_domain::token::{self, ISSUER, SignupClaims};
use onbill_domain::wire::edge::{SignupRequest, SignupResponse};
use onbill_domain::wire::kv::PaiMapping;
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 1. The flow must be proven and open, and have been begun to buy: 400 `token-expired` otherwise, or
///    `account-not-eligible` when it was proven by PIN and the number has another SIM since.
/// 2. The account's standing decides again: it may have changed since, and it is what the charge will meet. A number
///    that has changed hands since it was proven is not proven: 400 `token-expired`. 409 `already-on-bill`.
/// 3. Records the token, and the subscriber and PAI if they are new; 409 `already-on-bill`.
/// 4. 200 with the token.
pub(in crate::routes) async fn begin_signup(
    State(app): State<Arc<App>>,
    call: EdgeCall,
) -> Result<Json<SignupResponse>, Failure> {
    // 1.
    let request: SignupRequest = parse(&call.body)?;
    let now = app.now();
    let (flow, msisdn) = proven_flow::find(&app, &request.flow).await?;
    let offer = app.offer(&flow.offer.ok_or_else(proven_flow::expired)?)?;

    // 2.
    let Good { known, account_type, pays_already } = standing::check(&app, offer, &msisdn).await?;
    if !proven_flow::is_marked_for(&app, &request.flow, &known.generation) {
        return Err(proven_flow::expired().into());
    }
    if pays_already {
        return Err(standing::already_on_bill().into());
    }

    // 3.
    let jti = app.random.uuid();
    let ticket = encode_base64url(&app.random.bytes::<16>());
    let (edge, operator) = (&app.config.edge_url, &app.config.operator);
    let partner_return_url = format!("{edge}/widget/v1/return/{operator}/{ticket}");
    let new = NewSignup {
        jti: jti.clone(),
        ticket: sha256(ticket.as_bytes()),
        pai: NewPai {
            partner: offer.partner.clone(),
            number: flow.number,
            generation: known.generation,
            fresh: FreshNames::draw(&*app.random),
        },
        account_type,
        offer: offer.id.clone(),
        locale: flow.locale,
        partner_return_url: partner_return_url.clone(),
        return_url: flow.return_url,
    };
    let pai = match app.store.issue_signup(call.nonce, now, new).await? {
        SignupIssue::Issued(pai) => pai,
        SignupIssue::AlreadyOnBill => return Err(standing::already_on_bill().into()),
    };

    // 4.
    let claims = SignupClaims {
        iss: ISSUER.to_owned(),
        aud: offer.partner.clone(),
        sub: pai.pai,
        op: operator.clone(),
        offer: offer.id.clone(),
        jti,
        iat: now.unix_seconds(),
        exp: now.unix_seconds() + SIGNUP_TOKEN_TTL_SECONDS,
    };
    let key = app.signing_key(KeyUse::SignupToken)?;
    Ok(Json(SignupResponse {
        partner: offer.partner.clone(),
        token: token::sign(key, &claims).ok_or(Fault::Broken("the token key does not sign"))?,
        pai: pai.pai,
        mapping: PaiMapping {
            operator: operator.clone(),
            subscriber: pai.handle,
            state: pai.state,
            version: pai.version,
        },
        locale: flow.locale,
        return_url: partner_return_url,
    }))
}
