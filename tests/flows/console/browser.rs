//! A browser without a script: it keeps cookies, sends forms with what is hidden in them, and follows
//! nothing by itself.

use super::{CONSOLE, Issuer};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, HeaderMap, LOCATION, ORIGIN, SET_COOKIE};
use http::{Method, Request};
use onbill_test_harness::TestNetwork;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

pub(super) struct Browser {
    network: Arc<TestNetwork>,
    pub(super) cookies: Mutex<BTreeMap<String, String>>,
    /// What the proxy before the console adds.
    pub(super) correlator: Option<&'static str>,
}

/// What a browser shows.
pub(super) struct Page {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Page {
    pub(super) fn location(&self) -> &str {
        self.headers.get(LOCATION).expect("leads elsewhere").to_str().expect("is text")
    }

    /// The token of the page's forms.
    pub(super) fn csrf(&self) -> String {
        self.hidden("csrf")
    }

    /// The value of the first hidden field of this name.
    pub(super) fn hidden(&self, name: &str) -> String {
        let (_, rest) = self.body.split_once(&format!("name=\"{name}\" value=\"")).expect("is a field");
        rest.split('"').next().expect("ends").to_owned()
    }

    pub(super) fn has(&self, text: &str) -> bool {
        self.body.contains(text)
    }
}

impl Browser {
    pub(super) fn new(network: Arc<TestNetwork>) -> Self {
        Self { network, cookies: Mutex::default(), correlator: None }
    }

    pub(super) async fn get(&self, path: &str) -> Page {
        self.send(Request::get(format!("http://{CONSOLE}{path}")), Bytes::new()).await
    }

    /// Posts the form with the token of the page at `from`.
    pub(super) async fn post_from(&self, from: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.get(from).await;
        assert_eq!(page.status, 200, "{from}: {}", page.body);
        let csrf = page.csrf();
        let fields: Vec<(&str, &str)> =
            [("csrf", csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
        self.post(path, &fields).await
    }

    pub(super) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.post_as(path, fields, &format!("http://{CONSOLE}")).await
    }

    /// The same as a page of this site would.
    pub(super) async fn post_as(&self, path: &str, fields: &[(&str, &str)], origin: &str) -> Page {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let form: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("http://{CONSOLE}{path}"))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ORIGIN, origin);
        self.send(request, Bytes::from(form.join("&"))).await
    }

    async fn send(&self, request: http::request::Builder, body: Bytes) -> Page {
        let cookies: Vec<String> = {
            let cookies = self.cookies.lock().expect("is whole");
            cookies.iter().map(|(name, value)| format!("{name}={value}")).collect()
        };
        let request = match self.correlator {
            Some(correlator) => request.header("x-correlator", correlator),
            None => request,
        };
        let request = request.header(COOKIE, cookies.join("; ")).body(body).expect("is a request");
        let answer = self.network.send_call(request).await.expect("somebody answers");
        for cookie in answer.headers().get_all(SET_COOKIE) {
            self.take_cookie(cookie.to_str().expect("is text"));
        }
        Page {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: String::from_utf8_lossy(answer.body()).into_owned(),
        }
    }

    fn take_cookie(&self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').expect("has attributes");
        let (name, value) = pair.split_once('=').expect("is a pair");
        let mut cookies = self.cookies.lock().expect("is whole");
        if attributes.contains("Max-Age=0") {
            cookies.remove(name);
        } else {
            cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Signs in as a person with these groups. Returns what the callback answers.
    pub(super) async fn sign_in(&self, issuer: &Issuer, subject: &str, groups: &[&str]) -> Page {
        let callback = self.begin_sign_in(issuer, subject, groups).await;
        self.get(&callback).await
    }

    /// Leads to the identity provider and back: the path of the callback.
    pub(super) async fn begin_sign_in(&self, issuer: &Issuer, subject: &str, groups: &[&str]) -> String {
        let begun = self.get("/sign-in").await;
        assert_eq!(begun.status, 303, "{}", begun.body);
        issuer.authorize(begun.location(), subject, groups)
    }
}
