//! The calls of edge and origin to a partner.

use super::settings::PartnerSettings;
use super::simulated_edge::{PostedCharge, Session, SimulatedEdge, TokenAnswer};
use crate::ambient::random_bytes;
use crate::certify::answer::{Answer, Seen, describe};
use crate::certify::caller::{Caller, Signing};
use crate::certify::check::Finding;
use crate::certify::limits::PARALLEL_CALLS;
use crate::certify::run::Kit;
use crate::client::address;
use anyhow::Context as _;
use futures_util::future::join_all;
use http::{Method, Uri};
use onbill_domain::encoding::encode_base64url;
use onbill_domain::ids::{OfferId, OperatorId};
use onbill_domain::key::{Key, KeyUse, Keyring, Party};
use onbill_domain::limits::URL_BYTES_MAX;
use onbill_domain::locale::Locale;
use onbill_domain::pai::Pai;
use onbill_domain::wire::ott::RefundResponse;
use onbill_domain::wire::partner::{SignupSessionRequest, SignupSessionResponse};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::timeout;

pub(super) const SIGNUP: &str = "/signup-sessions";

/// What a person has to do at the partner while the kit waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask<'a> {
    /// Finish the sign-up on this page, and charge that customer.
    Charge {
        /// The partner's page.
        page: &'a str,
    },
    /// Refund a part of this charge.
    Refund {
        /// The partner's id of it.
        charge: &'a str,
    },
}

/// Passes on what has to be done at the partner.
pub type Announce = Box<dyn Fn(Ask<'_>) + Send + Sync>;

pub(super) struct PartnerKit {
    pub(super) caller: Caller,
    pub(super) edge: Arc<SimulatedEdge>,
    pub(super) edge_key: Key,
    pub(super) origin_key: Key,
    operator: OperatorId,
    offer: OfferId,
    edge_url: String,
    wait: Duration,
    announce: Announce,
    charge: OnceCell<Option<PostedCharge>>,
    refund: OnceCell<Option<RefundResponse>>,
}

/// A sign-up that was opened.
pub(super) struct Opened {
    pub(super) token: String,
    pub(super) pai: Pai,
    pub(super) seen: Seen,
}

impl Kit for PartnerKit {
    fn caller(&self) -> &Caller {
        &self.caller
    }
}

impl PartnerKit {
    /// The kit, and the edge that it simulates.
    pub(super) fn new(settings: &PartnerSettings, announce: Announce) -> anyhow::Result<Self> {
        let last = |key_use: KeyUse| last_key(&settings.keys, key_use);
        let (edge_key, _) = (last(KeyUse::EdgeToPartner)?, last(KeyUse::PartnerCall)?);
        let origin_key = match &settings.operator {
            None => last(KeyUse::OriginToPartner)?,
            Some(operator) => {
                let key = settings.keys.signing_key(KeyUse::OriginToPartner, Party::operator(operator));
                key.cloned()
                    .with_context(|| format!("the ring has no origin-to-partner key of {operator}"))?
            }
        };
        let operator = origin_key.party.operator_id();
        let operator =
            operator.context("the origin-to-partner key must be of an operator: party operator:ID")?;
        // In the spelling in which the partner sends it: that is what it signs.
        let address = address(&settings.edge_url, "/")?;
        let authority = address.authority().context("the edge's URL must name a host")?.to_string();
        let edge_url = address.to_string().trim_end_matches('/').to_owned();
        let edge = SimulatedEdge::new(settings.keys.clone(), operator.clone(), origin_key.clone(), authority);
        Ok(Self {
            caller: Caller::new(&settings.url, settings.limits)?,
            edge: Arc::new(edge),
            edge_key,
            origin_key,
            operator,
            offer: settings.offer.clone(),
            edge_url,
            wait: settings.wait,
            announce,
            charge: OnceCell::new(),
            refund: OnceCell::new(),
        })
    }

    fn within(&self) -> Duration {
        self.caller.limits.answer_within
    }

    /// A webhook, signed by the operator's origin.
    pub(super) async fn report(&self, path: &str, body: &impl Serialize) -> Seen {
        self.report_signed(path, body, &self.origin_key, Signing::Genuine).await
    }

    pub(super) async fn report_signed(
        &self,
        path: &str,
        body: &impl Serialize,
        key: &Key,
        signing: Signing,
    ) -> Seen {
        let body = serde_json::to_value(body).unwrap_or_default();
        let request = self.caller.request(&Method::POST, path, &body, key, signing);
        self.caller.send(request, self.within()).await
    }

    /// Several webhooks with the same body at the same time, each with a signature of its own.
    pub(super) async fn report_in_parallel(&self, path: &str, body: &impl Serialize) -> Vec<Seen> {
        join_all((0..PARALLEL_CALLS).map(|_| self.report(path, body))).await
    }

    /// Opens the sign-up for a new customer.
    pub(super) async fn open_signup(&self, answer: TokenAnswer, signing: Signing) -> Result<Opened, String> {
        let ambient = |error: anyhow::Error| format!("{error:#}");
        let pai = Pai::from_random(random_bytes().map_err(ambient)?);
        let token = new_token().map_err(ambient)?;
        let ticket = encode_base64url(&random_bytes::<16>().map_err(ambient)?);
        let return_url = format!("{}/widget/v1/return/{}/{ticket}", self.edge_url, self.operator);
        let session =
            Session { pai, return_url: return_url.clone(), offer: self.offer.clone(), answer, spent: 0 };
        self.edge.open(token.clone(), session);
        let request = SignupSessionRequest {
            token: token.clone(),
            operator: self.operator.clone(),
            channel: "web".to_owned(),
            locale: Locale::En,
            return_url,
        };
        let seen = self.report_signed(SIGNUP, &request, &self.edge_key, signing).await;
        Ok(Opened { token, pai, seen })
    }

    /// A PAI that the partner knows, from a sign-up.
    pub(super) async fn known_pai(&self) -> Result<Pai, String> {
        let opened = self.open_signup(TokenAnswer::Genuine, Signing::Genuine).await?;
        page_of(&opened.seen).map_err(|seen| format!("open a sign-up first: {seen}"))?;
        Ok(opened.pai)
    }

    /// The first charge that the partner has posted; `None` if none came in the time to wait.
    pub(super) async fn charge(&self) -> Option<&PostedCharge> {
        let wait = async {
            let mut charges = self.edge.charges();
            if charges.borrow().is_empty() {
                let opened = self.open_signup(TokenAnswer::Genuine, Signing::Genuine).await.ok()?;
                (self.announce)(Ask::Charge { page: &page_of(&opened.seen).ok()? });
            }
            let came = timeout(self.wait, charges.wait_for(|charges| !charges.is_empty())).await;
            came.ok()?.ok()?.first().cloned()
        };
        self.charge.get_or_init(|| wait).await.as_ref()
    }

    /// The first refund that the partner has posted, after its charge was settled.
    pub(super) async fn refund(&self) -> Option<&RefundResponse> {
        let charge = self.charge().await?;
        let wait = async {
            (self.announce)(Ask::Refund { charge: charge.asked.ext_transaction_id.as_str() });
            let mut refunds = self.edge.refunds();
            let came = timeout(self.wait, refunds.wait_for(|refunds| !refunds.is_empty())).await;
            came.ok()?.ok()?.first().cloned()
        };
        self.refund.get_or_init(|| wait).await.as_ref()
    }
}

fn last_key(ring: &Keyring, key_use: KeyUse) -> anyhow::Result<Key> {
    let key = ring.keys_for_use(key_use).last();
    key.cloned().with_context(|| format!("the ring has no key of the use {}", key_use.as_str()))
}

/// A token of the form of onbill's: a compact JWS. What is in it is between the edge and the origin.
fn new_token() -> anyhow::Result<String> {
    let part = || random_bytes::<32>().map(|bytes| encode_base64url(&bytes));
    Ok(format!("{}.{}.{}", part()?, part()?, part()?))
}

/// The page of an opened sign-up.
pub(super) fn page_of(seen: &Seen) -> Result<String, String> {
    let answer = match seen {
        Ok(answer) if matches!(answer.status, 200 | 201) => answer,
        _ => return Err(describe(seen)),
    };
    read_page(answer).ok_or_else(|| answer.to_string())
}

fn read_page(answer: &Answer) -> Option<String> {
    let stated: SignupSessionResponse = serde_json::from_slice(&answer.body).ok()?;
    let address: Uri = stated.url.parse().ok()?;
    let is_page = matches!(address.scheme_str(), Some("http" | "https")) && address.authority().is_some();
    (is_page && stated.url.len() <= URL_BYTES_MAX).then_some(stated.url)
}

/// Whether a webhook was taken.
pub(super) fn taken(seen: &Seen) -> Finding {
    if seen.as_ref().is_ok_and(Answer::is_success) { Ok(()) } else { Err(describe(seen)) }
}

/// Whether a call was refused as the caller's mistake.
pub(super) fn refused(seen: &Seen) -> Finding {
    if seen.as_ref().is_ok_and(Answer::is_refusal) { Ok(()) } else { Err(describe(seen)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certify::limits::Limits;

    // The pair of RFC 8037, appendices A.1 and A.2.
    const RING: &str = r#"[
        {"id":"p","party":"partner:netflix","use":"partner-call","alg":"ed25519",
         "public":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","private":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"},
        {"id":"o","party":"operator:acme","use":"origin-to-partner","alg":"hmac-sha256",
         "secret":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"},
        {"id":"e","party":"partner:netflix","use":"edge-to-partner","alg":"hmac-sha256",
         "secret":"CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk"}]"#;

    #[test]
    fn edge_has_the_address_that_the_partner_signs() {
        let settings = |edge_url: &str| PartnerSettings {
            url: "https://partner.example".to_owned(),
            keys: Keyring::parse(RING).expect("is well formed"),
            operator: None,
            edge_url: edge_url.to_owned(),
            offer: OfferId::parse("netflix-standard").expect("is a slug"),
            limits: Limits::default(),
            wait: Duration::ZERO,
        };
        let kit = |edge_url| PartnerKit::new(&settings(edge_url), Box::new(|_| {}));
        for edge_url in ["https://Kit.Example:443/", "https://kit.example"] {
            assert_eq!(kit(edge_url).expect("is an address").edge_url, "https://kit.example");
        }
        for edge_url in ["kit.example", "https://u:p@kit.example"] {
            assert!(kit(edge_url).is_err(), "{edge_url}");
        }
    }
}
