//! `/app`: which SIM is put into the simulated device. The demo accounts' SIMs are listed; any
//! other number and network can be typed. A typed number is the only thing that may bring a number
//! here.

use super::super::Netflix;
use super::super::config::KnownOperator;
use super::super::layout::page;
use super::super::network::NetworkCode;
use super::device::SimCard;
use crate::account_file::Subscriber;
use crate::page::{account, spoken_number};
use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::ACCEPT_LANGUAGE;
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use onbill_domain::locale::Locale;
use onbill_domain::msisdn::Msisdn;
use serde::Deserialize;

/// Listed SIMs of one operator: an imported file may have more than a page can show.
const LISTED_MAX: usize = 40;

/// A SIM as it was chosen.
#[derive(Deserialize)]
pub(in super::super) struct Chosen {
    /// A listed one, such as `acme-1`; absent when it was typed.
    #[serde(default)]
    sim: String,
    #[serde(default)]
    msisdn: String,
    #[serde(default)]
    network: String,
}

pub(in super::super) async fn get_sims(State(netflix): State<Netflix>) -> Response {
    choice(&netflix, None)
}

/// Puts the SIM into a new device and opens the app; 400 and the page again for an invalid number
/// or network.
pub(in super::super) async fn post_sim(
    State(netflix): State<Netflix>,
    headers: HeaderMap,
    Form(chosen): Form<Chosen>,
) -> Response {
    let sim = match netflix.sim(&chosen) {
        Ok(sim) => sim,
        Err(complaint) => {
            return (StatusCode::BAD_REQUEST, choice(&netflix, Some((&chosen, complaint)))).into_response();
        }
    };
    let language = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let locale = language.and_then(Locale::from_accept_language).unwrap_or_default();
    let id = netflix.0.outside.random.uuid();
    netflix.devices().put(id.clone(), sim, locale, netflix.now());
    Redirect::to(&format!("/app/{id}")).into_response()
}

/// The invalid field, and why.
type SimError = (&'static str, &'static str);

impl Netflix {
    fn sim(&self, chosen: &Chosen) -> Result<SimCard, SimError> {
        if let Some(sim) = self.sim_at_hand(&chosen.sim) {
            return Ok(sim);
        }
        let network = NetworkCode::parse(&chosen.network)
            .ok_or(("network", "Enter three digits for the country, and two or three for the network."))?;
        let typed: String =
            chosen.msisdn.chars().filter(|c| !c.is_whitespace() && !"-.()/".contains(*c)).collect();
        let msisdn = match typed.as_str() {
            "" => None,
            typed => Some(
                Msisdn::parse(typed)
                    .ok_or(("msisdn", "Enter the number with + and the code of its country."))?,
            ),
        };
        Ok(SimCard { network, msisdn })
    }

    fn sim_at_hand(&self, name: &str) -> Option<SimCard> {
        let (operator, position) = name.rsplit_once('-')?;
        let operator = self.0.config.operators.iter().find(|known| known.id.as_str() == operator)?;
        let subscriber = operator.sims.get(position.parse::<usize>().ok()?.checked_sub(1)?)?;
        Some(SimCard { network: operator.network.clone(), msisdn: Some(subscriber.msisdn.clone()) })
    }
}

fn choice(netflix: &Netflix, problem: Option<(&Chosen, SimError)>) -> Response {
    let title = if problem.is_some() { "Error: the app on a device" } else { "The app on a device" };
    let main = html! {
        div class="lead" {
            h1 { "The app on a device" }
            p { "This simulates a phone with the partner’s app preloaded. Which SIM is in it?" }
        }
        form class="sims" method="post" action="/app" {
            @for operator in &netflix.0.config.operators { (at_hand(operator)) }
        }
        (typed(netflix, problem))
    };
    page(netflix, title, &main)
}

fn at_hand(operator: &KnownOperator) -> Markup {
    let title = format!("sims-of-{}", operator.id);
    let button = |(position, subscriber): (usize, &Subscriber)| {
        html! {
            li {
                button name="sim" value={ (operator.id) "-" (position + 1) } {
                    strong { (spoken_number(subscriber.msisdn.expose())) }
                    span { (account(&subscriber.account)) }
                }
            }
        }
    };
    html! {
        section class="card" aria-labelledby=(title) {
            div class="title" {
                h2 id=(title) { (operator.name) }
                span class="code" { (operator.network) }
            }
            ul { @for each in operator.sims.iter().enumerate().take(LISTED_MAX) { (button(each)) } }
        }
    }
}

fn typed(netflix: &Netflix, problem: Option<(&Chosen, SimError)>) -> Markup {
    let wrong = |field: &str| problem.filter(|(_, (place, _))| *place == field).map(|(_, (_, why))| why);
    let input = |field: &'static str, label: &str, hint: &Markup, before: &str| {
        let why = wrong(field);
        let described =
            if why.is_some() { format!("{field}-problem {field}-hint") } else { format!("{field}-hint") };
        html! {
            div {
                label for=(field) { (label) }
                input id=(field) name=(field) value=(before) autocomplete="off" inputmode=[(field == "msisdn").then_some("tel")]
                    aria-invalid=[why.map(|_| "true")] aria-describedby=(described) autofocus[why.is_some()];
                @if let Some(why) = why { p class="problem" id={ (field) "-problem" } role="alert" { (why) } }
                p class="hint" id={ (field) "-hint" } { (hint) }
            }
        }
    };
    let networks = html! {
        @for operator in &netflix.0.config.operators { (operator.network) " is " (operator.name) ". " }
        "Any other has no contract here: 001-99, say."
    };
    let (msisdn, network) = problem.map_or(("", ""), |(chosen, _)| (&chosen.msisdn, &chosen.network));
    html! {
        form id="own-sim" class="card own-sim" method="post" action="/app" novalidate {
            h2 { "Another SIM" }
            (input("msisdn", "Number", &html! { "Such as +1 202 555 0199. Leave it empty for a SIM that does not tell its number." }, msisdn))
            (input("network", "Network", &networks, network))
            button class="main" type="submit" { "Insert it and open the app" }
        }
    }
}
