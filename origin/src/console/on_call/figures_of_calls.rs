//! How many calls this origin has answered since its start, and how fast. Other origins have figures of
//! their own; Prometheus has all of them over time.

use crate::console::figures::{format_count, format_share};
use crate::instruments::{CallFigures, Metrics};
use maud::{Markup, html};

/// Routes that are shown, the busiest first.
const SHOWN_MAX: usize = 20;

pub(super) fn calls_table(metrics: &Metrics) -> Markup {
    let mut figures: Vec<CallFigures> = metrics.requests.list_figures();
    figures.retain(|route| route.answered > 0);
    figures.sort_by_key(|route| (std::cmp::Reverse(route.answered), route.route));
    figures.truncate(SHOWN_MAX);
    html! {
        section class="card" {
            table {
                caption { "Calls at this origin since its start" }
                thead {
                    tr {
                        th scope="col" { "Route" } th scope="col" class="amount" { "Answered" }
                        th scope="col" class="amount" { "Refused (4xx)" } th scope="col" class="amount" { "Failed (5xx)" }
                        th scope="col" class="amount" { "Half within" } th scope="col" class="amount" { "99 % within" }
                    }
                }
                tbody {
                    @for of_route in &figures {
                        tr {
                            td data-label="Route" { code { (of_route.route) } }
                            td class="amount" data-label="Answered" { (format_count(to_i64(of_route.answered))) }
                            td class="amount" data-label="Refused (4xx)" { (format_share(to_i64(of_route.refused), to_i64(of_route.answered))) }
                            td class="amount" data-label="Failed (5xx)" {
                                span class=[(of_route.failed > 0).then_some("bad")] {
                                    (format_share(to_i64(of_route.failed), to_i64(of_route.answered)))
                                }
                            }
                            td class="amount" data-label="Half within" { (format_bound(of_route.median_seconds)) }
                            td class="amount" data-label="99 % within" { (format_bound(of_route.slowest_seconds)) }
                        }
                    }
                }
            }
        }
    }
}

fn to_i64(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The upper bound of a bucket; the last one has none.
fn format_bound(seconds: f64) -> String {
    if seconds.is_infinite() {
        return "longer".to_owned();
    }
    if seconds < 1.0 { format!("{} ms", seconds * 1000.0) } else { format!("{seconds} s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instruments::LabelLists;
    use http::{Method, StatusCode};

    #[test]
    fn busiest_routes_are_shown_with_their_failures() {
        let routes = vec![("get", "/a"), ("get", "/b"), ("get", "/c")];
        let metrics = Metrics::new(&LabelLists { routes, ..LabelLists::default() });
        for (route, status) in [("/a", 200), ("/b", 200), ("/b", 500), ("/b", 404), ("/b", 200)] {
            let status = StatusCode::from_u16(status).expect("is a status");
            metrics.requests.begin(Some(route), &Method::GET).end(status);
        }
        let page = calls_table(&metrics).into_string();
        assert!(page.find("/b") < page.find("/a") && !page.contains("<code>/c<"), "{page}");
        assert_eq!(page.matches("25.0 %").count(), 2, "{page}");
        assert_eq!((format_bound(0.0025), format_bound(2.5)), ("2.5 ms".to_owned(), "2.5 s".to_owned()));
        assert_eq!(format_bound(f64::INFINITY), "longer");
    }
}
