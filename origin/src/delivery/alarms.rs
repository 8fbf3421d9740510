//! Alarms about the outcome of a job.

use crate::store::SettleResult;

/// Raises an alarm in three cases: billing has decided twice about one id, where the first decision
/// stays because the partner may have it; billing declines a coupon that is spent; a coupon's SMS
/// does not arrive.
pub(crate) fn raise_alarm(result: SettleResult, what: &str, id: &str) {
    match result {
        SettleResult::Contradicted => {
            tracing::error!(what, id, alarm = "billing-verdicts-differ", "billing has given two verdicts");
        }
        SettleResult::Unpaid => {
            tracing::error!(
                what,
                id,
                alarm = "coupon-unpaid",
                "a coupon is redeemed, and billing refuses it"
            );
        }
        SettleResult::Undelivered => warn_of_undelivered(id),
        SettleResult::Written | SettleResult::Late => {}
    }
}

/// Raises an alarm for a coupon, by our id, whose SMS does not arrive.
pub(super) fn warn_of_undelivered(id: &str) {
    tracing::error!(id, alarm = "coupon-undelivered", "a coupon's text message does not arrive");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    const ALARM: &str = "alarm = \"";

    /// The values of the field in each source file below the folder.
    fn collect_raised(folder: &Path, raised: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("can be listed") {
            let path = entry.expect("can be listed").path();
            if path.is_dir() {
                collect_raised(&path, raised);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let source = std::fs::read_to_string(&path).expect("can be read");
                let values = source.split(ALARM).skip(1).filter_map(|rest| rest.split('"').next());
                raised.extend(values.filter(|value| !value.is_empty()).map(str::to_owned));
            }
        }
    }

    #[test]
    fn alarms_are_those_that_the_table_explains() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("is in the repository");
        let mut raised = BTreeSet::new();
        for folder in ["origin/src", "worker/src"] {
            collect_raised(&root.join(folder), &mut raised);
        }
        let table = std::fs::read_to_string(root.join("docs/operate/alarms.md")).expect("can be read");
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let explained: BTreeSet<String> = rows.filter(|name| *name != "alarm=").map(str::to_owned).collect();
        assert!(raised.len() > 10, "the sources were not read: {raised:?}");
        assert_eq!(raised, explained);
    }
}
