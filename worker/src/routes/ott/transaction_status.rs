//! `GET /ott/v1/transaction/{extTransactionID}`: where a charge stands. Nothing in the call says whose it is, so every
//! operator of the partner is asked.

use crate::call::Call;
use crate::fault::{Fault, Party, Stop};
use crate::origin::read_answer;
use crate::ott::authenticate::authenticate;
use crate::ott::forward::{forward, relay};
use crate::platform::Platform;
use bytes::Bytes;
use futures_util::future::join_all;
use http::Response;
use onbill_domain::ids::ExtId;
use onbill_domain::reject::{Code, Reject};
use onbill_domain::wire::ott::TransactionAnswer;
use percent_encoding::percent_decode_str;

/// 1. The call is a partner's → else 401, 429.
/// 2. The path has an identifier → else 400 `invalid-request`.
/// 3. Every operator of the partner is asked, all at once. One has it → 200. Two have it → 503: one operator must not
///    answer for another's charge, and nothing tells which one is right.
/// 4. Nobody has it: somebody does not answer → 503; somebody refuses the call itself → that refusal; all of them
///    say so → 404 `transaction-not-found`.
pub(crate) async fn get<P: Platform>(
    call: &Call<'_, P>,
    ext_transaction_id: &str,
) -> Result<Response<Bytes>, Stop> {
    // 1.
    let partner = authenticate(call).await?;
    // 2.
    let decoded = percent_decode_str(ext_transaction_id).decode_utf8().ok();
    let id = decoded.and_then(|text| ExtId::parse(&text));
    let id = id.ok_or_else(|| Reject::invalid("The path does not end in an identifier."))?;
    // 3.
    let operators = call.config.operators_of(partner);
    let answers = join_all(operators.map(async |operator| {
        let response = forward(call, operator, None).await?;
        let relayed = relay::<TransactionAnswer>(operator, &response)?;
        let party = Party::Operator(operator.id.clone());
        let told: TransactionAnswer = read_answer(&response, &party)?;
        if told.ext_transaction_id != id {
            return Err(Fault::Unexpected(party, "an answer about another charge".to_owned()).into());
        }
        Ok((party, relayed))
    }));
    // 4.
    let mut found: Option<Response<Bytes>> = None;
    let (mut silent, mut refused): (Option<Fault>, Option<Reject>) = (None, None);
    for answer in answers.await {
        match answer {
            Ok((party, _)) if found.is_some() => {
                return Err(
                    Fault::Unexpected(party, "a charge that another operator has too".to_owned()).into()
                );
            }
            Ok((_, response)) => found = Some(response),
            Err(Stop::Reject(reject)) if reject.code == Code::TransactionNotFound => {}
            Err(Stop::Reject(reject)) => refused = refused.or(Some(reject)),
            Err(Stop::Fault(fault)) => silent = silent.or(Some(fault)),
        }
    }
    if let Some(response) = found {
        return Ok(response);
    }
    Err(match (silent, refused) {
        (Some(fault), _) => fault.into(),
        (None, Some(reject)) => reject.into(),
        (None, None) => Reject::new(Code::TransactionNotFound, "There is no such transaction.").into(),
    })
}
