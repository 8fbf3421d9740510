//! Searches all that the programs have written and sent.

use super::{OWN_GARBAGE, TELL_CODES};
use crate::alarms::shown::SINK;
use crate::metrics::scrape_text;
use onbill_test_harness::log_capture::LogCapture;
use onbill_test_harness::spellings::Search;
use onbill_test_harness::{EDGE, NETFLIX, TestOperator, TestSystem};
use serde_json::json;

/// Searches logs, the edge's store, its rates, and what crossed the network.
pub(super) async fn search_logs_and_traffic(system: &TestSystem, search: &Search) {
    let logged = LogCapture::capture_process().to_bytes();
    assert!(logged.len() > 1000, "the origin's log was captured");
    search.assert_absent("the origin's log", &logged);
    let lines = system.edge.log_lines();
    assert!(!lines.is_empty());
    search.assert_absent("the edge's log", lines.join("\n").as_bytes());
    for (key, value) in system.edge.kv_entries() {
        search.assert_absent("the edge's store", format!("{key} {value}").as_bytes());
    }
    let points = system.edge.data_points();
    assert!(points.len() >= lines.len() / 2, "{} points, {} lines", points.len(), lines.len());
    search.assert_absent("a data point", format!("{points:?}").as_bytes());
    search.assert_absent("a rate's key", format!("{:?}", system.edge.rate_keys()).as_bytes());
    let crossings = system.network.raw_calls();
    for crossing in &crossings {
        let (to, path) = (crossing.authority.as_str(), crossing.path.as_str());
        let place = |what: &str| format!("{what} of {to}{}", path.split('?').next().unwrap_or_default());
        // The simulated operator's own pages about its customers.
        let its_own_page = ["/sms?", "/bill?"].iter().any(|page| path.starts_with(page));
        if !its_own_page && !path.ends_with(OWN_GARBAGE) {
            search.assert_absent("a URL", path.as_bytes());
        }
        let is_origins = [system.acme.origin_address, system.nova.origin_address].contains(&to);
        if to == EDGE || to == NETFLIX || is_origins {
            search.assert_absent(&place("the answer"), &crossing.response);
        }
        if to == SINK {
            search.assert_absent("a post about an alarm", &crossing.request);
        }
        let tells_numbers = ["/ott/v1/account/validate", "/ott/v1/pin"].contains(&path);
        // This test sent garbage with numbers in it: what counts is that no party repeats it.
        let was_refused = crossing.status.is_client_error();
        let tells_codes = TELL_CODES.contains(&path);
        if to == NETFLIX
            || (to == EDGE && path.starts_with("/ott/") && !tells_numbers && !tells_codes && !was_refused)
        {
            search.assert_absent(&place("a call"), &crossing.request);
        }
    }
    for (to, path) in
        [(NETFLIX, "/signup-sessions"), (NETFLIX, "/account-state"), (EDGE, "/origin/v1/pai-mappings")]
    {
        assert!(crossings.iter().any(|crossing| crossing.authority == to && crossing.path == path), "{path}");
    }
    assert!(crossings.iter().any(|crossing| crossing.authority == SINK), "an alarm was raised");
    for origin in system.acme.origins.iter().chain(&system.nova.origins) {
        let snapshot = origin.app.instruments.alarms.snapshot();
        search.assert_absent("the state of alarms", format!("{snapshot:?}").as_bytes());
    }
    assert_eq!(system.partner_accounts().await["leaks"], json!([]));
}

/// Searches what each program's admin listener shows.
pub(super) async fn search_metrics(operator: &TestOperator, search: &Search) {
    for origin in &operator.origins {
        let page = scrape_text(&origin.app.admin_router()).await;
        assert!(page.contains("onbill_charges_total"), "{page}");
        search.assert_absent("the metrics", page.as_bytes());
    }
}

/// For all pairs of parties: only those that must send a code send one, and only those that must
/// receive one do.
pub(super) fn search_calls_for_codes(system: &TestSystem, codes: &Search) {
    let mut found = 0;
    for crossing in system.network.raw_calls() {
        let path = crossing.path.as_str();
        if TELL_CODES.contains(&path) {
            found += usize::from(codes.find_spelling(&crossing.request).is_some());
        } else {
            codes.assert_absent(&format!("a call to {}{path}", crossing.authority), &crossing.request);
        }
    }
    assert!(found > 10, "codes are found where they are: {found}");
}
