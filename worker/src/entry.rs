//! The entry point on the Workers platform. Nothing is decided here: the configuration is read once
//! for each isolate, and every request goes to `handle`.

use crate::config::{Config, ConfigFault};
use crate::handle::{handle, handle_unconfigured};
use crate::platform::workers::{Workers, read_request, read_variable, to_platform_response};
use onbill_domain::reject::Reject;
use std::sync::OnceLock;
use worker::{Context, Env, event, web_sys};

static CONFIG: OnceLock<Result<Config, ConfigFault>> = OnceLock::new();

fn read_config(env: &Env) -> &'static Result<Config, ConfigFault> {
    CONFIG.get_or_init(|| {
        let variable = |name: &str| read_variable(env, name);
        Config::read(variable)?.with_challenge(
            variable("TURNSTILE_SITE_KEY").as_deref(),
            variable("TURNSTILE_SECRET").as_deref(),
        )
    })
}

#[event(fetch)]
async fn fetch(incoming: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    let config = read_config(&env);
    let platform = Workers::new(env, context);
    let response = match (read_request(&incoming).await, config) {
        (Some(request), Ok(config)) => handle(&platform, config, request).await,
        (Some(request), Err(fault)) => handle_unconfigured(&platform, fault, request).await,
        (None, _) => Reject::invalid_request("The request could not be read.").into(),
    };
    to_platform_response(&response)
}
