//! The console towards the identity provider: its address, its settings, and whom it recognizes.

use super::attempt::Attempt;
use super::id_token::{self, Expected, Person, TokenFault};
use super::provider::{IdentityProvider, ProviderFault, encode};
use crate::ambient::{Clock, Random};
use crate::care::Role;
use crate::config::ConsoleSettings;
use crate::http::Peer;
use onbill_domain::wire::audit::ActorRole;
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Where the identity provider leads back to.
const CALLBACK_PATH: &str = "/sign-in/callback";

pub(in crate::console) struct SignIn {
    url: String,
    pub(super) issuer: String,
    client_id: String,
    scopes: String,
    actor_claim: String,
    groups_claim: String,
    groups: BTreeMap<String, ActorRole>,
    provider: IdentityProvider,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
}

/// Why a person is not let in.
#[derive(Debug)]
pub(super) enum NotSignedIn {
    /// No cookie of a sign-in, or the state is of another.
    ForgedState,
    /// The answer is another issuer's (RFC 9207).
    OtherIssuer,
    /// The issuer refused the sign-in: the person has cancelled it, or may not use the console.
    Declined,
    Provider(ProviderFault),
    Token(TokenFault),
    /// The issuer's id of the person is none that the audit can name.
    UnnamedPerson,
    /// No group of theirs has a role.
    NoRole,
    /// The sign-in was completed before.
    Repeated,
}

impl SignIn {
    pub(in crate::console) fn new(
        settings: &ConsoleSettings,
        client_secret: Zeroizing<String>,
        peer: Arc<dyn Peer>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let redirect_uri = format!("{}{CALLBACK_PATH}", settings.url);
        let scopes = ["openid", "profile"].into_iter().chain(settings.scopes.iter().map(String::as_str));
        let provider = IdentityProvider::new(
            &settings.issuer,
            &settings.client_id,
            client_secret,
            redirect_uri,
            peer,
            clock.clone(),
        );
        Self {
            url: settings.url.clone(),
            issuer: settings.issuer.clone(),
            client_id: settings.client_id.clone(),
            scopes: scopes.collect::<Vec<_>>().join(" "),
            actor_claim: settings.actor_claim.clone(),
            groups_claim: settings.groups_claim.clone(),
            groups: settings.groups.clone(),
            provider,
            clock,
            random,
        }
    }

    /// The address of the console, as browsers know it.
    pub(in crate::console) fn console_url(&self) -> &str {
        &self.url
    }

    /// The address at the identity provider that begins this sign-in. `has_to_prove` makes it ask for the
    /// password, or whatever it asks, also within its own session (`OpenID` Connect Core §3.1.2.1).
    pub(super) async fn authorization_url(
        &self,
        attempt: &Attempt,
        has_to_prove: bool,
    ) -> Result<String, ProviderFault> {
        let endpoint = self.provider.authorization_endpoint().await?;
        let redirect_uri = format!("{}{CALLBACK_PATH}", self.url);
        let prompt = has_to_prove.then_some(("prompt", "login"));
        let query: Vec<String> = [
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", &redirect_uri),
            ("scope", &self.scopes),
            ("state", &attempt.state()),
            ("nonce", &attempt.nonce()),
            ("code_challenge", &attempt.challenge()),
            ("code_challenge_method", "S256"),
        ]
        .into_iter()
        .chain(prompt)
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
        let joint = if endpoint.contains('?') { '&' } else { '?' };
        Ok(format!("{endpoint}{joint}{}", query.join("&")))
    }

    /// Who has signed in, and in which roles.
    pub(super) async fn identify(
        &self,
        attempt: &Attempt,
        code: &str,
    ) -> Result<(Person, Vec<Role>), NotSignedIn> {
        let received = self.provider.exchange_code(code, &attempt.verifier()).await;
        let received = received.map_err(NotSignedIn::Provider)?;
        let nonce = attempt.nonce();
        let expected = Expected {
            issuer: &self.issuer,
            client_id: &self.client_id,
            nonce: &nonce,
            actor_claim: &self.actor_claim,
            groups_claim: &self.groups_claim,
            now: self.clock.now(),
        };
        let person = id_token::verify(received.keys(), &received.token, &expected);
        let person = person.map_err(NotSignedIn::Token)?;
        let roles = self.roles_of(&person);
        if roles.is_empty() { Err(NotSignedIn::NoRole) } else { Ok((person, roles)) }
    }

    /// In the order of all roles, each once.
    fn roles_of(&self, person: &Person) -> Vec<Role> {
        let granted: Vec<Role> =
            person.groups.iter().filter_map(|group| self.groups.get(group).copied()).collect();
        Role::ALL.into_iter().filter(|role| granted.contains(role)).collect()
    }
}
