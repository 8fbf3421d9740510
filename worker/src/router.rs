//! Finds the route of a request in a table: the path's pattern, and the methods that it takes. The
//! edge's table, one line for each endpoint `E`, is in `routes/mod.rs`.

use crate::page::RefusalPage;
use http::Method;

/// A line of the table.
#[derive(Debug)]
pub(crate) struct Route<E: 'static> {
    pub(crate) endpoint: E,
    /// `HEAD` is listed where it is taken. A `HEAD` of the partner's is not: its signature would
    /// cover another method than the origin is asked with.
    pub(crate) methods: &'static [Method],
    /// The path; a part in braces is variable. The log has the pattern and never the path, so that
    /// no ticket or identifier stands there.
    pub(crate) pattern: &'static str,
    /// The page that a person sees instead of a refusal in JSON, on a path that browsers open.
    pub(crate) refusal_page: Option<RefusalPage>,
}

/// A path that at least one route has.
#[derive(Debug)]
pub(crate) struct MatchedPath<'p, E: 'static> {
    table: &'static [Route<E>],
    path: &'p str,
    first: &'static Route<E>,
}

/// Matches `path` with the table; the first pattern wins.
pub(crate) fn match_path<'p, E>(table: &'static [Route<E>], path: &'p str) -> Option<MatchedPath<'p, E>> {
    let first = table.iter().find(|route| pattern_matches(route.pattern, path))?;
    Some(MatchedPath { table, path, first })
}

/// Whether any route takes this method.
pub(crate) fn is_taken_anywhere<E>(table: &'static [Route<E>], method: &Method) -> bool {
    table.iter().any(|route| route.methods.contains(method))
}

impl<'p, E> MatchedPath<'p, E> {
    /// The pattern, for the log.
    pub(crate) fn pattern(&self) -> &'static str {
        self.first.pattern
    }

    /// The page that a person sees instead of a refusal in JSON.
    pub(crate) fn refusal_page(&self) -> Option<RefusalPage> {
        self.first.refusal_page
    }

    /// The route that takes this method.
    pub(crate) fn route(&self, method: &Method) -> Option<&'static Route<E>> {
        self.routes().find(|route| route.methods.contains(method))
    }

    /// The methods of all routes of this path, as in `Allow`.
    pub(crate) fn allow(&self) -> String {
        let methods: Vec<&str> = self.routes().flat_map(|route| route.methods).map(Method::as_str).collect();
        methods.join(", ")
    }

    /// The variable parts of the path as they came (percent-encoded). That there are as many of
    /// them as a handler takes is checked where the table is compiled.
    pub(crate) fn variables<const N: usize>(&self) -> [&'p str; N] {
        let mut variables = zip_parts(self.first.pattern, self.path).filter(|(name, _)| is_variable(name));
        [(); N].map(|()| variables.next().map_or("", |(_, part)| part))
    }

    fn routes(&self) -> impl Iterator<Item = &'static Route<E>> {
        let pattern = self.first.pattern;
        self.table.iter().filter(move |route| route.pattern == pattern)
    }
}

fn pattern_matches(pattern: &str, path: &str) -> bool {
    let is_match =
        |(name, part): (&str, &str)| if is_variable(name) { !part.is_empty() } else { name == part };
    pattern.split('/').count() == path.split('/').count() && zip_parts(pattern, path).all(is_match)
}

fn zip_parts<'a>(pattern: &'a str, path: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    pattern.split('/').zip(path.split('/'))
}

fn is_variable(name: &str) -> bool {
    name.starts_with('{')
}

/// How many variable parts a pattern has.
pub(crate) const fn variable_count(pattern: &str) -> usize {
    let (mut rest, mut count) = (pattern.as_bytes(), 0_usize);
    while let [byte, after @ ..] = rest {
        if *byte == b'{' {
            count = count.saturating_add(1);
        }
        rest = after;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::ROUTES;
    use crate::tests::test_edge::sample_path;
    use std::collections::HashSet;

    #[test]
    fn path_matches_one_pattern_or_none() {
        for route in ROUTES {
            let path = sample_path(route.pattern);
            let patterns: HashSet<_> = ROUTES
                .iter()
                .map(|other| other.pattern)
                .filter(|pattern| pattern_matches(pattern, &path))
                .collect();
            assert_eq!(patterns, HashSet::from([route.pattern]), "{path}");
            for method in route.methods {
                let found =
                    match_path(ROUTES, &path).and_then(|path| path.route(method)).map(|route| route.endpoint);
                assert_eq!(found, Some(route.endpoint), "{method} {path}");
            }
        }
        for path in [
            "",
            "//",
            "/healthz/",
            "/Healthz",
            "/widget/v1/return/acme",
            "/widget/v1/return/acme/",
            "/widget/v1/return//t",
            "/widget/v1/return/acme/t/u",
            "/ott/v1/transaction/",
            "/ott/v1/transaction/a/b",
            "/ott/v1/partnerSubscription/",
            "/ott/v1/partnerSubscription/a/b",
            "/ott/v1/transaction/a/refund/",
            "/ott/v1/transaction/a/refund//",
            "/ott/v1/transaction//refund",
            "/ott/v1/transaction//refund/r",
            "/ott/v1/transaction/a/refund/r/s",
            "/ott/v1/transaction/a/Refund",
            "/ott/v1/transactions",
            "/ott/v1/notification/n-1",
            "//healthz",
        ] {
            assert!(match_path(ROUTES, path).is_none(), "{path}");
        }
    }

    #[test]
    fn variables_stay_percent_encoded() {
        let found = |path: &'static str| match_path(ROUTES, path).expect("is a route");
        assert_eq!(found("/widget/v1/return/acme/t").variables(), ["acme", "t"]);
        assert_eq!(found("/ott/v1/transaction/a%2Fb").variables(), ["a%2Fb"]);
        assert_eq!(found("/ott/v1/partnerSubscription/s-1").variables(), ["s-1"]);
        assert_eq!(found("/ott/v1/transaction/refund/refund").variables(), ["refund"]);
        assert_eq!(found("/ott/v1/transaction/a%2Fb/refund/r").variables(), ["a%2Fb", "r"]);
    }

    #[test]
    fn head_is_for_pages_and_not_for_partners() {
        for route in ROUTES {
            let path = match_path(ROUTES, route.pattern).expect("a pattern is a path too");
            let is_signed = ["/ott/", "/origin/"].iter().any(|start| route.pattern.starts_with(start));
            let takes = |method| path.route(&method).is_some();
            assert_eq!(takes(Method::HEAD), takes(Method::GET) && !is_signed, "{}", route.pattern);
            assert!(!takes(Method::OPTIONS), "{}", route.pattern);
        }
        for (path, allow) in [
            ("/", "GET, HEAD"),
            ("/healthz", "GET, HEAD"),
            ("/widget/v1/return/acme/t", "GET, HEAD"),
            ("/widget/v1/pin", "POST"),
            ("/ott/v1/partnerSubscription/s-1", "PUT"),
            ("/ott/v1/transaction/n-1", "GET"),
            ("/ott/v1/transaction/n-1/refund/r-1", "GET"),
        ] {
            assert_eq!(match_path(ROUTES, path).map(|path| path.allow()).as_deref(), Some(allow), "{path}");
        }
    }
}
