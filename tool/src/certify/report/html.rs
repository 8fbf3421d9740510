//! The report as one HTML page: no script, nothing from elsewhere, readable in light and dark, and
//! by a screen reader. Outcomes are words, and not only colours.

use super::{Report, escape_markup};
use crate::certify::check::Outcome;
use std::fmt::Write as _;

const STYLE: &str = "\
:root { color-scheme: light dark; --failed: light-dark(#b00020, #ff8a95); --passed: light-dark(#11662f, #7fd89b); \
--quiet: light-dark(#555, #aaa); --line: light-dark(#ccc, #444); }\n\
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }\n\
table { border-collapse: collapse; width: 100%; }\n\
caption { text-align: start; color: var(--quiet); }\n\
th, td { text-align: start; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }\n\
.failed { color: var(--failed); font-weight: 600; } .passed { color: var(--passed); } .skipped, .blocked { color: var(--quiet); }\n\
dt { font-weight: 600; } dd { margin: 0 0 .5rem 1rem; overflow-wrap: anywhere; }\n";

impl Report {
    /// The report as one HTML page.
    pub fn to_html(&self) -> String {
        let (title, target) = (escape_markup(self.title), escape_markup(&self.target));
        let mut html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}: {}</title>\n\
             <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p>{target}</p>\n<p><strong>{}</strong></p>\n",
            self.summary(),
            self.summary(),
        );
        write_failures(&mut html, self);
        write_all(&mut html, self);
        html.push_str("</main>\n</body>\n</html>\n");
        html
    }
}

fn write_failures(html: &mut String, report: &Report) {
    if report.is_passed() {
        return;
    }
    html.push_str("<h2>What to mend</h2>\n");
    for result in &report.results {
        let Outcome::Failed(seen) = &result.outcome else { continue };
        let facts = result.facts;
        // Writing to a text does not fail.
        let _ = write!(
            html,
            "<h3 id=\"{id}\">{name}</h3>\n<dl>\n<dt>Check</dt><dd><code>{id}</code></dd>\n<dt>Expected</dt><dd>{}</dd>\n\
             <dt>Seen</dt><dd>{}</dd>\n<dt>To mend</dt><dd>{}</dd>\n</dl>\n",
            escape_markup(facts.expected),
            escape_markup(seen),
            escape_markup(facts.mend),
            id = escape_markup(facts.id),
            name = escape_markup(facts.name),
        );
    }
}

fn write_all(html: &mut String, report: &Report) {
    html.push_str(
        "<h2>All checks</h2>\n<table>\n<caption>In the order in which they ran</caption>\n<thead><tr><th scope=\"col\">Outcome</th>\
         <th scope=\"col\">Check</th><th scope=\"col\">What is tested</th><th scope=\"col\">Seen</th></tr></thead>\n<tbody>\n",
    );
    for result in &report.results {
        let word = result.outcome.word();
        let _ = writeln!(
            html,
            "<tr><td class=\"{word}\">{word}</td><th scope=\"row\"><code>{}</code></th><td>{}</td><td>{}</td></tr>",
            escape_markup(result.facts.id),
            escape_markup(result.facts.name),
            escape_markup(&result.outcome.detail()),
        );
    }
    html.push_str("</tbody>\n</table>\n");
}
