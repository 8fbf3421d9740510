//! The frame of every page of the operator: head, brand, navigation, log-in. Colours and spacing
//! are in the style sheet.

use super::Operator;
use super::ledger::OperatorLedger;
use crate::account_file::Subscriber;
use crate::{page, refusal_page};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use maud::{DOCTYPE, Markup, html};
use onbill_domain::accept::accepts_html;
use onbill_domain::locale::Locale;
use onbill_domain::msisdn::Msisdn;
use serde::Deserialize;

/// Subscribers offered for log-in: an imported file may have more than a list can show.
pub(super) const LISTED_MAX: usize = 50;

/// View options of the demonstration, in the query.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct PageView {
    #[serde(default)]
    theme: String,
    #[serde(default)]
    locale: String,
}

/// Themes to choose from, with their names.
pub(super) const THEMES: [(&str, &str); 4] =
    [("auto", "As the device"), ("light", "Light"), ("dark", "Dark"), ("plain", "Widget's own colours")];

impl PageView {
    /// One of [`THEMES`].
    pub(super) fn theme(&self) -> &'static str {
        THEMES.iter().map(|(word, _)| *word).find(|word| *word == self.theme).unwrap_or("auto")
    }

    /// The widget's language.
    pub(super) fn locale(&self) -> Locale {
        Locale::from_tag(&self.locale).unwrap_or_default()
    }

    /// These options in a form.
    pub(super) fn hidden(&self) -> Markup {
        html! {
            input type="hidden" name="theme" value=(self.theme());
            input type="hidden" name="locale" value=(self.locale().as_str());
        }
    }

    /// `path` with these options.
    pub(super) fn link(&self, path: &str) -> String {
        let theme = (self.theme() != "auto").then(|| format!("theme={}", self.theme()));
        let locale = (self.locale() != Locale::En).then(|| format!("locale={}", self.locale().as_str()));
        let query: Vec<String> = theme.into_iter().chain(locale).collect();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
    }
}

/// Where the menu leads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum MenuItem {
    Overview,
    Subscriptions,
    Plans,
    Bill,
    Messages,
}

/// A page that is not in the menu.
pub(super) fn page(
    operator: &Operator,
    view: &PageView,
    title: &str,
    visitor: Option<&Msisdn>,
    main: &Markup,
) -> Response {
    render(operator, view, (title, None), visitor, main)
}

/// A page that the menu leads to, and is marked there.
pub(super) fn menu_page(
    operator: &Operator,
    view: &PageView,
    (title, item): (&str, MenuItem),
    visitor: Option<&Msisdn>,
    main: &Markup,
) -> Response {
    render(operator, view, (title, Some(item)), visitor, main)
}

fn render(
    operator: &Operator,
    view: &PageView,
    (title, current): (&str, Option<MenuItem>),
    visitor: Option<&Msisdn>,
    main: &Markup,
) -> Response {
    let config = operator.config();
    page::html(html! {
        (DOCTYPE)
        html lang="en" dir="ltr" data-theme=(view.theme()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · " (config.name) }
                link rel="icon" href="/assets/operator.svg";
                link rel="stylesheet" href="/assets/operator.css";
                script type="module" src="/assets/operator.js" {}
                script type="module" src="/assets/copy.js" {}
            }
            body {
                a class="skip" href="#main" { "Skip to content" }
                header class="top" {
                    div class="bar" {
                        a class="brand" href=(view.link("/")) { (mark()) span { (config.name) } }
                        nav aria-label="Main" {
                            @for (item, href, name) in menu(operator, view, visitor) {
                                a href=(href) aria-current=[(current == Some(item)).then_some("page")] { (name) }
                            }
                        }
                        (log_in_form(operator, view, visitor))
                    }
                }
                main id="main" tabindex="-1" { (main) }
                footer {
                    p { (config.name) " is a simulated operator for local use. It has no real subscribers." }
                }
            }
        }
    })
}

/// The menu, by address and name. Who is signed in has a bill and messages of their own.
fn menu(
    operator: &Operator,
    view: &PageView,
    visitor: Option<&Msisdn>,
) -> Vec<(MenuItem, String, &'static str)> {
    let own = |path: &str| visitor.map_or_else(|| path.to_owned(), |msisdn| number_link(path, msisdn));
    let mut items = vec![
        (MenuItem::Overview, view.link("/"), "Overview"),
        (MenuItem::Subscriptions, view.link("/subscriptions"), "Subscriptions"),
    ];
    if operator.config().coupons.is_some() {
        items.push((MenuItem::Plans, view.link("/plans"), "Plans"));
    }
    items.push((MenuItem::Bill, own("/bill"), if visitor.is_some() { "Bill" } else { "Bills" }));
    items.push((MenuItem::Messages, own("/sms"), "Messages"));
    items
}

/// The layer that shows refusals to people.
pub(super) async fn show_refusals(
    State(operator): State<Operator>,
    request: Request,
    next: Next,
) -> Response {
    if !accepts_html(request.headers()) {
        return next.run(request).await;
    }
    let visitor = operator.logged_in(request.headers());
    let response = next.run(request).await;
    let show = |words: &Markup| {
        let main = html! { section class="hero" { (words) } };
        page(&operator, &PageView::default(), "Error", visitor.as_ref(), &main)
    };
    refusal_page::show(response, show).await
}

fn log_in_form(operator: &Operator, view: &PageView, visitor: Option<&Msisdn>) -> Markup {
    let ledger = operator.ledger();
    html! {
        form id="log-in" class="who" method="post" action="/log-in" {
            label for="who" { "Signed in as" }
            select id="who" name="msisdn" {
                option value="" selected[visitor.is_none()] { "Nobody" }
                @for subscriber in ledger.subscribers().iter().take(LISTED_MAX) {
                    option value=(subscriber.msisdn.expose()) selected[visitor == Some(&subscriber.msisdn)] {
                        (page::spoken_number(subscriber.msisdn.expose())) " · " (page::account(&subscriber.account))
                    }
                }
            }
            (view.hidden())
            button type="submit" { "Switch" }
        }
    }
}

/// A local page for one number.
pub(super) fn number_link(path: &str, msisdn: &Msisdn) -> String {
    format!("{path}?msisdn=%2B{}", msisdn.expose().trim_start_matches('+'))
}

/// The number in a local page's query: `%2B1202…`, and what people type instead.
pub(super) fn number_in_query(text: &str) -> Option<Msisdn> {
    // A plus sign in a query is a space unless it was escaped.
    Msisdn::parse(&format!("+{}", text.trim().trim_start_matches('+')))
}

/// The operator's logo: three signal bars.
fn mark() -> Markup {
    html! {
        svg class="mark" viewBox="0 0 32 32" aria-hidden="true" {
            rect width="32" height="32" rx="9" {}
            path d="M9 22v-4M16 22V13M23 22V8" {}
        }
    }
}

/// The table that lists all subscribers on an index page; `tell` renders the cell of each.
pub(super) fn index(
    operator: &Operator,
    path: &str,
    column: &str,
    tell: impl Fn(&OperatorLedger, &Subscriber) -> String,
) -> Markup {
    let ledger = operator.ledger();
    let hidden = ledger.subscribers().len().saturating_sub(LISTED_MAX);
    html! {
        table class="card" {
            thead { tr { th scope="col" { "Number" } th scope="col" { "Account" } th scope="col" class="amount" { (column) } } }
            tbody {
                @for subscriber in ledger.subscribers().iter().take(LISTED_MAX) {
                    tr {
                        th scope="row" {
                            a href=(number_link(path, &subscriber.msisdn)) { (page::spoken_number(subscriber.msisdn.expose())) }
                        }
                        td { (page::account(&subscriber.account)) }
                        td class="amount" { (tell(&ledger, subscriber)) }
                    }
                }
            }
        }
        @if hidden > 0 { p class="quiet" { "… and " (hidden) " more. Open theirs by adding " code { "?msisdn=" } " to the address." } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_in_a_query_may_lack_its_plus() {
        for typed in ["+12025550101", " 12025550101", "12025550101"] {
            assert_eq!(
                number_in_query(typed).map(|n| n.expose().to_owned()).as_deref(),
                Some("+12025550101")
            );
        }
        assert!(number_in_query("nobody").is_none());
    }
}
