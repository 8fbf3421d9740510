//! The span of a call that the origin makes. Its address is no part of it: billing's addresses have
//! ids in them, and an operator's may have anything.

use super::peer::NoResponse;
use crate::call_trace::SpanIds;
use bytes::Bytes;
use http::{Request, Response};
use onbill_domain::ids::PartnerId;
use onbill_domain::key::{KeyUse, Party};
use tracing::Span;
use tracing::field::Empty;

/// What a call to billing is about, such as `transaction`: an extension of its request.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallSubject(pub(super) &'static str);

pub(super) fn call_span(ids: &SpanIds, key_use: KeyUse, party: &Party, request: &Request<Bytes>) -> Span {
    let receiver = match key_use {
        KeyUse::OriginToOperator => "billing",
        KeyUse::OriginToPartner => "partner",
        KeyUse::OriginToEdge => "edge",
        other => other.as_str(),
    };
    let partner = party.partner_id();
    tracing::info_span!(
        "send",
        trace_id = ids.trace_id,
        span_id = ids.span_id,
        parent_span_id = ids.parent_span_id,
        sampled = ids.is_sampled,
        receiver,
        call = request.extensions().get::<CallSubject>().map(|subject| subject.0),
        partner = partner.as_ref().map(PartnerId::as_str),
        method = request.method().as_str(),
        status = Empty,
        outcome = Empty,
    )
}

/// Whether the receiver has answered, and how.
pub(super) fn record_answer(span: &Span, answer: &Result<Response<Bytes>, NoResponse>) {
    let outcome = match answer {
        Ok(response) if response.status().is_server_error() => "failed",
        Ok(response) if response.status().is_client_error() => "refused",
        Ok(_) => "ok",
        Err(NoResponse::Dropped | NoResponse::Unreachable) => "unreachable",
    };
    span.record("outcome", outcome);
    span.record("status", answer.as_ref().ok().map(|response| response.status().as_u16()));
}
