//! A table that has something about a person, and how their rows are found.

/// How rows are found.
#[derive(Clone, Copy)]
pub(super) enum KeptBy {
    /// By the subscriber's id.
    Subscriber,
    /// By their PAIs.
    Pai,
    /// By the charges on their PAIs.
    Charge,
    /// By the coupons that they have bought.
    Coupon,
    /// By the index of their number: what the operator reports of its present subscriber.
    Number,
    /// By their number, from the moment on at which it became theirs: an earlier subscriber has left rows,
    /// too. This is the moment of a row, in seconds. Of a day on which both had it, nothing is read.
    NumberSince(&'static str),
    /// By their handle.
    Handle,
}

pub(super) struct Source {
    pub(super) table: &'static str,
    pub(super) title: &'static str,
    pub(super) by: KeptBy,
    /// What is read of the table.
    pub(super) columns: &'static [&'static str],
}

impl Source {
    /// The statement, with `parameter` for the key. It contains only constant words.
    pub(super) fn sql(&self, parameter: &str) -> String {
        let columns: Vec<String> =
            self.columns.iter().map(|column| format!("CAST(t.{column} AS TEXT) AS {column}")).collect();
        let joined = match self.by {
            KeptBy::Subscriber => "WHERE t.subscriber_id",
            KeptBy::Pai => "JOIN pais p ON p.pai = t.pai WHERE p.subscriber_id",
            KeptBy::Charge => {
                "JOIN transactions c ON c.transaction_id = t.transaction_id JOIN pais p ON p.pai = c.pai
                 WHERE p.subscriber_id"
            }
            KeptBy::Coupon => {
                "JOIN coupons c ON c.coupon_id = t.coupon_id JOIN pais p ON p.pai = c.pai WHERE p.subscriber_id"
            }
            KeptBy::Number => "WHERE t.number_index",
            KeptBy::NumberSince(moment) => &format!(
                "JOIN subscribers s ON s.number_index = t.number_index
                 WHERE {moment} * 1000000000 >= coalesce(s.number_since_nanoseconds, s.created_at * 1000000000)
                    AND s.subscriber_id"
            ),
            KeptBy::Handle => "WHERE t.handle",
        };
        let order = self.columns[0];
        format!(
            "SELECT {} FROM {} t {joined} = {parameter} ORDER BY t.{order}",
            columns.join(", "),
            self.table
        )
    }
}
