//! `/app`: simulates an Android device with the partner's app preloaded, and the app's own server
//! behind it. The app reads network and number of the SIM, identifies the operator by the network,
//! and lets its server ask that operator only whether the number may be billed. From then on it
//! knows the subscriber by the PAI.
//!
//! Each tap is a form that is answered with a redirect to `/app/{device}`, which shows the app's
//! present screen: reloading, going back and opening it again make no further call. What a real app
//! does in which case is in docs/device.md.

mod actions;
mod calls;
mod device;
mod screens;
pub(super) mod sims;
mod stops;

pub(super) use device::Devices;

use super::Netflix;
use super::layout::page;
use actions::{AppAction, Tap};
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use device::SharedDevice;
use http::StatusCode;
use maud::html;
use std::sync::{MutexGuard, PoisonError};

/// The device as it is. While its server makes a call, this waits for the response.
pub(super) async fn get_app(State(netflix): State<Netflix>, Path(id): Path<String>) -> Response {
    let Some(device) = netflix.device(&id) else { return gone(&netflix) };
    let (title, main) = screens::of(&netflix, &id, &*device.lock().await);
    page(&netflix, &title, &main)
}

/// The app's other payment methods.
pub(super) async fn get_other_ways(State(netflix): State<Netflix>, Path(id): Path<String>) -> Response {
    let Some(device) = netflix.device(&id) else { return gone(&netflix) };
    let (title, main) = screens::other_ways(&netflix, &id, &*device.lock().await);
    page(&netflix, &title, &main)
}

/// A tap.
///
/// 1. No such device, or an unknown action → 404.
/// 2. A form of an earlier turn (a double click, a page from the history) has had its effect → its
///    result.
/// 3. It runs to its end: a browser that disconnects meanwhile, as it does at a double click,
///    interrupts nothing.
/// 4. 303 to the device.
pub(super) async fn post_act(
    State(netflix): State<Netflix>,
    Path((id, name)): Path<(String, String)>,
    Form(tap): Form<Tap>,
) -> Response {
    // 1.
    let Some(device) = netflix.device(&id) else { return gone(&netflix) };
    let turn = tap.turn.parse::<u32>();
    let Some(act) = AppAction::of(&name, tap) else { return gone(&netflix) };
    // 2. and 3.
    let done = tokio::spawn(async move {
        let mut device = device.lock_owned().await;
        if turn == Ok(device.turn) {
            device.turn += 1;
            netflix.act(&mut device, act).await;
        }
    });
    // It ends early only when the program does.
    let _ = done.await;
    // 4.
    Redirect::to(&format!("/app/{id}")).into_response()
}

fn gone(netflix: &Netflix) -> Response {
    let main = html! {
        section class="card end" {
            h1 { "There is no such device" }
            p { "It was put away a day after its SIM was put in." }
            a class="main" href="/app" { "Take another one" }
        }
    };
    (StatusCode::NOT_FOUND, page(netflix, "No such device", &main)).into_response()
}

impl Netflix {
    fn devices(&self) -> MutexGuard<'_, Devices> {
        self.0.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn device(&self, id: &str) -> Option<SharedDevice> {
        let now = self.now();
        self.devices().find(id, now)
    }
}
