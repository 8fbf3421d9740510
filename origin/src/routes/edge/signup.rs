//! `POST /edge/v1/signup`: the customer continues to the partner with a newly minted sign-up token.

use crate::ambient::{Clock, Random};
use crate::config::{Config, Offer};
use crate::fault::Failure;
use crate::flow::{
    Agreements, Eligibility, EligibleAccount, ExpectedSubscriber, FlowProofs, already_on_bill, flow_expired,
    is_agreed_in, replace_agreement, secret_of,
};
use crate::instruments::{Channel, FunnelStep, Instruments};
use crate::keys::TokenSigner;
use crate::routes::authentic::EdgeCall;
use crate::routes::state::action_parts;
use crate::store::{
    AgreedTerms, IssueSignupResult, NewPai, NewPaiIds, NewSignup, ShownWords, Store, WidgetAgreement,
};
use axum::Json;
use axum::extract::State;
use onbill_domain::agreement::{hash_agreement, word_change};
use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::ids::OperatorId;
use onbill_domain::limits::SIGNUP_TOKEN_TTL_SECONDS;
use onbill_domain::mandate::MandateProof;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::token::{ISSUER, SignupClaims};
use onbill_domain::wire::edge::{FlowStep, SignupAnswer, SignupRequest, SignupResponse};
use onbill_domain::wire::kv::PaiMapping;
use onbill_domain::wire::parse;
use std::sync::Arc;

action_parts!(SignupParts {
    config: Arc<Config>,
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    eligibility: Arc<Eligibility>,
    proofs: Arc<FlowProofs>,
    agreements: Arc<Agreements>,
    signer: Arc<TokenSigner>,
    instruments: Arc<Instruments>,
});

/// 1. The flow must be proven and open, and must have begun with an offer: 400 `token-expired`
///    otherwise, or `account-not-eligible` when it was proven by PIN and the SIM of the number has
///    changed since.
/// 2. Checks the account status again: it may have changed, and it is what the charge will meet. A
///    number that has a new subscriber since it was proven is no longer proven: 400
///    `token-expired`. 409 `already-on-bill`.
/// 3. The customer agrees to the words that the last step has shown. If they are others now, as after a
///    change of the price, they must be read first: 200 with the last step again, and why.
/// 4. Records the token with what the customer agrees to, and the subscriber and PAI if they are new;
///    409 `already-on-bill`, or 400 `token-expired` when an account event has ended the flow in the
///    meantime.
/// 5. 200 with the token.
pub(in crate::routes) async fn begin_signup(
    State(parts): State<SignupParts>,
    call: EdgeCall,
) -> Result<Json<SignupAnswer>, Failure> {
    let SignupParts { config, store, clock, random, eligibility, proofs, agreements, signer, instruments } =
        parts;
    // 1.
    let request: SignupRequest = parse(&call.body)?;
    let now = clock.now();
    let (flow, msisdn) = proofs.find_proven(&request.flow).await?;
    let offer = config.find_offer(&flow.offer.ok_or_else(flow_expired)?)?;

    // 2.
    let eligible =
        eligibility.check_buyer(offer, &msisdn, ExpectedSubscriber::MarkedIn(&request.flow)).await?;
    if eligible.pays_already {
        return Err(already_on_bill().into());
    }

    // 3.
    let agreement = agreements.word_agreement(offer, flow.locale, &msisdn, &eligible).await?;
    let words_sha256 = hash_agreement(&agreement);
    if !is_agreed_in(&request.flow, &words_sha256) {
        let step = FlowStep::Confirm {
            flow: replace_agreement(&request.flow, &words_sha256),
            account_type: eligible.account_type,
            offer: offer.to_view(),
            agreement,
            notice: Some(word_change(flow.locale).to_owned()),
        };
        return Ok(Json(SignupAnswer::ReadAgain(Box::new(step))));
    }

    // 4.
    let EligibleAccount { known, account_type, .. } = eligible;
    let jti = random.uuid();
    let ticket = encode_base64url(&random.bytes::<16>());
    let (edge, operator) = (&config.edge_url, &config.operator);
    let partner_return_url = format!("{edge}/widget/v1/return/{operator}/{ticket}");
    let agreed = WidgetAgreement {
        plan: offer.plan.clone(),
        price: offer.price,
        terms: offer.terms.as_ref().map(AgreedTerms::from),
        words: Some(ShownWords { sha256: words_sha256, locale: flow.locale }),
        proof: if flow.pin.is_some() { MandateProof::Pin } else { MandateProof::Session },
        proof_reference: encode_base64url(&sha256(secret_of(&request.flow).as_bytes())),
    };
    let new = NewSignup {
        jti: jti.clone(),
        ticket: sha256(ticket.as_bytes()),
        pai: NewPai {
            partner: offer.partner.clone(),
            number: flow.number,
            subscriber_ref: known.subscriber_ref,
            proved_in: Some(sha256(secret_of(&request.flow).as_bytes())),
            fresh: NewPaiIds::draw(&*random),
        },
        account_type,
        offer: offer.id.clone(),
        locale: flow.locale,
        partner_return_url: partner_return_url.clone(),
        return_url: flow.return_url,
        agreed,
    };
    let pai = match store.issue_signup(call.nonce, now, new).await? {
        IssueSignupResult::Issued(pai) => pai,
        IssueSignupResult::AlreadyOnBill => return Err(already_on_bill().into()),
        IssueSignupResult::FlowOver => return Err(flow_expired().into()),
    };

    // 5.
    instruments.metrics.visits.note_step(Channel::Widget, FunnelStep::SignupBegun);
    Ok(Json(SignupAnswer::Begins(Box::new(SignupResponse {
        partner: offer.partner.clone(),
        token: signer.sign(&signup_claims(operator, offer, pai.pai, jti, now))?,
        pai: pai.pai,
        mapping: PaiMapping {
            operator: operator.clone(),
            subscriber: pai.handle,
            state: pai.state,
            version: pai.version,
        },
        locale: flow.locale,
        return_url: partner_return_url,
    }))))
}

fn signup_claims(
    operator: &OperatorId,
    offer: &Offer,
    pai: Pai,
    jti: String,
    now: Timestamp,
) -> SignupClaims {
    SignupClaims {
        iss: ISSUER.to_owned(),
        aud: offer.partner.clone(),
        sub: pai,
        op: operator.clone(),
        offer: offer.id.clone(),
        jti,
        iat: now.unix_seconds(),
        exp: now.unix_seconds() + SIGNUP_TOKEN_TTL_SECONDS,
    }
}
