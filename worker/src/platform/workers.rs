//! The Workers platform: this file, `workers.js` and `entry.rs` alone know it. What the platform is
//! asked stands in `workers.js`; here its messages become those of the `http` crate, and back.
//!
//! The `worker` crate has types for all of this. They cross into JavaScript for every header and
//! every piece of a body, and make objects of the platform that the edge does not need.

use super::{
    DataPoint, KvUnavailable, Platform, REQUEST_HEADERS, RESPONSE_HEADERS, RateLimiter, SEND_SECONDS_MAX,
    Unreachable,
};
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use onbill_domain::limits::BODY_BYTES_MAX;
use onbill_domain::timestamp::Timestamp;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};
use worker::js_sys::{Array, Date, Reflect, Uint8Array};
use worker::{Context, Env, web_sys};

#[wasm_bindgen(
    module = "/src/platform/workers.js",
    js_sys = worker::js_sys,
    wasm_bindgen_futures = worker::wasm_bindgen_futures
)]
extern "C" {
    #[wasm_bindgen(js_name = readRequestHead)]
    fn read_request_head(request: &web_sys::Request, names: &Array) -> String;

    #[wasm_bindgen(js_name = readBody, catch)]
    async fn read_body(message: &web_sys::Request, bytes_max: usize) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = send, catch)]
    async fn send_and_read(
        method: &str,
        url: &str,
        headers: &str,
        body: &[u8],
        names: &Array,
        milliseconds: u32,
        bytes_max: usize,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = makeResponse, catch)]
    fn make_response(status: u16, headers: &str, body: &[u8]) -> Result<web_sys::Response, JsValue>;

    /// A variable or a secret of the deployment, if it is set.
    #[wasm_bindgen(js_name = readVariable)]
    pub(crate) fn read_variable(env: &Env, name: &str) -> Option<String>;

    #[wasm_bindgen(js_name = readValue, catch)]
    async fn read_value(env: &Env, key: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = writeValue, catch)]
    async fn write_value(env: &Env, key: &str, value: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = writeValueFor, catch)]
    async fn write_value_for(env: &Env, key: &str, value: &str, ttl_seconds: u32)
    -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = readSettings, catch)]
    async fn read_settings(env: &Env, keys: &Array) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = listSettings, catch)]
    async fn list_settings(env: &Env, prefix: &str, count_max: usize) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = checkRate, catch)]
    async fn check_rate(env: &Env, limiter: &str, key: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = writeLogLine)]
    fn write_log_line(line: &str);

    #[wasm_bindgen(js_name = writeDataPoint)]
    fn write_data_point(env: &Env, index: &str, words: &str, first: f64, second: f64);
}

thread_local! {
    static REQUEST_NAMES: Array = to_names(&REQUEST_HEADERS);
    static RESPONSE_NAMES: Array = to_names(&RESPONSE_HEADERS);
}

fn to_names(names: &[&str]) -> Array {
    names.iter().copied().map(JsValue::from_str).collect()
}

/// The platform as one request sees it.
pub(crate) struct Workers {
    env: Env,
    context: Context,
}

impl Workers {
    pub(crate) fn new(env: Env, context: Context) -> Self {
        Self { env, context }
    }
}

impl Platform for Workers {
    async fn kv_get(&self, key: &str) -> Result<Option<String>, KvUnavailable> {
        read_value(&self.env, key).await.map(|value| value.as_string()).map_err(|_| KvUnavailable)
    }

    async fn kv_put(&self, key: &str, value: &str) -> Result<(), KvUnavailable> {
        write_value(&self.env, key, value).await.map(drop).map_err(|_| KvUnavailable)
    }

    fn kv_put_later(&self, key: &str, value: &str, ttl_seconds: u32) {
        let (env, key, value) = (self.env.clone(), key.to_owned(), value.to_owned());
        // What cannot be written is asked for again.
        self.context.wait_until(async move {
            let _ = write_value_for(&env, &key, &value, ttl_seconds).await;
        });
    }

    async fn read_settings(&self, keys: &[String]) -> Result<Vec<Option<String>>, KvUnavailable> {
        let names: Array = keys.iter().map(|key| JsValue::from_str(key)).collect();
        let values = read_settings(&self.env, &names).await.map_err(|_| KvUnavailable)?;
        Ok(Array::from(&values).iter().map(|value| value.as_string()).collect())
    }

    async fn list_settings(&self, prefix: &str, count_max: usize) -> Result<Vec<String>, KvUnavailable> {
        let keys = list_settings(&self.env, prefix, count_max).await.map_err(|_| KvUnavailable)?;
        if keys.is_null() {
            return Err(KvUnavailable);
        }
        Ok(Array::from(&keys).iter().filter_map(|key| key.as_string()).collect())
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        let names = RESPONSE_NAMES.with(Array::clone);
        let (parts, body) = request.into_parts();
        let (method, url, headers) =
            (parts.method.as_str(), parts.uri.to_string(), write_header_lines(&parts.headers));
        let received =
            send_and_read(method, &url, &headers, &body, &names, SEND_SECONDS_MAX * 1000, BODY_BYTES_MAX);
        let received = received.await.map_err(|error| match error_name(&error).as_deref() {
            Some("TimeoutError") => Unreachable::TimedOut,
            _ => Unreachable::Broken,
        })?;
        let response = to_response(&Array::from(&received)).ok_or(Unreachable::Broken)?;
        if response.body().len() > BODY_BYTES_MAX { Err(Unreachable::TooLarge) } else { Ok(response) }
    }

    async fn is_within_rate(&self, limiter: RateLimiter, key: &str) -> bool {
        let binding = match limiter {
            RateLimiter::Widget => "WIDGET_RATE",
            RateLimiter::Pin => "PIN_RATE",
            RateLimiter::Partner => "PARTNER_RATE",
            RateLimiter::Device => "DEVICE_RATE",
        };
        check_rate(&self.env, binding, key).await.ok().and_then(|success| success.as_bool()).unwrap_or(true)
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.now_milliseconds().div_euclid(1000))
    }

    #[expect(clippy::cast_possible_truncation, reason = "a float holds whole milliseconds exactly")]
    fn now_milliseconds(&self) -> i64 {
        Date::now() as i64
    }

    #[expect(clippy::disallowed_methods, reason = "this is the adapter around the platform's randomness")]
    fn random_bytes(&self) -> Option<[u8; 16]> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).ok().map(|()| bytes)
    }

    fn log(&self, line: &str) {
        write_log_line(line);
    }

    fn record(&self, point: &DataPoint) {
        let [first, second] = point.numbers;
        write_data_point(&self.env, &point.index, &point.words.join("\n"), first, second);
    }
}

/// Reads an incoming request. Its body is not read when its length says that it is too large, and
/// never far past the limit: the handler sees that it is. `None` when its URL or method is not
/// valid HTTP.
pub(crate) async fn read_request(incoming: &web_sys::Request) -> Option<Request<Bytes>> {
    let head = read_request_head(incoming, &REQUEST_NAMES.with(Array::clone));
    let mut lines = head.split('\n');
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = lines.next()?.parse().ok()?;
    *request.uri_mut() = lines.next()?.parse().ok()?;
    *request.headers_mut() = read_header_lines(lines);
    let claimed = request.headers().get(CONTENT_LENGTH);
    let claimed = claimed.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let has_body = ![Method::GET, Method::HEAD].contains(request.method());
    if has_body && claimed.is_none_or(|bytes| bytes <= BODY_BYTES_MAX) {
        let body = read_body(incoming, BODY_BYTES_MAX).await.ok()?;
        *request.body_mut() = Uint8Array::from(body).to_vec().into();
    }
    Some(request)
}

/// The response in the platform's own type.
pub(crate) fn to_platform_response(response: &Response<Bytes>) -> worker::Result<web_sys::Response> {
    let headers = write_header_lines(response.headers());
    Ok(make_response(response.status().as_u16(), &headers, response.body())?)
}

/// Reads `[head, body]` as `send` of `workers.js` returns it.
fn to_response(received: &Array) -> Option<Response<Bytes>> {
    let head = received.get(0).as_string()?;
    let mut lines = head.split('\n');
    let mut response = Response::new(Uint8Array::from(received.get(1)).to_vec().into());
    *response.status_mut() = lines.next()?.parse().ok()?;
    *response.headers_mut() = read_header_lines(lines);
    Some(response)
}

fn error_name(error: &JsValue) -> Option<String> {
    Reflect::get(error, &JsValue::from_str("name")).ok()?.as_string()
}

/// A header that is not text is left out.
fn write_header_lines(headers: &HeaderMap) -> String {
    let lines =
        headers.iter().filter_map(|(name, value)| Some([name.as_str(), value.to_str().ok()?].join(":")));
    lines.collect::<Vec<_>>().join("\n")
}

fn read_header_lines<'a>(lines: impl Iterator<Item = &'a str>) -> HeaderMap {
    let fields = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(value.as_bytes()).ok()?))
    });
    fields.collect()
}
