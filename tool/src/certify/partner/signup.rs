//! Checks of `POST /signup-sessions`.

use super::kit::{PartnerKit, page_of, refused};
use super::simulated_edge::TokenAnswer;
use crate::certify::answer::describe;
use crate::certify::caller::Signing;
use crate::certify::check::{Check, CheckFacts, Finding};
use futures_util::future::join;

pub(super) static CHECKS: &[Check<PartnerKit>] = &[
    Check {
        facts: CheckFacts {
            id: "partner-signup-opened",
            name: "A sign-up is opened",
            expected: "201 or 200 with an absolute url of at most 2048 bytes",
            mend: "Answer with {\"url\"}: your page for this customer. Let your test system call the kit as its edge.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_opened(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-signup-token-spent",
            name: "The token is spent with your signature",
            expected: "POST /ott/v1/token/validate at the edge, signed with your partner-call key",
            mend: "Spend the token before you answer 201. `onbill verify` explains a refused signature.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_token_spent(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-signup-own-page",
            name: "Two sign-ups in parallel get two pages",
            expected: "another url each time",
            mend: "Make a visit for each call. One page for two customers would show one of them the other's sign-up.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_own_page(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-signup-token-refused",
            name: "A token that onbill refuses opens nothing",
            expected: "a status of 4xx or 5xx",
            mend: "Open a sign-up only after POST /ott/v1/token/validate has given you the PAI.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_not_opened(kit, TokenAnswer::Refused).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-signup-token-unsigned",
            name: "A success that no operator has signed counts as no response",
            expected: "a status of 4xx or 5xx",
            mend: "Verify the signature of every success with your origin-to-partner keys. docs/partner.md says what it covers.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_not_opened(kit, TokenAnswer::Unsigned).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-signup-signature",
            name: "A sign-up with a missing or wrong signature is refused",
            expected: "401, or another 4xx",
            mend: "Verify the signature with your edge-to-partner keys before you read the body.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_unsigned(kit).await.into() }),
    },
];

async fn check_opened(kit: &PartnerKit) -> Finding {
    let opened = kit.open_signup(TokenAnswer::Genuine, Signing::Genuine).await?;
    page_of(&opened.seen).map(|_| ())
}

async fn check_token_spent(kit: &PartnerKit) -> Finding {
    let opened = kit.open_signup(TokenAnswer::Genuine, Signing::Genuine).await?;
    page_of(&opened.seen)?;
    if kit.edge.times_spent(&opened.token) > 0 {
        return Ok(());
    }
    Err(match kit.edge.latest_refusal() {
        Some(why) => format!("the kit refused {why}"),
        None => "the token did not come to the kit".to_owned(),
    })
}

async fn check_own_page(kit: &PartnerKit) -> Finding {
    let open = || kit.open_signup(TokenAnswer::Genuine, Signing::Genuine);
    let (first, second) = join(open(), open()).await;
    if page_of(&first?.seen)? == page_of(&second?.seen)? {
        return Err("the same url twice".to_owned());
    }
    Ok(())
}

async fn check_not_opened(kit: &PartnerKit, answer: TokenAnswer) -> Finding {
    let opened = kit.open_signup(answer, Signing::Genuine).await?;
    match &opened.seen {
        Ok(seen) if seen.status >= 400 => Ok(()),
        seen => Err(describe(seen)),
    }
}

async fn check_unsigned(kit: &PartnerKit) -> Finding {
    for signing in [Signing::Missing, Signing::Wrong, Signing::BodyChanged] {
        refused(&kit.open_signup(TokenAnswer::Genuine, signing).await?.seen)?;
    }
    Ok(())
}
