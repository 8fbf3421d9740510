//! The frame of every page of the console: head, navigation by what the viewer may do, main part. Colours
//! and spacing are in the style sheet.

use super::assets::STYLE_PATH;
use super::viewer::Viewer;
use super::words::role_words;
use crate::care::Act;
use axum::body::Body;
use axum::response::{Html, IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue};
use maud::{DOCTYPE, Markup, html};

/// Nothing runs, and nothing comes from elsewhere. A page is framed by none, and its forms lead back here.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; \
                      base-uri 'none'";
/// Every answer has these. A page about a customer is kept neither by a browser nor on the way. Without any
/// referrer, browsers would post forms with `Origin: null`, which is not from here.
const HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "same-origin"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

onbill_domain::word_enum! {
    /// A part of the console. Its word is the first step of its paths.
    pub enum Section {
        /// A customer on the line.
        Care = "care",
        /// Charges that customers contest.
        Disputes = "disputes",
        /// Refunds that wait for a second person.
        Approvals = "approvals",
        /// What waits on the way to billing.
        Billing = "billing",
        /// The month.
        Finance = "finance",
        /// From the frame to the subscription.
        Product = "product",
        /// Alarms, and how the origins do.
        OnCall = "on-call",
        /// Who did what.
        Auditor = "auditor",
    }
}

/// The sections that have pages, in the order of the navigation.
const NAVIGATION: &[Section] = &[
    Section::Care,
    Section::Disputes,
    Section::Approvals,
    Section::Billing,
    Section::Finance,
    Section::Product,
    Section::OnCall,
    Section::Auditor,
];

impl Section {
    /// What a viewer has to be allowed to do, to be led there.
    pub const fn act(self) -> Act {
        match self {
            Self::Care => Act::SearchSubscriber,
            Self::Disputes => Act::ReadDisputes,
            Self::Approvals => Act::ApproveRefund,
            Self::Billing => Act::ReadQueue,
            Self::Finance => Act::ReadMonth,
            Self::Product => Act::ReadFunnel,
            Self::OnCall => Act::ReadAlarms,
            Self::Auditor => Act::ReadAudit,
        }
    }

    /// What the navigation calls it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Care => "Care",
            Self::Disputes => "Disputes",
            Self::Approvals => "Approvals",
            Self::Billing => "Billing",
            Self::Finance => "Finance",
            Self::Product => "Product",
            Self::OnCall => "On call",
            Self::Auditor => "Audit",
        }
    }

    /// The section's first page.
    pub fn path(self) -> String {
        format!("/{}", self.as_str())
    }

    /// The first section that the viewer may see, where they begin.
    pub(super) fn first_of(viewer: &Viewer) -> Option<Self> {
        NAVIGATION.iter().copied().find(|section| viewer.permits(section.act()))
    }
}

/// A page of a section: 200. `title` is its heading, and must name no customer: it is in the history of
/// the browser.
#[expect(clippy::needless_pass_by_value, reason = "a page makes its body for this call")]
pub fn page(viewer: &Viewer, title: &str, section: Section, body: Markup) -> Response {
    frame_page(&viewer.operator_name, title, Some((viewer, Some(section))), &body)
}

/// A page of no section, for a viewer who has signed in.
pub(super) fn plain_page(viewer: &Viewer, title: &str, body: &Markup) -> Response {
    frame_page(&viewer.operator_name, title, Some((viewer, None)), body)
}

/// A page for a person who has not signed in, or whose call was refused.
pub(super) fn bare_page(operator_name: &str, title: &str, body: &Markup) -> Response {
    frame_page(operator_name, title, None, body)
}

fn frame_page(
    operator_name: &str,
    title: &str,
    viewer: Option<(&Viewer, Option<Section>)>,
    body: &Markup,
) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" dir="ltr" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · " (operator_name) " console" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href=(STYLE_PATH.as_str());
            }
            body {
                a class="skip" href="#main" { "Skip to content" }
                header class="top" {
                    a class="brand" href="/" { (operator_name) " " span { "console" } }
                    @if let Some((viewer, section)) = viewer {
                        (show_navigation(viewer, section))
                        (show_viewer(viewer))
                    }
                }
                main id="main" tabindex="-1" {
                    h1 { (title) }
                    (body)
                }
            }
        }
    };
    with_headers(Html(page.into_string()).into_response())
}

fn show_navigation(viewer: &Viewer, current: Option<Section>) -> Markup {
    html! {
        nav aria-label="Sections" {
            @for section in NAVIGATION.iter().filter(|section| viewer.permits(section.act())) {
                a href=(section.path()) aria-current=[(current == Some(*section)).then_some("page")] {
                    (section.title())
                }
            }
        }
    }
}

fn show_viewer(viewer: &Viewer) -> Markup {
    let roles: Vec<&str> = viewer.roles.iter().map(|role| role_words(*role)).collect();
    html! {
        form class="who" method="post" action="/sign-out" {
            (viewer.csrf_field())
            span { (viewer.display_name) " · " (roles.join(", ")) }
            button class="quiet" { "Sign out" }
        }
    }
}

/// Adds what every answer of the console has.
pub(super) fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// 303 to a path of the console.
pub(super) fn redirect_to(path: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = http::StatusCode::SEE_OTHER;
    if let Ok(path) = HeaderValue::from_str(path) {
        response.headers_mut().insert(http::header::LOCATION, path);
    }
    with_headers(response)
}
