//! `GET /`, and every path that is not there. A person who opens the address of a listener reads
//! what this server is, and nothing of its operator or its state. Everything else is 404.

use crate::ambient::Random;
use crate::fault::Failure;
use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse as _, Response};
use http::Method;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use onbill_domain::accept::accepts_html;
use onbill_domain::reject::{ErrorCode, Reject};
use std::sync::Arc;

const STYLE: &str = ":root{color-scheme:light dark;background:Canvas}body{font:1.0625rem/1.5 system-ui,sans-serif;\
    max-width:28rem;margin:min(15vh,4rem) auto;padding:0 1.5rem}h1{line-height:1.25;text-wrap:balance}\
    a{display:inline-block;padding:.6rem .6rem .6rem 0;margin:-.6rem 0}";

/// What a listener's start page says, in English: it is for those who run the server.
struct StartPage {
    title: &'static str,
    about: &'static str,
    links: &'static [&'static str],
}

const CALLS: StartPage = StartPage {
    title: "onbill origin",
    about: "This server keeps the ledger of what a mobile operator’s customers pay to partners on the phone bill. \
        Its calls are signed.",
    links: &["/healthz", "/livez", "/readyz", "/version"],
};

const ADMIN: StartPage = StartPage {
    title: "onbill origin, admin listener",
    about: "For the people and programs that run the origin.",
    links: &["/metrics", "/livez", "/readyz", "/version"],
};

/// 200 with the start page of the listener for calls; 404 `not-found` for programs, and on every
/// other path.
pub(super) async fn get_start(State(random): State<Arc<dyn Random>>, request: Request) -> Response {
    CALLS.respond(&*random, &request)
}

/// The same at the admin listener.
pub(super) async fn get_admin_start(State(random): State<Arc<dyn Random>>, request: Request) -> Response {
    ADMIN.respond(&*random, &request)
}

impl StartPage {
    fn respond(&self, random: &dyn Random, request: &Request) -> Response {
        let reads = [Method::GET, Method::HEAD].contains(request.method());
        if !reads || request.uri().path() != "/" || !accepts_html(request.headers()) {
            return Failure::from(Reject::new(ErrorCode::NotFound, "There is no such path.")).into_response();
        }
        let nonce = random.nonce();
        let policy = format!(
            "default-src 'none'; style-src 'nonce-{nonce}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
        );
        let headers = [
            (CONTENT_SECURITY_POLICY, policy),
            (CACHE_CONTROL, "no-store".to_owned()),
            (REFERRER_POLICY, "no-referrer".to_owned()),
            (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        ];
        (headers, Html(self.render(&nonce))).into_response()
    }

    fn render(&self, nonce: &str) -> String {
        let Self { title, about, links } = self;
        let links: Vec<String> = links.iter().map(|path| format!("<a href=\"{path}\">{path}</a>")).collect();
        format!(
            "<!doctype html>\n<html lang=\"en\" dir=\"ltr\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>{title}</title>\n\
             <style nonce=\"{nonce}\">{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p>{about}</p>\n\
             <p>{}</p>\n<p>How to run it is in <code>docs/operate/</code> of its release.</p>\n</main>\n</body>\n</html>\n",
            links.join(" ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::SystemRandom;
    use axum::body::{Body, to_bytes};
    use http::StatusCode;

    fn ask(page: &StartPage, method: Method, path: &str, accept: &str) -> Response {
        let request = Request::builder().method(method).uri(path).header("accept", accept);
        page.respond(&SystemRandom, &request.body(Body::empty()).expect("is a request"))
    }

    #[tokio::test]
    async fn browser_gets_a_page_that_loads_nothing() {
        for page in [&CALLS, &ADMIN] {
            let response = ask(page, Method::GET, "/", "text/html,*/*;q=0.8");
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
            let policy = response.headers()["content-security-policy"].to_str().expect("is text").to_owned();
            let body = to_bytes(response.into_body(), 10_000).await.expect("is small");
            let body = String::from_utf8(body.to_vec()).expect("is text");
            assert!(body.contains(&format!("<h1>{}</h1>", page.title)), "{body}");
            let (_, nonce) = body.split_once("nonce=\"").expect("has a style");
            let nonce = nonce.split('"').next().expect("ends");
            assert!(
                policy.starts_with(&format!("default-src 'none'; style-src 'nonce-{nonce}';")),
                "{policy}"
            );
            assert!(page.links.iter().all(|path| body.contains(&format!("href=\"{path}\""))), "{body}");
        }
    }

    #[test]
    fn everything_else_is_not_found() {
        for (method, path, accept) in [
            (Method::GET, "/", "*/*"),
            (Method::GET, "/", "application/json"),
            (Method::GET, "/nothing", "text/html"),
            (Method::POST, "/", "text/html"),
        ] {
            let response = ask(&CALLS, method.clone(), path, accept);
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{method} {path} {accept}");
            assert_eq!(response.headers()["content-type"], "application/json");
        }
        assert_eq!(ask(&CALLS, Method::HEAD, "/", "text/html").status(), StatusCode::OK);
    }
}
