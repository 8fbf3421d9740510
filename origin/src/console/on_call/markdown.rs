//! Markdown as the runbooks use it: paragraphs, lists, code and links. Other marks are left out and their
//! text is shown; HTML is text as well.

use crate::instruments::Alarm;
use maud::{Markup, html};
use pulldown_cmark::{Event, Parser, Tag};

/// The page whose links are shown, and its folder, from the root of the repository.
const PAGE: &str = "docs/operate/alarms.md";
const FOLDER: &str = "docs/operate/";

pub(super) fn show_markdown(text: &str) -> Markup {
    show_inside(&mut Parser::new(text))
}

/// What comes before the end of the element that has begun last. Elements within are few: the text is ours.
fn show_inside<'a>(events: &mut impl Iterator<Item = Event<'a>>) -> Markup {
    let mut parts: Vec<Markup> = Vec::new();
    while let Some(event) = events.next() {
        let part = match event {
            Event::End(_) => break,
            Event::Start(tag) => {
                let inside = show_inside(events);
                show_element(&tag, &inside)
            }
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => html! { (&*text) },
            Event::Code(text) => html! { code { (&*text) } },
            Event::SoftBreak | Event::HardBreak => html! { " " },
            _ => html! {},
        };
        parts.push(part);
    }
    html! { @for part in &parts { (part) } }
}

fn show_element(tag: &Tag<'_>, inside: &Markup) -> Markup {
    match tag {
        Tag::Paragraph => html! { p { (inside) } },
        Tag::List(Some(first)) => html! { ol start=[(*first != 1).then_some(first)] { (inside) } },
        Tag::List(None) => html! { ul { (inside) } },
        Tag::Item => html! { li { (inside) } },
        // A long line scrolls, also by keyboard.
        Tag::CodeBlock(_) => html! { pre tabindex="0" { code { (inside) } } },
        Tag::Strong => html! { strong { (inside) } },
        Tag::Emphasis => html! { em { (inside) } },
        Tag::Link { dest_url, .. } => show_link(dest_url, inside),
        _ => html! { (inside) },
    }
}

/// The console has the runbooks and not the other pages: where those are is written out.
fn show_link(to: &str, inside: &Markup) -> Markup {
    if to.starts_with("https://") {
        return html! { a href=(to) { (inside) } };
    }
    if let Some(alarm) = to.strip_prefix('#').and_then(Alarm::parse) {
        return html! { a href={ "/on-call/runbook/" (alarm.as_str()) } { (inside) } };
    }
    html! { (inside) " (" code { (locate_page(to)) } ")" }
}

/// A link of the page, from the root of the repository.
fn locate_page(link: &str) -> String {
    match link.strip_prefix("../") {
        Some(rest) => format!("docs/{rest}"),
        None if link.starts_with('#') => format!("{PAGE}{link}"),
        None => format!("{FOLDER}{link}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> String {
        show_markdown(text).into_string()
    }

    #[test]
    fn lists_code_and_emphasis_are_elements() {
        let page = show("Look:\n\n1. `df -h`, on\n   two lines.\n2. **Then** *this*.\n\n- a\n- b\n");
        let items = "<ol><li><code>df -h</code>, on two lines.</li><li><strong>Then</strong> <em>this</em>.</li></ol>";
        assert_eq!(page, format!("<p>Look:</p>{items}<ul><li>a</li><li>b</li></ul>"));
        assert!(show("3. late\n").contains("<ol start=\"3\">"));
        let code = "<pre tabindex=\"0\"><code>onbill-origin alarms\n</code></pre>";
        assert_eq!(show("```sh\nonbill-origin alarms\n```"), code);
    }

    #[test]
    fn link_leads_to_a_runbook_or_to_the_web_or_says_where_the_page_is() {
        for (link, shown) in [
            ("[x](#clock-skew)", "<a href=\"/on-call/runbook/clock-skew\">x</a>"),
            ("[x](https://a.example/?b&c)", "<a href=\"https://a.example/?b&amp;c\">x</a>"),
            ("[x](../operator.md#y)", "x (<code>docs/operator.md#y</code>)"),
            ("[x](running.md)", "x (<code>docs/operate/running.md</code>)"),
            ("[x](#webhook)", "x (<code>docs/operate/alarms.md#webhook</code>)"),
        ] {
            assert_eq!(show(link), format!("<p>{shown}</p>"), "{link}");
        }
    }

    #[test]
    fn markup_is_text_and_leads_nowhere() {
        for text in
            ["a <script>b</script>", "<div onclick=\"x\">\n", "`<b>`", "[<i>](javascript:x)", "![<i>](y)"]
        {
            let page = show(text);
            let is_text =
                ["<script", "<div", "<b>", "<i>", "href", "<img"].iter().all(|mark| !page.contains(mark));
            assert!(is_text, "{text}: {page}");
        }
    }
}
